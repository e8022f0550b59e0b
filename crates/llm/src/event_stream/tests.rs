use futures::{TryStreamExt, executor::block_on};

use super::*;

const ANSWER: &str = concat!(
    ": a comment\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\r\n\r\n",
    "event: message\ndata: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" 🌍\\n\"}}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n",
    "data: [DONE]\n\n",
);

fn body(pieces: &[&[u8]]) -> ByteStream {
    let pieces: Vec<Result<Bytes, HttpError>> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

fn read(body: ByteStream) -> (String, Option<ModelError>) {
    let chunks: Vec<_> = block_on(read_chunks(body, ModelError::from_wire).collect());
    let text = chunks.iter().flatten().filter_map(Chunk::text).collect();
    (text, chunks.into_iter().find_map(Result::err))
}

#[test]
fn an_answer_reads_the_same_wherever_the_network_cuts_it() {
    for cut in 0..=ANSWER.len() {
        let (head, tail) = ANSWER.as_bytes().split_at(cut);
        assert_eq!(read(body(&[head, tail])), ("Grüße 🌍\n".to_owned(), None), "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = ANSWER.as_bytes().chunks(1).collect();
    assert_eq!(read(body(&bytes)), ("Grüße 🌍\n".to_owned(), None));
}

#[test]
fn an_answer_that_breaks_off_is_an_error_wherever_it_does() {
    let end_of_finish = ANSWER.find("data: {\"id\":\"c1\",\"choices\":[],").unwrap();
    for end in 0..end_of_finish {
        let (_, error) = read(body(&[&ANSWER.as_bytes()[..end]]));
        assert!(matches!(error, Some(ModelError::StreamBroken { .. })), "cut at {end}: {error:?}");
    }
    // From the finish reason on nothing of the answer is missing, and not every server sends `[DONE]`.
    assert_eq!(read(body(&[&ANSWER.as_bytes()[..end_of_finish]])).1, None);
}

#[test]
fn done_alone_does_not_make_an_answer_complete() {
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    for before in ["", "data: {\"choices\":[{\"delta\":{}}]}\n\n", text] {
        let (_, error) = read(body(&[before.as_bytes(), b"data: [DONE]\n\n"]));
        assert!(matches!(error, Some(ModelError::StreamBroken { .. })), "{before}: {error:?}");
    }
}

#[test]
fn a_lost_connection_is_an_error_also_after_the_finish_reason() {
    let lost = HttpError::Connection { sent: true, reason: "reset".to_owned() };
    let end_of_finish = ANSWER.find("data: {\"id\":\"c1\",\"choices\":[],").unwrap();
    let pieces = [Ok(Bytes::copy_from_slice(&ANSWER.as_bytes()[..end_of_finish])), Err(lost)];
    let (text, error) = read(stream::iter(pieces).boxed());
    assert_eq!(text, "Grüße 🌍\n");
    assert!(matches!(error, Some(ModelError::StreamBroken { .. })), "{error:?}");
}

#[test]
fn an_error_in_place_of_a_chunk_is_that_error() {
    let error = ModelError::RateLimited { retry_after_ms: Some(20) };
    let event = data_line(&serde_json::to_string(&error.to_wire()).unwrap());
    assert_eq!(read(body(&[b"data: {\"choices\":[]}\n\n", event.as_bytes(), b"data: [DONE]\n\n"])).1, Some(error));
}

#[test]
fn nonsense_is_an_error_and_not_an_empty_chunk() {
    for nonsense in ["data: <html>\n\n", "data: 7\n\n", "data: {\"choices\":7}\n\n"] {
        assert!(matches!(read(body(&[nonsense.as_bytes()])).1, Some(ModelError::StreamBroken { .. })), "{nonsense}");
    }
    assert!(matches!(read(body(&[b"data: \xff\n\n"])).1, Some(ModelError::StreamBroken { .. })));
}

#[test]
fn a_line_that_never_ends_is_given_up() {
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[b'a'; 65_536]))).boxed();
    let (_, error) = read(endless);
    assert!(matches!(error, Some(ModelError::StreamBroken { .. })), "{error:?}");
}

#[test]
fn a_long_answer_is_not_a_long_event() {
    let chunk = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "a".repeat(100_000));
    let end = b"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let pieces = vec![Ok(Bytes::from(chunk)); 30].into_iter().chain([Ok(Bytes::from_static(end))]);
    let (text, error) = read(stream::iter(pieces).boxed());
    assert_eq!((text.len(), error), (3_000_000, None));
}

#[test]
fn what_is_written_reads_back() {
    let chunks = read_chunks(body(&[ANSWER.as_bytes()]), ModelError::from_wire);
    let written: Vec<Bytes> = block_on(to_sse(chunks).collect());
    let pieces: Vec<&[u8]> = written.iter().map(AsRef::as_ref).collect();
    assert_eq!(read(body(&pieces)), ("Grüße 🌍\n".to_owned(), None));
    assert!(pieces.concat().ends_with(b"data: [DONE]\n\n"));
}

#[test]
fn what_nobody_has_changed_is_handed_on_as_it_came() {
    let odd = r#"{ "x" : [1.50, null],"choices":[{"delta":{"content":"\u0048i"},"finish_reason":"stop","index":3}] }"#;
    let events = format!("data: {odd}\n\ndata: [DONE]\n\n");
    let read = || read_chunks(body(&[events.as_bytes()]), ModelError::from_wire);
    let written = |chunks| String::from_utf8(block_on(to_sse(chunks).collect::<Vec<_>>()).concat()).unwrap();
    assert_eq!(written(read()), events);
    let changed = read().map_ok(|mut chunk| {
        chunk.number_only_answer();
        chunk
    });
    assert!(written(ChunkStream::new(changed)).contains(r#""choices":[{"index":0,"#));
}

#[test]
fn an_event_of_several_lines_goes_out_on_one() {
    let events =
        "data: {\"choices\":[{\"finish_reason\":\"stop\",\ndata: \"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n";
    let chunks = read_chunks(body(&[events.as_bytes()]), ModelError::from_wire);
    let written = block_on(to_sse(chunks).collect::<Vec<_>>()).concat();
    assert_eq!(read(body(&[&written])), ("Hi".to_owned(), None));
}

#[test]
fn a_broken_answer_is_written_with_its_error_and_without_done() {
    let chunks = read_chunks(body(&[&ANSWER.as_bytes()[..300]]), ModelError::from_wire);
    let written = block_on(to_sse(chunks).collect::<Vec<_>>()).concat();
    let written = String::from_utf8(written).unwrap();
    assert!(written.contains("\"code\":\"model_stream_broken\""), "{written}");
    assert!(!written.contains(DONE), "{written}");
}
