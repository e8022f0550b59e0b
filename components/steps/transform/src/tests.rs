use futures::executor::block_on;
use serde_json::{Value, json};
use step::{Context, FailureKind, Step, run_on_json};

use super::{Transform, evaluate};

fn check(expression: &str, value: Value, expected: Value) {
    assert_eq!(evaluate(expression, &value), Ok(expected), "{expression}");
}

fn check_fails(expression: &str, code: &str) {
    let failure = evaluate(expression, &json!({"a": 1})).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str(), failure.retryable), (FailureKind::Invalid, code, false));
}

#[test]
fn an_expression_gives_json_another_shape() {
    check("value.b", json!({"a": 1, "b": [1, 2]}), json!([1, 2]));
    check("value | map(attribute='name') | list", json!([{"name": "x"}, {"name": "y"}]), json!(["x", "y"]));
    check("{'total': value | sum, 'first': value[0]}", json!([1, 2.5]), json!({"total": 3.5, "first": 1}));
    check("'yes' if value > 3 else 'no'", json!(4), json!("yes"));
    check("value", json!(null), json!(null));
}

#[test]
fn keys_keep_their_order() {
    let output = evaluate("value", &json!({"z": 1, "a": 2})).unwrap();
    assert_eq!(output, json!({"z": 1, "a": 2}));
}

#[test]
fn what_cannot_be_evaluated_is_a_failure_that_is_not_retried() {
    check_fails("value.", "expression_does_not_parse");
    check_fails("value.missing", "expression_failed");
    check_fails("nothing_like_this", "expression_failed");
    check_fails("value | no_such_filter", "expression_failed");
    check_fails(&format!("value{}", " ".repeat(9000)), "expression_too_long");
    check_fails(&"(".repeat(4000), "expression_does_not_parse");
}

#[test]
fn a_hostile_expression_fails_instead_of_filling_the_memory() {
    for expression in [
        "'x' * 10000000000",
        "range(100000000) | list",
        "'%9999999999d' | format(1)",
        "'a\\nb' | indent(9999999999)",
        "range(9) | batch(99999999999, 'x') | list",
        "range(9) | slice(99999999999) | list",
        "[1] * 10000000000",
    ] {
        let failure = evaluate(expression, &Value::Null).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{expression}");
    }
}

#[test]
fn input_that_does_not_fit_is_said_to_be_invalid() {
    let context = Context {
        workspace: "ws_1".into(),
        run: "run_1".into(),
        step: "shape".into(),
        attempt: 1,
        idempotency_key: "k".into(),
        deadline_ms: 0,
        traceparent: String::new(),
        correlation_id: String::new(),
    };
    for input in ["", "[]", "{}", r#"{"expression": 1}"#, r#"{"expression": "1", "more": 2}"#] {
        let failure = block_on(run_on_json::<Transform>(context.clone(), input)).unwrap_err();
        assert_eq!(failure.code, "input_does_not_fit", "{input}");
    }
}

#[test]
fn the_descriptor_says_what_the_input_is() {
    let descriptor = Transform::describe();
    assert_eq!(descriptor.name, "transform");
    assert_eq!(descriptor.input_schema["required"], json!(["expression"]));
}
