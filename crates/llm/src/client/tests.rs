use bytes::Bytes;
use futures::{StreamExt, executor::block_on};
use host::{
    HttpError,
    fake::{Fakes, chunks, json},
};

use super::*;

fn client() -> (Fakes, Client, Call) {
    let fakes = Fakes::without_database();
    let call = fakes.host.begin_call(fakes.host.new_id(), None, LONGEST_CALL);
    let client = Client::new(&fakes.host);
    (fakes, client, call)
}

#[test]
fn a_call_reaches_the_gateway_for_whom_it_is_made() {
    let (fakes, client, call) = client();
    fakes.http.answer(|_| json(200, r#"{"object":"list","data":[]}"#));
    block_on(client.models(&call)).unwrap();
    fakes.http.answer(|_| json(200, r#"{"choices":[]}"#));
    block_on(client.complete(ChatRequest::default(), &call)).unwrap();
    let sent: Vec<_> = fakes.http.take_requests();
    assert_eq!(sent[0].uri(), "http://llm.spin.internal/v1/models");
    assert_eq!(sent[1].uri(), "http://llm.spin.internal/v1/chat/completions");
    for mut request in sent {
        // As Spin does it on the way.
        request.headers_mut().insert("spin-client-addr", "0.0.0.0:0".parse().unwrap());
        assert_eq!(host::chaining::read(request.headers(), fakes.host.now()).unwrap().workspace, call.workspace);
    }
}

#[test]
fn the_gateways_error_arrives_as_it_was() {
    for error in
        [ModelError::RateLimited { retry_after_ms: Some(70) }, ModelError::ContextExceeded, ModelError::AuthFailed]
    {
        let body = serde_json::to_string(&error.to_wire()).unwrap();
        let (fakes, client, call) = client();
        fakes.http.answer(move |_| json(503, &body));
        assert_eq!(block_on(client.complete(ChatRequest::default(), &call)).unwrap_err(), error);
        assert_eq!(block_on(client.stream(ChatRequest::default(), &call)).err().unwrap(), error);
    }
}

#[test]
fn what_happens_on_the_way_is_told_in_the_words_of_models() {
    let (fakes, client, call) = client();
    let ask = |answer: Result<u16, HttpError>| {
        fakes.http.answer(move |_| chunks(answer.clone()?, []));
        block_on(client.complete(ChatRequest::default(), &call)).unwrap_err()
    };
    let denied = ask(Err(HttpError::Denied { authority: "llm.spin.internal".to_owned() }));
    assert!(matches!(denied, ModelError::Misconfigured { .. }), "{denied:?}");
    let late = ask(Err(HttpError::Timeout { limit_ms: 7 }));
    assert_eq!(late, ModelError::Timeout { limit_ms: 7 });
    // A gateway that trapped.
    let trapped = ask(Ok(500));
    assert!(matches!(trapped, ModelError::Unavailable { .. }), "{trapped:?}");
    let empty = ask(Ok(200));
    assert!(matches!(empty, ModelError::Unavailable { .. }), "{empty:?}");
}

#[test]
fn a_gateway_that_traps_in_the_middle_breaks_the_stream() {
    let (fakes, client, call) = client();
    fakes.http.answer(|_| {
        let piece = Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        chunks(200, [Ok(piece), Err(HttpError::Connection { sent: true, reason: "cut".to_owned() })])
    });
    let stream = block_on(client.stream(ChatRequest::default(), &call)).unwrap();
    let items: Vec<_> = block_on(stream.collect());
    assert_eq!(items.len(), 2);
    assert!(matches!(items[1], Err(ModelError::StreamBroken { .. })), "{items:?}");
}
