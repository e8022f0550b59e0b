use std::time::Duration;

use bytes::Bytes;
use host::fake::{self, Fakes};
use http::{HeaderMap, Response};
use step::Failure;

use crate::answer::{answer, read};

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

const INVOCATION: &[u8] =
    br#"{"execution":{"run":"run_1","step":"shape","attempt":1,"idempotency_key":"run_1/shape"},"input":{"b":1.0}}"#;

#[test]
fn a_step_learns_on_whose_behalf_it_runs_and_until_when() {
    let host = Fakes::without_database().host;
    let call = host.begin_call(host.new_id(), None, Duration::from_secs(10));
    let (context, input) = read(&fake::chained(&call, host.now()), INVOCATION, host.now()).unwrap();
    assert_eq!((context.step.as_str(), input.get()), ("shape", r#"{"b":1.0}"#));
    assert_eq!(context.workspace, call.workspace.to_string());
    assert_eq!(context.correlation_id, call.correlation_id.as_str());
    assert_eq!(context.traceparent, call.traceparent.to_string());
    // A little earlier than the caller stops waiting, so that the step's own answer arrives.
    assert_eq!(context.deadline_ms, u64::try_from(call.deadline.as_millis()).unwrap() - 500);
}

#[test]
fn a_malformed_call_is_the_callers_fault() {
    let host = Fakes::without_database().host;
    let headers = fake::chained(&host.begin_call(host.new_id(), None, Duration::from_secs(10)), host.now());
    for body in [&b""[..], b"{", b"{}", b"\xff", br#"{"execution":{},"input":1}"#] {
        assert_eq!(read(&headers, body, host.now()).unwrap_err().code, "call_is_malformed");
    }
    assert_eq!(read(&HeaderMap::new(), INVOCATION, host.now()).unwrap_err().code, "call_is_malformed");
}
