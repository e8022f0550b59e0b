use futures::stream;

use super::*;
use crate::fake::{Fakes, chunks, json};

fn peer(name: &str) -> (Fakes, Peer, Call) {
    let fakes = Fakes::without_database();
    let host = &fakes.host;
    let call = host.begin_call(host.new_id(), Some(host.new_id()), Duration::from_secs(20));
    let peer = Peer::new(host, name);
    (fakes, peer, call)
}

#[tokio::test]
async fn a_call_says_for_whom_it_is_and_how_long_it_may_take() {
    let (fakes, peer, call) = peer("llm");
    fakes.http.answer(|_| json(200, "[1]"));
    let reply = peer.post("/v1/things?x=1", "{}", &call).await.unwrap();
    assert_eq!(reply.json::<Vec<u8>>(100).await, Ok(vec![1]));
    let sent = fakes.http.take_requests().remove(0);
    assert_eq!((sent.method().as_str(), sent.body()), ("POST", &Bytes::from("{}")));
    assert_eq!(sent.uri(), "http://llm.spin.internal/v1/things?x=1");
    let header = |name: &str| sent.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-request-id"), call.correlation_id.as_str());
    assert_eq!(header("x-kowai-workspace"), call.workspace.to_string());
    assert_eq!(header("x-kowai-user"), call.user.unwrap().to_string());
    assert_eq!(header("x-kowai-trace"), call.traceparent.to_string());
    assert_eq!(header("x-kowai-timeout-ms"), "19500");
}

#[tokio::test]
async fn nobody_is_called_after_the_deadline() {
    let (fakes, peer, call) = peer("llm");
    fakes.clock.advance(Duration::from_secs(20));
    let refused = peer.get("/", &call).await.err();
    assert_eq!(refused, Some(PeerError::Timeout { component: "llm".into(), limit_ms: 0 }));
    assert_eq!(fakes.http.take_requests().len(), 0);
}

#[tokio::test]
async fn an_answer_that_stalls_ends_with_the_deadline() {
    let (fakes, peer, call) = peer("llm");
    fakes.http.answer(|_| Ok(http::Response::new(Box::pin(stream::pending()) as ByteStream)));
    fakes.clock.make_impatient();
    let stalled = peer.get("/", &call).await.unwrap().json::<()>(100).await;
    assert_eq!(stalled, Err(PeerError::Timeout { component: "llm".into(), limit_ms: 20_000 }));
}

#[tokio::test]
async fn what_is_no_answer_says_what_it_is() {
    let (fakes, peer, call) = peer("llm");
    let asked = async |status, pieces: Vec<Result<Bytes, HttpError>>| {
        fakes.http.answer(move |_| chunks(status, pieces.clone()));
        peer.get("/", &call).await.unwrap().json::<Vec<u8>>(4).await.unwrap_err()
    };
    for status in [404, 500] {
        let crashed = asked(status, vec![]).await.to_string();
        assert!(crashed.contains(&status.to_string()), "{crashed}");
    }
    assert_eq!(asked(200, vec![Ok(Bytes::from("[1,")), Ok(Bytes::from("2]"))]).await, {
        let found = "too much of one: the body is longer than 4 bytes".to_owned();
        PeerError::NoAnswer { component: "llm".into(), found }
    });
    let cut = HttpError::Connection { sent: true, reason: "reset".to_owned() };
    let broken = asked(200, vec![Ok(Bytes::from("[1")), Err(cut.clone())]).await;
    assert_eq!(broken, PeerError::BrokeOff { component: "llm".into(), source: cut });
}

#[tokio::test]
async fn a_component_that_may_not_be_called_cannot_be_reached() {
    let (fakes, peer, call) = peer("llm");
    let denied = HttpError::Denied { authority: "llm.spin.internal".to_owned() };
    let answer = denied.clone();
    fakes.http.answer(move |_| Err(answer.clone()));
    let refused = peer.get("/", &call).await.err();
    assert_eq!(refused, Some(PeerError::Unreachable { component: "llm".into(), source: denied }));
}

#[tokio::test]
async fn a_name_that_is_no_name_never_becomes_a_host_name() {
    for name in ["", "a.b", "x/../llm", "llm@evil", "-a", "a-", "a--b", "A", "ä", &"a".repeat(64)] {
        let (fakes, peer, call) = peer(name);
        assert_eq!(peer.get("/", &call).await.err(), Some(PeerError::Name { component: name.into() }));
        assert_eq!(fakes.http.take_requests().len(), 0);
    }
}
