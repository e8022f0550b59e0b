//! A step, called by another component through service chaining.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::Application;

fn call(input: Value) -> Value {
    let execution = json!({"run": "run_1", "step": "shape", "attempt": 1, "idempotency_key": "run_1/shape"});
    json!({"execution": execution, "input": input})
}

#[tokio::test]
async fn a_step_says_what_it_is_and_gives_its_output() -> Result<()> {
    let application = Application::start().await?;
    let client = application.client();
    let descriptor = client.get("/step-caller/transform").await?.expect(200);
    assert_eq!((&descriptor["name"], &descriptor["effect"]), (&json!("transform"), &json!("pure")));
    let input = json!({"value": [{"name": "x"}, {"name": "y"}], "expression": "value | map(attribute='name') | list"});
    let answer = client.post("/step-caller/transform", &call(input)).await?.expect(200);
    assert_eq!(answer, json!({"output": ["x", "y"]}));
    Ok(())
}

#[tokio::test]
async fn a_step_that_cannot_work_says_why_and_whether_to_try_again() -> Result<()> {
    let application = Application::start().await?;
    let client = application.client();
    let answer = client.post("/step-caller/transform", &call(json!({"expression": "value."}))).await?.expect(200);
    assert_eq!(answer["failure"]["code"], "expression_does_not_parse");
    assert_eq!(answer["failure"]["retryable"], false);
    let answer = client.post("/step-caller/transform", &call(json!({"expressions": 1}))).await?.expect(200);
    assert_eq!(answer["failure"]["code"], "input_does_not_fit");
    Ok(())
}

#[tokio::test]
async fn a_step_cannot_be_reached_from_outside() -> Result<()> {
    let application = Application::start().await?;
    assert_eq!(application.client().get("/step-transform").await?.status, 404);
    Ok(())
}
