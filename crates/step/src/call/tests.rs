use std::time::Duration;

use bytes::Bytes;
use futures::executor::block_on;
use host::{
    chaining,
    fake::{self, Fakes},
};
use serde_json::value::RawValue;

use super::*;

fn deployed() -> (Fakes, Steps, Call) {
    let fakes = Fakes::without_database();
    let host = fakes.host.clone();
    let call = host.begin_call(host.new_id(), Some(host.new_id()), Duration::from_secs(10));
    (fakes, Steps::new(host), call)
}

fn execution() -> Execution {
    Execution { run: "run_1".into(), step: "shape".into(), attempt: 2, idempotency_key: "run_1/shape".into() }
}

fn run(steps: &Steps, name: &str, call: &Call) -> Result<Result<Box<RawValue>, Failure>, CallError> {
    let input = RawValue::from_string("[1]".into()).unwrap();
    block_on(steps.run(name, execution(), input, call))
}

#[test]
fn a_call_reaches_the_component_of_the_step_and_brings_its_output_back() {
    let (fakes, steps, call) = deployed();
    fakes.http.answer(|_| fake::json(200, r#"{"output": {"b": 1.0}}"#));
    assert_eq!(run(&steps, "transform", &call).unwrap().unwrap().get(), r#"{"b": 1.0}"#);
    let mut request = fakes.http.take_requests().remove(0);
    assert_eq!(request.uri(), "http://step-transform.spin.internal/");
    let invocation: Invocation = serde_json::from_slice(request.body()).unwrap();
    assert_eq!((invocation.execution, invocation.input.get()), (execution(), "[1]"));
    // As Spin does it on the way.
    request.headers_mut().insert("spin-client-addr", "0.0.0.0:0".parse().unwrap());
    let arrived = chaining::read(request.headers(), fakes.host.now()).unwrap();
    assert_eq!((arrived.workspace, arrived.user), (call.workspace, call.user));
    assert_eq!((arrived.correlation_id, arrived.traceparent), (call.correlation_id, call.traceparent));
}

#[test]
fn a_failure_is_the_steps_own_answer() {
    let (fakes, steps, call) = deployed();
    let body = r#"{"failure": {"kind": "unavailable", "code": "busy", "message": "later", "retryable": true, "retry_after_ms": 9}}"#;
    fakes.http.answer(move |_| fake::json(503, body));
    let failure = run(&steps, "transform", &call).unwrap().unwrap_err();
    assert_eq!((failure.code.as_str(), failure.retryable, failure.retry_after_ms), ("busy", true, Some(9)));
}

#[test]
fn a_step_that_crashed_or_does_not_exist_gave_no_answer() {
    let (fakes, steps, call) = deployed();
    for status in [404, 500] {
        fakes.http.answer(move |_| fake::json(status, ""));
        assert!(matches!(run(&steps, "transform", &call), Err(CallError::NoAnswer { .. })));
    }
    fakes.http.answer(|_| fake::chunks(200, [Ok(Bytes::from(vec![b' '; MAX_ANSWER_BYTES])), Ok(Bytes::from("1"))]));
    assert!(matches!(run(&steps, "transform", &call), Err(CallError::NoAnswer { .. })));
}

#[test]
fn a_name_that_is_no_name_never_becomes_a_host_name() {
    let (fakes, steps, call) = deployed();
    for name in ["", "a.b", "x/../llm", "llm@evil", "-a", "a-", "A", "ä", &"a".repeat(59)] {
        assert!(matches!(run(&steps, name, &call), Err(CallError::Name { .. })), "{name}");
    }
    assert_eq!(fakes.http.take_requests().len(), 0);
}

#[test]
fn a_deadline_that_passes_during_the_call_is_a_timeout() {
    let (fakes, steps, call) = deployed();
    fakes.http.answer(|_| {
        let body: host::ByteStream = Box::pin(futures::stream::pending());
        Ok(http::Response::new(body))
    });
    fakes.clock.make_impatient();
    let described = block_on(steps.describe("transform", &call));
    assert!(matches!(described, Err(CallError::Timeout { .. })), "{described:?}");
}
