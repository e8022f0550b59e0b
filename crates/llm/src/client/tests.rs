use futures::{StreamExt, executor::block_on};
use host::{
    HttpError,
    fake::{ScriptedHttp, chunks, json},
};
use ids::{Id, Timestamp};

use super::*;

fn call() -> Call {
    let workspace = WorkspaceId::new(Timestamp::from_millis(0), [1; 10]);
    let traceparent = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    Call { workspace, correlation_id: "c-1".to_owned(), traceparent }
}

#[test]
fn a_call_says_for_whom_it_is() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| json(200, r#"{"object":"list","data":[]}"#));
    block_on(Client::new(http.clone()).models(&call())).unwrap();
    let sent = http.take_requests().remove(0);
    assert_eq!(sent.uri(), "http://llm.spin.internal/v1/models");
    let header = |name| sent.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-request-id"), "c-1");
    assert_eq!(header("x-kowai-workspace"), call().workspace.to_string());
    assert_eq!(header("x-kowai-trace"), call().traceparent.unwrap());
}

#[test]
fn the_gateways_error_arrives_as_it_was() {
    for error in
        [ModelError::RateLimited { retry_after_ms: Some(70) }, ModelError::ContextExceeded, ModelError::AuthFailed]
    {
        let body = serde_json::to_string(&error.to_wire()).unwrap();
        let http = Arc::new(ScriptedHttp::default());
        http.answer(move |_| json(503, &body));
        let client = Client::new(http.clone());
        assert_eq!(block_on(client.complete(ChatRequest::default(), &call())).unwrap_err(), error);
        assert_eq!(block_on(client.stream(ChatRequest::default(), &call())).err().unwrap(), error);
    }
}

#[test]
fn a_gateway_that_trapped_is_not_available() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| chunks(500, []));
    let error = block_on(Client::new(http).complete(ChatRequest::default(), &call())).unwrap_err();
    assert!(matches!(error, ModelError::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_gateway_that_traps_in_the_middle_breaks_the_stream() {
    let http = Arc::new(ScriptedHttp::default());
    http.answer(|_| {
        let piece = Bytes::from_static(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        chunks(200, [Ok(piece), Err(HttpError::Connection { sent: true, reason: "cut".to_owned() })])
    });
    let stream = block_on(Client::new(http).stream(ChatRequest::default(), &call())).unwrap();
    let items: Vec<_> = block_on(stream.collect());
    assert_eq!(items.len(), 2);
    assert!(matches!(items[1], Err(ModelError::StreamBroken { .. })), "{items:?}");
}
