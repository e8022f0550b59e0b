use std::sync::Arc;

use futures::{StreamExt, executor::block_on};
use host::{
    HttpError,
    fake::{ScriptedHttp, chunks, json},
};

use super::*;
use crate::wire::{ChatMessage, Role};

const LIMIT: Duration = Duration::from_secs(1);

fn openai(http: &Arc<ScriptedHttp>) -> OpenAi {
    OpenAi::new(http.clone(), "https://api.example.com/", "/v1/", Some("sk-secret")).unwrap()
}

fn request() -> ChatRequest {
    let messages = vec![ChatMessage::new(Role::User, "Hi")];
    ChatRequest { model: "gpt".to_owned(), messages, ..ChatRequest::default() }
}

/// What becomes of a request that is answered with `status`, `headers` and `body`.
fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> ModelError {
    let http = Arc::new(ScriptedHttp::default());
    let headers = headers.to_vec();
    http.answer(move |_| {
        let mut response = json(status, body)?;
        response.headers_mut().extend(
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
        );
        Ok(response)
    });
    block_on(openai(&http).complete(request(), LIMIT)).unwrap_err()
}

#[test]
fn a_request_goes_where_the_settings_say_with_the_key() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| json(200, r#"{"choices":[{"message":{"role":"assistant","content":"Hello"}}]}"#));
    let completion = block_on(openai(&http).complete(request(), LIMIT)).unwrap();
    assert_eq!(completion.choices[0].message.content.as_ref().unwrap().text(), "Hello");
    let sent = http.take_requests().remove(0);
    assert_eq!(sent.uri(), "https://api.example.com/v1/chat/completions");
    assert_eq!(sent.headers()[AUTHORIZATION], "Bearer sk-secret");
    assert!(sent.headers()[AUTHORIZATION].is_sensitive());
    assert_eq!(&sent.body()[..], br#"{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}"#);
}

#[test]
fn a_stream_always_asks_for_its_usage() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| chunks(200, [Ok(Bytes::from_static(b"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"))]));
    let stream = block_on(openai(&http).stream(request(), LIMIT)).unwrap();
    assert_eq!(block_on(stream.count()), 1);
    let sent = http.take_requests().remove(0);
    let body: serde_json::Value = serde_json::from_slice(sent.body()).unwrap();
    assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&true.into(), &true.into()));
}

#[test]
fn every_refusal_of_a_provider_has_its_meaning() {
    let code = |code| format!(r#"{{"error":{{"message":"m","type":"t","param":null,"code":"{code}"}}}}"#);
    let leaked = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    for (status, body, expected) in [
        (401, leaked(&code("invalid_api_key")), "model_auth_failed"),
        (403, "", "model_auth_failed"),
        (402, "", "model_auth_failed"),
        (404, leaked(&code("model_not_found")), "model_misconfigured"),
        (400, leaked(&code("context_length_exceeded")), "context_exceeded"),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 4097 tokens","code":400}}"#,
            "context_exceeded",
        ),
        (413, "<html>", "context_exceeded"),
        (400, leaked(&code("invalid_value")), "model_request_rejected"),
        (422, r#"{"detail":"no"}"#, "model_request_rejected"),
        (429, leaked(&code("rate_limit_exceeded")), "model_rate_limited"),
        (429, leaked(&code("insufficient_quota")), "model_auth_failed"),
        (408, "", "model_timeout"),
        (504, "", "model_timeout"),
        (500, leaked(&code("server_error")), "model_unavailable"),
        (529, "overloaded", "model_unavailable"),
        (302, "", "model_unavailable"),
    ] {
        let error = refused(status, &[], body);
        assert_eq!(fault::Fault::code(&error), expected, "{status} {body}");
    }
}

#[test]
fn the_wait_that_a_provider_asks_for_is_kept() {
    for (headers, expected) in [
        (&[][..], None),
        (&[("retry-after", "2")], Some(2000)),
        (&[("retry-after", "0.25")], Some(250)),
        (&[("retry-after", "20"), ("retry-after-ms", "1500")], Some(1500)),
        (&[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")], None),
        (&[("retry-after", "-5")], Some(0)),
    ] {
        assert_eq!(refused(429, headers, ""), ModelError::RateLimited { retry_after_ms: expected }, "{headers:?}");
    }
}

#[test]
fn nothing_that_the_provider_says_of_our_key_is_repeated() {
    let error = refused(401, &[], r#"{"error":{"message":"Incorrect API key provided: sk-se*****ret","code":"x"}}"#);
    assert!(!format!("{error:?}").contains("sk-se"), "{error:?}");
}

#[test]
fn what_cannot_be_sent_is_told_apart_from_what_may_pass() {
    for (error, expected) in [
        (HttpError::Denied { authority: "api.example.com:443".to_owned() }, "model_misconfigured"),
        (HttpError::Timeout { limit_ms: 1000 }, "model_timeout"),
        (HttpError::Connection { sent: false, reason: "refused".to_owned() }, "model_unavailable"),
    ] {
        let http = Arc::new(ScriptedHttp::default());
        http.answer(move |_| Err(error.clone()));
        let error = block_on(openai(&http).complete(request(), LIMIT)).unwrap_err();
        assert_eq!(fault::Fault::code(&error), expected);
    }
}

#[test]
fn an_answer_that_is_none_is_an_error() {
    for body in ["", "<html>", "{}", r#"{"choices":7}"#] {
        let error = refused(200, &[], body);
        assert_eq!(fault::Fault::code(&error), "model_unavailable", "{body}");
    }
}

#[test]
fn an_origin_that_is_none_is_refused_at_once() {
    for origin in ["", "api.example.com", "/v1", "http://", "https://bad host"] {
        let error = OpenAi::new(Arc::new(ScriptedHttp::default()), origin, "/v1", None).err().unwrap();
        assert_eq!(fault::Fault::code(&error), "model_misconfigured", "{origin}");
    }
    let error = OpenAi::new(Arc::new(ScriptedHttp::default()), "https://a", "/v1", Some("two\nlines")).err().unwrap();
    assert!(!format!("{error:?}").contains("lines"));
}
