//! Bodies that are not what they should be.

use futures::stream;

use super::*;

async fn post(app: &App, body: impl Into<Body>) -> Answer {
    ask(app, Request::post("/cats").header("content-type", "application/json"), body).await
}

#[tokio::test]
async fn a_cat_is_a_cat() {
    let answer =
        post(&app_without_database(), r#" {"name": "Tom", "age": 7, "nick_names": ["T"], "owner": null} "#).await;
    assert_eq!(answer.body, r#"{"name":"Tom","age":7,"nick_names":["T"],"owner":null}"#);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let app = app_without_database();
    let nested = "[".repeat(100_000);
    for body in [
        &b""[..],
        b"  ",
        b"{",
        b"{'name': 1}",
        b"{\"name\": \"Tom\", \"age\": 7} x",
        b"{\"name\": \"Tom\", \"age\": 7,}",
        b"{\"name\": \"T\xffm\", \"age\": 7}",
        b"{\"name\": \"\\ud800\", \"age\": 7}",
        b"{\"name\": \"Tom\", \"age\": 1e999}",
        b"{\"name\": \"T\0m\", \"age\": 7}",
        b"{\"name\": \"Tom\", \"age\": NaN}",
        nested.as_bytes(),
    ] {
        let answer = post(&app, body.to_vec()).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "malformed_json"), "{shown}");
    }
}

#[tokio::test]
async fn a_key_that_is_there_twice_is_malformed_at_any_depth() {
    let app = app_without_database();
    for body in [
        r#"{"name": "Tom", "age": 7, "name": "Tom"}"#,
        r#"{"name": "Tom", "age": 7, "n\u0061me": "Jerry"}"#,
        r#"{"name": "Tom", "age": 7, "unknown": [{"a": 1, "a": 2}]}"#,
    ] {
        let answer = post(&app, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "malformed_json"), "{body}");
        assert!(answer.body.contains("the same key twice"), "{}", answer.body);
    }
}

#[tokio::test]
async fn each_unknown_field_and_the_wrong_value_are_pointed_to() {
    let app = app_without_database();
    for (body, pointers) in [
        (
            r#"{"name": "Tom", "age": 7, "colour": "red", "owner": {"name": "Ann", "x/y~z": 1}}"#,
            vec!["/colour", "/owner/x~1y~0z"],
        ),
        (r#"{"colour": "red", "name": "Tom", "age": "seven"}"#, vec!["/colour", "/age"]),
        (r#"{"name": "Tom", "age": 256}"#, vec!["/age"]),
        (r#"{"name": "Tom", "age": -1}"#, vec!["/age"]),
        (r#"{"name": "Tom", "age": 7.5}"#, vec!["/age"]),
        (r#"{"name": "Tom"}"#, vec!["/age"]),
        (r#"{"name": "Tom", "age": 7, "owner": {}}"#, vec!["/owner/name"]),
        (r#"{"name": "Tom", "age": 7, "nick_names": ["T", null]}"#, vec!["/nick_names/1"]),
        (r#"{"name": null, "age": 7}"#, vec!["/name"]),
        (r#"7"#, vec![""]),
        (r#"["Tom", 7, null, null]"#, vec![""]),
        (r#"{"name": "Tom", "age": 7, "owner": ["Ann"]}"#, vec!["/owner"]),
        (r#"null"#, vec![""]),
    ] {
        let answer = post(&app, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_request"), "{body}");
        assert_eq!(answer.pointers(), pointers, "{body}");
    }
}

#[tokio::test]
async fn an_answer_does_not_repeat_what_was_in_the_wrong_place() {
    let answer = post(&app_without_database(), r#"{"name": "Tom", "age": "hunter2"}"#).await;
    assert_eq!(answer.json()["errors"][0]["detail"], "has to be a whole number from 0 to 255");
    assert!(!answer.body.contains("hunter2"));
}

#[tokio::test]
async fn the_answer_to_a_thousand_faults_is_short() {
    let fields: Vec<String> = (0..1000).map(|number| format!("\"{}{number}\": 1", "x".repeat(500))).collect();
    let answer = post(&app_without_database(), format!("{{{}}}", fields.join(","))).await;
    assert_eq!(answer.pointers().len(), 20);
    assert!(answer.body.len() < 10_000, "{}", answer.body.len());
}

#[tokio::test]
async fn only_json_is_json() {
    let app = app_without_database();
    let cat = r#"{"name": "Tom", "age": 7}"#;
    for (content_type, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ] {
        let answer = ask(&app, Request::post("/cats").header("content-type", content_type), cat).await;
        assert_eq!(answer.status.as_u16(), status, "{content_type}");
    }
    assert_eq!(ask(&app, Request::post("/cats"), cat).await.code(), "unsupported_media_type");
}

#[tokio::test]
async fn a_body_says_once_what_it_is() {
    let request =
        Request::post("/cats").header("content-type", "application/json").header("content-type", "text/plain");
    let answer = ask(&app_without_database(), request, r#"{"name": "Tom", "age": 7}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("Content-Type"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_is_coded_is_refused_by_the_name_of_its_coding() {
    let app = app_without_database();
    let request = || Request::post("/cats").header("content-type", "application/json");
    for (codings, named) in [
        ("gzip", "gzip"),
        ("identity, br", "br"),
        ("GZIP", "GZIP"),
        ("x<script>", "another coding"),
        ("a-coding-of-a-very-long-name", "another coding"),
    ] {
        let answer = ask(&app, request().header("content-encoding", codings), "\u{1f}\u{8b}").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (415, "unsupported_content_coding"), "{codings}");
        assert_eq!(answer.header("accept-encoding"), "identity");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{}", answer.body);
    }
    for harmless in ["identity", "", "Identity , "] {
        let answer = ask(&app, request().header("content-encoding", harmless), r#"{"name": "Tom", "age": 7}"#).await;
        assert_eq!(answer.status, StatusCode::OK, "{harmless}");
    }
}

/// A body of which `pieces` have come and the rest never does.
fn stuck(pieces: &'static [&'static str]) -> Body {
    let come = pieces.iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())));
    Body::from_stream(stream::iter(come).chain(stream::pending()))
}

#[tokio::test]
async fn a_body_that_does_not_arrive_within_30_s_is_given_up() {
    let fakes = Fakes::without_database();
    let app = app(&fakes);
    let request = Request::post("/cats").header("content-type", "application/json").header("content-length", "100");
    let answer = ask(&app, request, stuck(&["{", "\"name\":"]));
    let mut answer = std::pin::pin!(answer);
    assert!(futures::poll!(&mut answer).is_pending());
    fakes.clock.advance(Duration::from_millis(29_999));
    assert!(futures::poll!(&mut answer).is_pending());
    fakes.clock.advance(Duration::from_millis(1));
    let answer = answer.await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (408, "request_timeout"));
}

#[tokio::test]
async fn a_body_that_is_there_starts_no_timer() {
    let fakes = Fakes::without_database();
    fakes.clock.make_impatient();
    let before = host::Clock::now(&*fakes.clock);
    let request = Request::post("/cats").header("content-type", "application/json");
    assert_eq!(ask(&app(&fakes), request, r#"{"name": "Tom", "age": 7}"#).await.status, StatusCode::OK);
    assert_eq!(host::Clock::now(&*fakes.clock), before);
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_waited_for_no_longer_than_5_s() {
    let fakes = Fakes::without_database();
    let app = app(&fakes);
    let request =
        Request::post("/cats").header("content-type", "application/json").header("content-length", "33000000");
    let answer = ask(&app, request, stuck(&["{"]));
    let mut answer = std::pin::pin!(answer);
    assert!(futures::poll!(&mut answer).is_pending());
    fakes.clock.advance(Duration::from_secs(5));
    assert_eq!(answer.await.code(), "body_too_large");
}

#[tokio::test]
async fn the_body_of_somebody_who_is_not_signed_in_is_not_read() {
    let app = app_without_database();
    for length in ["100", "33000000"] {
        let request = Request::post("/conversations").header("content-length", length);
        let mut answer = std::pin::pin!(ask(&app, request, stuck(&[])));
        let std::task::Poll::Ready(answer) = futures::poll!(&mut answer) else { panic!("it waits for the body") };
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{length}");
    }
}

/// A body that does not say how long it is.
fn streamed(pieces: usize, piece: &'static [u8]) -> Body {
    Body::from_stream(stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(Bytes::from_static(piece)))))
}

#[tokio::test]
async fn a_body_is_counted_whatever_its_header_says() {
    let app = app_without_database();
    let said = Request::post("/cats").header("content-type", "application/json").header("content-length", "1048577");
    assert_eq!(ask(&app, said, "{}").await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(&app, streamed(1024 + 1, &[b' '; 1024])).await.code(), "body_too_large");
    assert_eq!(post(&app, streamed(1024, &[b' '; 1024])).await.code(), "malformed_json");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_read_so_that_its_sender_hears_the_answer() {
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(2000));
    let counted = left.clone();
    let pieces = stream::iter((0..2000).map(move |_| {
        counted.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024]))
    }));
    let said = Request::post("/cats").header("content-type", "application/json").header("content-length", "2048000");
    let answer = ask(&app_without_database(), said, Body::from_stream(pieces)).await;
    assert_eq!(answer.code(), "body_too_large");
    assert_eq!(left.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_senders_problem() {
    let pieces = [Ok(Bytes::from_static(b"{\"name\":")), Err(std::io::Error::other("reset"))];
    let answer = post(&app_without_database(), Body::from_stream(stream::iter(pieces))).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "incomplete_body"));
}
