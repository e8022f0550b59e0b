use std::time::Duration;

use futures::{FutureExt, channel::mpsc, executor::block_on};
use host::fake::{Fakes, json};

use super::*;
use crate::wire::{ChatMessage, Role, StreamOptions};

fn gateway(settings: &[(&str, &str)]) -> (Fakes, Result<Gateway, ModelError>) {
    let fakes = Fakes::without_database();
    for (name, value) in settings {
        fakes.variables.set(name, value);
    }
    let gateway = block_on(Gateway::from_settings(&fakes.host));
    (fakes, gateway)
}

/// A call that waits longer than any model may take.
fn call() -> Call {
    let host = Fakes::without_database().host;
    host.begin_call(host.new_id(), None, crate::LONGEST_CALL)
}

fn request(model: &str) -> ChatRequest {
    ChatRequest {
        model: model.to_owned(),
        messages: vec![ChatMessage::new(Role::User, "Hi")],
        ..ChatRequest::default()
    }
}

const DEADLINES: &str =
    r#"[{"name":"slow","provider":"scripted","deadlines":{"head_ms":300,"stall_ms":100,"answer_ms":1000}}]"#;

#[test]
fn without_settings_there_is_the_scripted_model() {
    let (_, gateway) = gateway(&[]);
    let gateway = gateway.unwrap();
    assert_eq!(gateway.models().data.iter().map(|model| &*model.id).collect::<Vec<_>>(), ["scripted"]);
    assert!(block_on(gateway.complete(request("scripted"), &call())).is_ok());
    assert_eq!(block_on(gateway.complete(request("gpt"), &call())), Err(ModelError::UnknownModel));
}

#[test]
fn a_url_and_a_key_are_all_that_a_real_model_takes() {
    let settings = [("openai_url", "https://api.example.com"), ("openai_api_key", "sk"), ("openai_model", "gpt")];
    let (fakes, gateway) = gateway(&settings);
    let gateway = gateway.unwrap();
    assert_eq!(gateway.models().data[0].id, "gpt", "it is the first of the catalogue, so what is used by default");
    fakes.http.answer(|_| json(200, r#"{"choices":[{"message":{"role":"assistant","content":"Hello"}}]}"#));
    block_on(gateway.complete(request("gpt"), &call())).unwrap();
    assert_eq!(fakes.http.take_requests()[0].uri(), "https://api.example.com/v1/chat/completions");
}

#[test]
fn the_provider_is_asked_under_its_own_name_for_a_model() {
    let models = r#"[{"name":"small","provider":"openai","upstream":"gpt-4o-mini"}]"#;
    let (fakes, gateway) = gateway(&[("openai_url", "https://api.example.com"), ("llm_models", models)]);
    fakes.http.answer(|_| json(500, ""));
    block_on(gateway.unwrap().complete(request("small"), &call())).unwrap_err();
    let sent = fakes.http.take_requests().remove(0);
    assert!(sent.body().starts_with(br#"{"model":"gpt-4o-mini""#));
    assert!(!sent.headers().contains_key("authorization"), "a local server needs no key");
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    for settings in [&[("llm_models", "[]")][..], &[("llm_script", "{")], &[("openai_url", "not a url")]] {
        let error = gateway(settings).1.err().unwrap();
        assert!(matches!(error, ModelError::Misconfigured { .. }), "{settings:?}: {error:?}");
    }
    let (_, gateway) = gateway(&[("llm_models", r#"[{"name":"m","provider":"openai"}]"#)]);
    let error = block_on(gateway.unwrap().complete(request("m"), &call())).unwrap_err();
    assert!(matches!(error, ModelError::Misconfigured { .. }), "{error:?}");
}

#[test]
fn usage_comes_only_to_those_who_asked() {
    let (_, gateway) = gateway(&[]);
    let gateway = gateway.unwrap();
    for wanted in [false, true] {
        let options = StreamOptions { include_usage: Some(wanted), ..StreamOptions::default() };
        let request = ChatRequest { stream: Some(true), stream_options: Some(options), ..request("scripted") };
        let chunks: Vec<_> = block_on(async { gateway.stream(request, &call()).await.unwrap().collect().await });
        assert_eq!(chunks.iter().flatten().any(|chunk| chunk.usage.is_some()), wanted);
    }
}

#[test]
fn a_stream_that_stalls_ends_with_an_error() {
    for (script, waits_ms) in [
        // The first piece has more time than the others.
        (r#"{"rules":[{"contains":"","answer":"a b","stall_after_tokens":0}]}"#, &[300][..]),
        (r#"{"rules":[{"contains":"","answer":"a b","stall_after_tokens":1}]}"#, &[100]),
        (r#"{"rules":[{"contains":"","answer":"a b","token_ms":99,"stall_after_tokens":2}]}"#, &[99, 100]),
    ] {
        let (fakes, gateway) = gateway(&[("llm_models", DEADLINES), ("llm_script", script)]);
        let mut chunks = block_on(gateway.unwrap().stream(request("slow"), &call())).unwrap();
        for wait_ms in waits_ms {
            while let Some(item) = chunks.next().now_or_never() {
                assert!(matches!(item, Some(Ok(_))), "{script}: {item:?}");
            }
            fakes.clock.advance(Duration::from_millis(*wait_ms));
        }
        let error = block_on(chunks.collect::<Vec<_>>()).into_iter().find_map(Result::err);
        assert!(matches!(error, Some(ModelError::Timeout { .. })), "{script}: {error:?}");
    }
}

#[test]
fn an_answer_that_drips_for_ever_ends_with_an_error() {
    let script = r#"{"rules":[{"contains":"","answer":"{message} a b c d e f g h i j k l m","token_ms":90}]}"#;
    let (fakes, gateway) = gateway(&[("llm_models", DEADLINES), ("llm_script", script)]);
    let mut chunks = block_on(gateway.unwrap().stream(request("slow"), &call())).unwrap();
    let mut error = None;
    while error.is_none() {
        match chunks.next().now_or_never() {
            Some(item) => error = item.expect("it does not come to its end").err(),
            None => fakes.clock.advance(Duration::from_millis(90)),
        }
    }
    assert!(matches!(error, Some(ModelError::Timeout { .. })), "{error:?}");
}

#[test]
fn an_answer_in_one_piece_has_a_deadline_too() {
    let script = r#"{"rules":[{"contains":"","stall_after_tokens":1}]}"#;
    let (fakes, gateway) = gateway(&[("llm_models", DEADLINES), ("llm_script", script)]);
    let gateway = gateway.unwrap();
    let call = call();
    let mut answer = Box::pin(gateway.complete(request("slow"), &call));
    assert!((&mut answer).now_or_never().is_none());
    fakes.clock.advance(Duration::from_millis(1000));
    assert_eq!((&mut answer).now_or_never(), Some(Err(ModelError::Timeout { limit_ms: 1000 })));
}

#[test]
fn a_reader_that_leaves_lets_go_of_the_provider() {
    let (fakes, gateway) = gateway(&[("openai_url", "https://api.example.com"), ("openai_model", "gpt")]);
    let (provider, body) = mpsc::unbounded();
    let body = std::sync::Mutex::new(Some(body));
    fakes.http.answer(move |_| Ok(http::Response::new(body.lock().unwrap().take().unwrap().boxed())));
    let chunks = block_on(gateway.unwrap().stream(request("gpt"), &call())).unwrap();
    assert!(!provider.is_closed());
    drop(chunks);
    assert!(provider.is_closed());
}

#[test]
fn nobody_is_answered_longer_than_they_wait() {
    let script = r#"{"rules":[{"contains":"","answer":"a b c","token_ms":40}]}"#;
    let (fakes, gateway) = gateway(&[("llm_models", DEADLINES), ("llm_script", script)]);
    let gateway = gateway.unwrap();
    let call = Call { deadline: fakes.host.now() + Duration::from_millis(50), ..call() };
    let mut whole = Box::pin(gateway.complete(request("slow"), &call));
    let mut chunks = block_on(gateway.stream(request("slow"), &call)).unwrap();
    assert!((&mut whole).now_or_never().is_none());
    while chunks.next().now_or_never().is_some() {}
    fakes.clock.advance(Duration::from_millis(50));
    assert_eq!((&mut whole).now_or_never(), Some(Err(ModelError::Timeout { limit_ms: 50 })));
    let error = block_on(chunks.collect::<Vec<_>>()).into_iter().find_map(Result::err);
    assert!(matches!(error, Some(ModelError::Timeout { .. })), "{error:?}");
}
