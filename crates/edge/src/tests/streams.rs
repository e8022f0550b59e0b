//! Server-sent events.

use super::*;

#[tokio::test]
async fn a_stream_says_that_it_is_alive_while_it_has_nothing_to_say() {
    let fakes = Fakes::without_database();
    let response = app(&fakes).handle(Request::get("/events").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert_eq!(first, "id: 1\nevent: greeting\ndata: \"hello\"\n\n");
    for expected in [": heartbeat\n", ": heartbeat\n", "late\n\n"] {
        let mut next = body.next();
        assert!(futures::poll!(&mut next).is_pending());
        fakes.clock.advance(Duration::from_secs(15));
        assert_eq!(next.await.unwrap().unwrap(), expected);
    }
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_stream_may_be_read_beyond_its_end() {
    // It would panic if it were asked again.
    let events = futures::stream::unfold(0, async |number| (number < 1).then(|| (Bytes::from_static(b"once\n\n"), 1)));
    let mut body = sse::stream(Fakes::without_database().host.clock, events).into_body().into_data_stream();
    assert_eq!(body.next().await.unwrap().unwrap(), "once\n\n");
    for _ in 0..3 {
        assert!(body.next().await.is_none());
    }
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_seen() {
    let fakes = Fakes::without_database();
    fakes.clock.make_impatient();
    let resumed = ask(&app(&fakes), Request::get("/events").header("last-event-id", "41"), "").await;
    assert!(resumed.body.starts_with("id: 42\n"), "{}", resumed.body);
    for hostile in ["", "-1", "+1", "1.5", "x", "18446744073709551616", "1 OR 1=1"] {
        let answer = ask(&app(&fakes), Request::get("/events").header("last-event-id", hostile), "").await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![":last-event-id".to_owned()]), "{hostile}");
    }
}

#[tokio::test]
async fn a_client_that_has_seen_two_events_last_is_asked_which() {
    let fakes = Fakes::without_database();
    let request = Request::get("/events").header("last-event-id", "1").header("last-event-id", "1");
    let answer = ask(&app(&fakes), request, "").await;
    assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![":last-event-id".to_owned()]));
}

#[test]
fn data_of_several_lines_stays_one_event() {
    assert_eq!(sse::event(1, "note", "a\nb\n\nid: 7"), "id: 1\nevent: note\ndata: a\ndata: b\ndata: \ndata: id: 7\n\n");
}
