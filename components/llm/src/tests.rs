use axum::http::{Request, StatusCode};
use futures::FutureExt;
use host::fake::{Fakes, chained};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;

/// The gateway with a script, and how to ask it.
struct Door {
    fakes: Fakes,
    app: App,
    host: Host,
}

impl Door {
    fn with(settings: &[(&str, &str)]) -> Self {
        let fakes = Fakes::without_database();
        for (name, value) in settings {
            fakes.variables.set(name, value);
        }
        Self { app: app(fakes.host.clone()), host: fakes.host.clone(), fakes }
    }

    /// `request` as another component sends it.
    fn sent_by_a_component(&self, mut request: axum::http::request::Builder) -> axum::http::request::Builder {
        let call = self.host.begin_call(self.host.new_id(), None, llm::LONGEST_CALL);
        let headers = request.headers_mut().expect("the request is one");
        headers.extend(chained(&call, self.host.now()));
        request
    }

    /// Status, content type and body of the answer to `body`.
    async fn post(&self, body: &Value) -> (StatusCode, String, String) {
        let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
        let request = self.sent_by_a_component(request).body(Body::from(body.to_string())).unwrap();
        read(self.app.handle(request).await).await
    }
}

async fn read(response: Response) -> (StatusCode, String, String) {
    let status = response.status();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, content_type, String::from_utf8(body.to_vec()).unwrap())
}

fn asking(text: &str, stream: bool) -> Value {
    json!({"model": "scripted", "stream": stream, "messages": [{"role": "user", "content": text}]})
}

#[tokio::test]
async fn every_route_has_its_guard() {
    let routes: Vec<String> = Door::with(&[]).app.routes().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(routes.join("\n"));
}

#[tokio::test]
async fn an_answer_in_one_piece_is_openais() {
    let (status, content_type, body) = Door::with(&[]).post(&asking("Hi", false)).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "application/json"));
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&body).unwrap());
}

#[tokio::test]
async fn a_streamed_answer_is_openais() {
    let script = r#"{"rules":[{"contains":"","answer":"one two"}]}"#;
    let mut body = asking("Hi", true);
    body["stream_options"] = json!({"include_usage": true});
    let (status, content_type, body) = Door::with(&[("llm_script", script)]).post(&body).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "text/event-stream"));
    insta::assert_snapshot!(body);
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_its_error() {
    let script = r#"{"rules":[{"contains":"","answer":"one two","cut_after_tokens":1}]}"#;
    let (status, _, body) = Door::with(&[("llm_script", script)]).post(&asking("Hi", true)).await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_snapshot!(body);
}

#[tokio::test]
async fn what_fails_before_its_first_piece_has_the_status_of_its_error() {
    let script = r#"{"rules":[{"contains":"busy","status":429,"retry_after_ms":1500},{"contains":"key","status":401},
        {"contains":"cut","cut_after_tokens":0}]}"#;
    let door = Door::with(&[("llm_script", script)]);
    let mut answers = Vec::new();
    for (text, stream) in [("busy", true), ("busy", false), ("key", true), ("cut", true)] {
        let (status, content_type, body) = door.post(&asking(text, stream)).await;
        assert_eq!(content_type, "application/json");
        answers.push(
            json!({"asked": text, "status": status.as_u16(), "body": serde_json::from_str::<Value>(&body).unwrap()}),
        );
    }
    insta::assert_json_snapshot!(answers);
}

#[tokio::test]
async fn an_answer_that_ends_before_its_first_piece_has_the_status_of_its_error() {
    let settings = [("openai_url", "https://api.example.com"), ("openai_model", "gpt")];
    for body in ["data: [DONE]\n\n", "", ": nothing\n\n", "data: {\"choices\":[]}\n\n"] {
        let door = Door::with(&settings);
        door.fakes.http.answer(move |_| host::fake::chunks(200, [Ok(body.into())]));
        let (status, content_type, answer) = door.post(&json!({"model": "gpt", "stream": true, "messages": []})).await;
        let begun = body.contains("choices");
        let expected = if begun { (200, "text/event-stream") } else { (503, "application/json") };
        assert_eq!((status.as_u16(), &*content_type), expected, "{body}");
        assert!(answer.contains("model_stream_broken") && !answer.contains("[DONE]"), "{body}: {answer}");
    }
}

#[tokio::test]
async fn the_head_of_an_answer_does_not_wait_for_a_provider_that_keeps_silent() {
    let door = Door::with(&[("openai_url", "https://api.example.com"), ("openai_model", "gpt")]);
    door.fakes.http.answer(|_| Ok(axum::http::Response::new(Box::pin(stream::pending()))));
    let request = Request::post("/v1/chat/completions").header("content-type", "application/json");
    let body = json!({"model": "gpt", "stream": true, "messages": []});
    let request = door.sent_by_a_component(request).body(Body::from(body.to_string())).unwrap();
    let mut answer = Box::pin(door.app.handle(request));
    assert!((&mut answer).now_or_never().is_none());
    door.fakes.clock.advance(HEAD_WAITS);
    let head = answer.now_or_never().expect("it does not wait any longer");
    assert_eq!(head.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_model_that_is_not_in_the_catalogue_is_named() {
    let (status, _, body) = Door::with(&[]).post(&json!({"model": "gpt-9", "messages": []})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["error"]["code"], &body["error"]["param"]), (&json!("model_not_found"), &json!("model")));
}

#[tokio::test]
async fn wrong_settings_are_no_fault_of_the_caller() {
    let (status, _, body) = Door::with(&[("llm_models", "[{}]")]).post(&asking("Hi", false)).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("model_misconfigured") && !body.contains("llm_models"), "{body}");
}

#[tokio::test]
async fn the_catalogue_is_listed() {
    let door =
        Door::with(&[("openai_url", "https://api.example.com"), ("openai_model", "gpt"), ("openai_api_key", "sk-1")]);
    let request = door.sent_by_a_component(Request::get("/v1/models"));
    let (status, _, body) = read(door.app.handle(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!(status, StatusCode::OK);
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&body).unwrap());
}

#[tokio::test]
async fn nobody_but_a_component_is_served() {
    let door = Door::with(&[]);
    let request = Request::get("/v1/models").body(Body::empty()).unwrap();
    let (status, _, body) = read(door.app.handle(request).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("call_incomplete"), "{body}");
    assert!(door.app.routes().iter().all(|route| route.needs == edge::Needs::Component));
}
