use bytes::Bytes;
use http::Response;
use step::Failure;

use crate::answer::{answer, read_call};

fn shown(response: &Response<Bytes>) -> (u16, &str) {
    assert_eq!(response.headers()["content-length"], response.body().len().to_string());
    (response.status().as_u16(), std::str::from_utf8(response.body()).unwrap())
}

#[test]
fn an_output_is_passed_on_as_the_step_wrote_it() {
    assert_eq!(shown(&answer(Ok(r#"{"b":1,"a":1.0}"#.into()))), (200, r#"{"output":{"b":1,"a":1.0}}"#));
}

#[test]
fn a_failure_says_whether_a_retry_makes_sense() {
    let failure = Failure { retry_after_ms: Some(250), ..Failure::unavailable("busy", "try later") };
    assert_eq!(
        shown(&answer(Err(failure))),
        (
            503,
            r#"{"failure":{"kind":"unavailable","code":"busy","message":"try later","retryable":true,"retry_after_ms":250}}"#
        )
    );
}

#[test]
fn a_step_that_does_not_give_json_has_a_defect() {
    let response = answer(Ok("not json".into()));
    let (status, body) = shown(&response);
    assert_eq!(status, 500);
    assert!(body.contains("output_is_not_json"), "{body}");
}

#[test]
fn a_malformed_call_is_the_callers_fault() {
    for body in [&b""[..], b"{", b"{}", b"\xff", br#"{"context":{},"input":1}"#] {
        assert_eq!(read_call(body).unwrap_err().code, "call_is_malformed");
    }
}
