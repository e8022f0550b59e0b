//! What providers send beside what OpenAI documents, row by row as in `docs/providers.md`.

use futures::executor::block_on;

use super::*;

/// Checks what a reader is told of `body`: the text, the finish reason, the tokens read and written, and how it ended (empty for
/// in order, else the error's code), each separated by a bar.
#[track_caller]
fn check(body: impl AsRef<[u8]>, expected: &str) {
    let body = body.as_ref();
    let mut cuts = vec![vec![body], body.chunks(1).collect()];
    cuts.extend((1..body.len()).step_by(7).map(|cut| vec![&body[..cut], &body[cut..]]));
    for pieces in cuts {
        let pieces: Vec<_> = pieces.into_iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let told = told(read_chunks(stream::iter(pieces).boxed(), ModelError::from_wire));
        assert_eq!(told, expected, "{}", String::from_utf8_lossy(body));
    }
}

fn told(chunks: ChunkStream) -> String {
    let (mut text, mut reason, mut usage, mut end) = (String::new(), String::new(), String::new(), "");
    for item in block_on(chunks.collect::<Vec<_>>()) {
        match item {
            Ok(chunk) => {
                text.push_str(chunk.text().unwrap_or_default());
                reason.push_str(chunk.finish_reason().unwrap_or_default());
                usage.extend(chunk.usage.map(|usage| format!("{}+{}", usage.prompt_tokens, usage.completion_tokens)));
            }
            Err(error) => end = fault::Fault::code(&error),
        }
    }
    [&*text, &*reason, &*usage, end].join("|")
}

const HI: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

/// A stream of `events`, with a text before them and its end behind.
fn within_an_answer(events: &[&str]) -> String {
    let events = [&[HI], events, &[STOP, "[DONE]"]].concat();
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

#[test]
fn members_may_be_null_missing_or_of_another_type() {
    for event in [
        r#"{"id":null,"object":null,"created":null,"model":null,"choices":[{"index":0,"delta":{"content":"!"}}]}"#,
        r#"{"id":7,"object":7,"created":1.5,"model":7,"choices":[{"index":0,"delta":{"content":"!"}}]}"#,
        r#"{"id":{},"object":[],"created":"1","model":true,"choices":[{"delta":{"content":"!"}}]}"#,
        r#"{"id":"a","id":"b","choices":[{"index":"0","delta":{"content":"!"}}]}"#,
        r#"{"choices":[{"index":null,"delta":{"role":"","content":"!"},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":0.0,"delta":{"role":"model","content":"!"},"finish_reason":""}]}"#,
        r#"{"choices":[null,{"index":0,"delta":{"role":7,"content":[{"type":"text","text":"!"}]}}],"error":null}"#,
    ] {
        check(within_an_answer(&[event]), "Hi!|stop||");
    }
}

#[test]
fn a_piece_may_say_nothing() {
    for event in [
        "",
        " ",
        "{}",
        r#"{"choices":null}"#,
        r#"{"choices":[]}"#,
        r#"{"choices":[{}]}"#,
        r#"{"choices":[{"delta":null}]}"#,
        r#"{"choices":[{"delta":{"content":null}}]}"#,
        r#"{"choices":[{"delta":{"content":7}}]}"#,
        r#"{"type":"ping"}"#,
    ] {
        check(within_an_answer(&[event]), "Hi|stop||");
    }
}

#[test]
fn a_strange_usage_fails_no_answer_that_was_whole() {
    for (usage, expected) in [
        (r#"{"prompt_tokens":9,"completion_tokens":4}"#, "9+4"),
        (r#"{"prompt_tokens":9.0,"completion_tokens":3.5}"#, "9+4"),
        (r#"{"prompt_tokens":"9","completion_tokens":" 4 "}"#, "9+4"),
        (r#"{"prompt_tokens":null,"completion_tokens":-4}"#, "0+0"),
        (r#"{"prompt_tokens":1e300,"completion_tokens":[4]}"#, "18446744073709551615+0"),
        ("null", ""),
        ("7", ""),
        ("\"much\"", ""),
        ("[9,4]", ""),
        // No JSON at all, as Python writes it.
        (r#"{"prompt_tokens":NaN}"#, ""),
        (r#"{"prompt_tokens":1e999}"#, ""),
    ] {
        let usage = format!(r#"{{"choices":[],"usage":{usage}}}"#);
        let body = format!("data: {HI}\n\ndata: {STOP}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
        check(body, &format!("Hi|stop|{expected}|"));
    }
}

#[test]
fn lines_may_be_written_in_every_way() {
    let body = within_an_answer(&[]);
    for written in [
        body.replace('\n', "\r\n"),
        body.replace('\n', "\r"),
        format!("\u{feff}{body}"),
        body.replace("data: ", "data:"),
        body.replace("[DONE]", "[DONE] "),
        body.replace("[DONE]", "  [DONE]"),
        body.replace("data: ", ": a comment\nid: 7\nretry: 1\nevent: message\ndata: "),
        format!("\n\n{body}"),
        body.replace("data: [DONE]\n\n", ""),
        format!("{body}data: whatever comes then\n\n"),
    ] {
        check(written, "Hi|stop||");
    }
}

#[test]
fn half_a_surrogate_pair_is_a_replacement_character() {
    for (written, read) in [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\\ud83d", "\\ud83d"),
        (r"\u0041\ud83d\n", "A\u{fffd}\n"),
    ] {
        let event = format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{written}"}}}}]}}"#);
        check(within_an_answer(&[&event]), &format!("Hi{read}|stop||"));
    }
}

#[test]
fn a_finish_reason_is_told_as_the_provider_says_it() {
    for reason in ["stop", "length", "content_filter", "tool_calls", "error", "a_new_one"] {
        let body = format!("data: {HI}\n\ndata: {}\n\ndata: [DONE]\n\n", STOP.replace("stop", reason));
        check(body, &format!("Hi|{reason}||"));
    }
}

#[test]
fn an_answer_without_a_finish_reason_is_not_complete() {
    for end in
        ["", "data: [DONE]\n\n", "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"\"}]}\n\ndata: [DONE]\n\n"]
    {
        check(format!("data: {HI}\n\n{end}"), "Hi|||model_stream_broken");
        check(end, "|||model_stream_broken");
    }
}

#[test]
fn an_error_has_many_forms_in_a_stream() {
    for event in [
        r#"{"error":{"message":"m","code":"model_rate_limited"}}"#,
        r#"{"code":"model_rate_limited","message":"m"}"#,
        r#"{"code":"model_rate_limited","error":"m"}"#,
        r#"{"code":"model_rate_limited","detail":"m"}"#,
        r#"[{"error":{"code":"model_rate_limited"}}]"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":{"code":"model_rate_limited"}}"#,
        r#"{"choices":7,"error":{"code":"model_rate_limited"}}"#,
        r#"{"error":{"code":"model_rate_limited","message":"half \ud83d"}}"#,
    ] {
        check(within_an_answer(&[event]), "Hi|||model_rate_limited");
        // In place of a stream it is an answer in one piece.
        if !event.contains("choices") {
            check(event, "|||model_rate_limited");
        }
    }
    check(format!("data: {HI}\n\nevent: error\ndata: gone\n\n"), "Hi|||model_unavailable");
    check(format!("data: {HI}\n\nevent: error\ndata: {{\"type\":\"overloaded_error\"}}\n\n"), "Hi|||model_unavailable");
}

#[test]
fn an_answer_in_one_piece_becomes_a_stream_of_one() {
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":4}"#;
    for (body, expected) in [
        (
            format!(r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"length"}}],{usage}}}"#),
            "Hi|length|9+4|",
        ),
        (
            r#"{"choices":[{"message":{"role":"model","content":[{"text":"Hi"}]}}],"usage":null}"#.to_owned(),
            "Hi|stop||",
        ),
        (format!("\u{feff} \n{{\"choices\":[{{\"message\":{{\"content\":\"Hi\"}}}}],{usage}}}\n"), "Hi|stop|9+4|"),
        (r#"{"choices":[{"message":null}]}"#.to_owned(), "|stop||"),
        (r#"{"choices":[]}"#.to_owned(), "|||model_unavailable"),
        (r#"{"choices":[{"message":{"content":"Hi"#.to_owned(), "|||model_unavailable"),
    ] {
        check(body, expected);
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    for event in ["<html>", "7", "null", "\"Hi\"", r#"{"choices":7}"#, r#"["Hi"]"#, r#"{"choices":[{"delta":"Hi"}]}"#] {
        check(within_an_answer(&[event]), "Hi|||model_stream_broken");
    }
    check(b"data: \xff\n\n", "|||model_stream_broken");
}
