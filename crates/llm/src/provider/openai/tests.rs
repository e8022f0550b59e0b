use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, executor::block_on};
use host::{
    HttpError,
    fake::{Fakes, ScriptedHttp, chunks, json},
};
use http::HeaderName;

use super::*;
use crate::wire::{ChatMessage, Role};

const LIMIT: Duration = Duration::from_secs(1);

fn openai(http: &Arc<ScriptedHttp>) -> OpenAi {
    let fakes = Fakes::without_database();
    // Pauses are over at once.
    fakes.clock.make_impatient();
    let host = Host { http: http.clone(), ..fakes.host };
    OpenAi::new(&host, "https://api.example.com/", "/v1/", Some("sk-secret")).unwrap()
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
        (&[("retry-after", "20"), ("retry-after-ms", "1500")], Some(1500)),
        (&[("retry-after", "Mon, 24 Nov 2025 16:01:00 GMT")], Some(60_000)),
        (&[("retry-after", "soon")], None),
    ] {
        assert_eq!(refused(429, headers, ""), ModelError::RateLimited { retry_after_ms: expected }, "{headers:?}");
    }
}

/// How often a provider is asked that answers with `statuses`, one after the other and then with the last one again, and what
/// comes of it. 0 is a connection that is lost.
fn asked(
    statuses: &'static [u16],
    header: (&'static str, &'static str),
    limit: Duration,
) -> (usize, Result<(), ModelError>) {
    let http = Arc::new(ScriptedHttp::default());
    let mut left = statuses;
    http.answer(move |_| {
        let (status, rest) = left.split_first().unwrap();
        if !rest.is_empty() {
            left = rest;
        }
        if *status == 0 {
            return Err(HttpError::Connection { sent: true, reason: "closed".to_owned() });
        }
        let mut response = json(*status, r#"{"choices":[{"message":{"content":"Hello"}}]}"#)?;
        response.headers_mut().insert(header.0, HeaderValue::from_static(header.1));
        Ok(response)
    });
    let answer = block_on(openai(&http).complete(request(), limit));
    (http.take_requests().len(), answer.map(drop))
}

#[test]
fn a_provider_is_asked_again_while_it_has_said_nothing() {
    let minute = Duration::from_secs(60);
    let none = ("x-nothing", "");
    for statuses in [&[503, 502, 200][..], &[0, 0, 200], &[429, 409, 200], &[408, 504, 200]] {
        assert_eq!(asked(statuses, none, minute), (3, Ok(())), "{statuses:?}");
    }
    assert_eq!(asked(&[503, 0, 503, 200], none, minute).0, 3, "two retries are all");
    for status in [&[400][..], &[401], &[404], &[500]] {
        assert_eq!(asked(status, none, minute).0, 1, "{status:?}");
    }
    assert_eq!(asked(&[503], ("x-should-retry", "false"), minute).0, 1);
    assert_eq!(asked(&[429, 200], ("retry-after", "7"), minute), (2, Ok(())));
    let (times, refused) = asked(&[429, 200], ("retry-after", "60"), Duration::from_secs(30));
    assert_eq!((times, refused), (1, Err(ModelError::RateLimited { retry_after_ms: Some(60_000) })));
}

#[test]
fn what_waiting_does_not_cure_is_not_asked_again() {
    for body in [r#"{"error":{"code":"insufficient_quota"}}"#, r#"{"error":{"message":"prompt is too long: 9 > 8"}}"#] {
        let http = Arc::new(ScriptedHttp::default());
        http.answer(move |_| json(429, body));
        block_on(openai(&http).complete(request(), LIMIT)).unwrap_err();
        assert_eq!(http.take_requests().len(), 1, "{body}");
    }
}

#[test]
fn the_only_answer_is_the_first_whatever_its_number() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| {
        let body = "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
        chunks(200, [Ok(Bytes::from_static(body.as_bytes()))])
    });
    let texts = |request| {
        let stream = block_on(openai(&http).stream(request, LIMIT)).unwrap();
        block_on(stream.map(|chunk| chunk.unwrap().text().map(str::to_owned)).collect::<Vec<_>>())
    };
    assert_eq!(texts(request()), [Some("a".to_owned())]);
    let mut of_two = request();
    of_two.other.insert("n".to_owned(), 2.into());
    assert_eq!(texts(of_two), [None]);
}

#[test]
fn nothing_that_the_provider_says_is_repeated() {
    let says = "sk-se*****ret";
    let bodies = [
        format!(r#"{{"error":{{"message":"Incorrect API key provided: {says}","code":"x"}}}}"#),
        format!(r#"{{"error":{{"message":"m","code":"{says}","type":"{says}","param":"{says}"}}}}"#),
        format!(r#"{{"error":"{says}"}}"#),
        format!(r#"{{"detail":"{says}"}}"#),
        format!(r#"{{"choices":"{says}"}}"#),
        format!(r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"stop"}}],"{says}"#),
        says.to_owned(),
    ];
    for body in bodies {
        for status in [200, 401, 400, 500] {
            let error = refused(status, &[], body.clone().leak());
            assert!(!format!("{error:?} {error}").contains("sk-se"), "{body}: {error:?}");
            let http = Arc::new(ScriptedHttp::default());
            let event = Bytes::from(format!("data: {body}\n\n"));
            http.answer(move |_| chunks(200, [Ok(event.clone())]));
            let stream = block_on(openai(&http).stream(request(), LIMIT)).unwrap();
            let error = block_on(stream.collect::<Vec<_>>()).pop().unwrap().unwrap_err();
            assert!(!format!("{error:?} {error}").contains("sk-se"), "{body}: {error:?}");
        }
    }
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
    for body in ["", "<html>", "{}", "[]", "7", r#"{"choices":7}"#, r#"{"choices":[]}"#, r#"{"choices":null}"#] {
        let error = refused(200, &[], body);
        assert_eq!(fault::Fault::code(&error), "model_unavailable", "{body}");
    }
}

#[test]
fn an_origin_that_is_none_is_refused_at_once() {
    let host = Fakes::without_database().host;
    for origin in ["", "api.example.com", "/v1", "http://", "https://bad host"] {
        let error = OpenAi::new(&host, origin, "/v1", None).err().unwrap();
        assert_eq!(fault::Fault::code(&error), "model_misconfigured", "{origin}");
    }
    let error = OpenAi::new(&host, "https://a", "/v1", Some("two\nlines")).err().unwrap();
    assert!(!format!("{error:?}").contains("lines"));
}
