use futures::{FutureExt, executor::block_on};
use host::fake::SetClock;

use super::*;

fn scripted(script: &str) -> (Scripted, Arc<SetClock>) {
    let clock = Arc::new(SetClock::default());
    (Scripted { script: Script::from_json(script).unwrap(), clock: clock.clone() }, clock)
}

fn request(message: &str) -> ChatRequest {
    let messages = vec![
        ChatMessage::new(Role::User, "earlier"),
        ChatMessage::new(Role::Assistant, "answer"),
        ChatMessage::new(Role::User, message),
    ];
    ChatRequest { model: "scripted".to_owned(), messages, ..ChatRequest::default() }
}

/// The texts of all chunks, and the error that ends them if one does.
fn play(model: &Scripted, message: &str) -> (Vec<String>, Option<ModelError>) {
    let chunks: Vec<_> = block_on(model.stream(&request(message)).unwrap().collect());
    let texts = chunks.iter().flatten().filter_map(|chunk| chunk.text().map(str::to_owned)).collect();
    (texts, chunks.into_iter().find_map(Result::err))
}

#[test]
fn without_rules_it_repeats_what_was_said() {
    let (model, _) = scripted(r#"{"rules":[]}"#);
    let (texts, error) = play(&model, "Grüße 🌍");
    assert_eq!(texts.concat(), "You said: Grüße 🌍\nI am the scripted model: I follow rules, offline.");
    assert!(texts.len() > 3, "{texts:?}");
    assert_eq!(error, None);
}

#[test]
fn one_piece_and_many_say_the_same() {
    let (model, _) = scripted(r#"{"rules":[{"contains":"weather","answer":"It rains, \"{message}\"."}]}"#);
    let (texts, _) = play(&model, "the weather?");
    let completion = block_on(model.complete(&request("the weather?"))).unwrap();
    let answer = completion.choices[0].message.content.as_ref().unwrap().text();
    assert_eq!(answer, "It rains, \"the weather?\".");
    assert_eq!(texts.concat(), answer);
    assert_eq!(completion.usage.unwrap().completion_tokens, texts.len() as u64);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let script =
        r#"{"rules":[{"contains":"a","answer":"1"},{"contains":"ab","answer":"2"},{"contains":"","answer":"3"}]}"#;
    let (model, _) = scripted(script);
    for (message, answer) in [("cab", "1"), ("b", "3"), ("", "3"), ("earlier", "1"), ("earlyer", "1"), ("xyz", "3")] {
        assert_eq!(play(&model, message).0.concat(), answer, "{message}");
    }
}

#[test]
fn a_cut_comes_after_exactly_so_many_tokens() {
    for tokens in 0..4 {
        let script = format!(r#"{{"rules":[{{"contains":"","answer":"one two three","cut_after_tokens":{tokens}}}]}}"#);
        let (model, _) = scripted(&script);
        let (texts, error) = play(&model, "go");
        assert_eq!(texts, ["one ", "two ", "three"][..tokens.min(3)]);
        assert!(matches!(error, Some(ModelError::StreamBroken { .. })));
        assert!(block_on(model.complete(&request("go"))).is_err());
    }
}

#[test]
fn errors_are_those_of_a_provider() {
    let script = r#"{"rules":[{"contains":"busy","status":429,"retry_after_ms":1500},
        {"contains":"long","status":400,"code":"context_length_exceeded"},{"contains":"down","status":503}]}"#;
    let (model, _) = scripted(script);
    for (message, code, retry_after_ms) in [
        ("busy", "model_rate_limited", Some(1500)),
        ("long", "context_exceeded", None),
        ("down", "model_unavailable", None),
    ] {
        let error = model.stream(&request(message)).err().unwrap();
        assert_eq!(fault::Fault::code(&error), code);
        assert_eq!(fault::Fault::retry_after_ms(&error), retry_after_ms);
    }
}

#[test]
fn tokens_keep_their_pace() {
    let (model, clock) = scripted(r#"{"rules":[{"contains":"","answer":"a b","first_token_ms":200,"token_ms":20}]}"#);
    let mut chunks = model.stream(&request("go")).unwrap();
    for (wait_ms, text) in [(200, "a "), (20, "b")] {
        assert!(chunks.next().now_or_never().is_none());
        clock.advance(Duration::from_millis(wait_ms - 1));
        assert!(chunks.next().now_or_never().is_none());
        clock.advance(Duration::from_millis(1));
        assert_eq!(chunks.next().now_or_never().flatten().unwrap().unwrap().text(), Some(text));
    }
}

#[test]
fn a_wrong_script_is_refused_with_its_reason() {
    for (script, reason) in [
        ("[]", "expected struct Script"),
        (r#"{"rules":[{"answer":"no condition"}]}"#, "contains"),
        (r#"{"rules":[{"contains":"","anwser":""}]}"#, "anwser"),
        (r#"{"rules":[{"contains":"","status":200}]}"#, "200"),
        (r#"{"rules":[{"contains":"","status":7}]}"#, "7"),
    ] {
        let error = Script::from_json(script).unwrap_err().to_string();
        assert!(error.contains(reason), "{script}: {error}");
    }
}
