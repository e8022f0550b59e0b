//! Agents: the text protocol's corners that the goldens do not reach, and native tool calls.

use std::sync::Arc;

use futures::StreamExt as _;
use predict::{
    Capabilities, ChatAdapter, Choice, Context, Event, LmResponse, Module, Prediction, ReAct, ScriptedLm, Signature,
    ToolAgent, ToolCall, ToolError, ToolFn, Type, Update, Value, Warning, map,
};

use crate::support::{run, scripted, section};

fn divide() -> ToolFn {
    ToolFn::builder("divide", "Divides a by b.").arg("a", Type::Float).arg("b", Type::Float).run(|args| async move {
        match (args["a"].as_f64(), args["b"].as_f64()) {
            (Some(_), Some(0.0)) => Err(ToolError::new("ZeroDivisionError", "division by zero")),
            (Some(a), Some(b)) => Ok(Value::Float(a / b)),
            _ => Err("arguments were not converted".into()),
        }
    })
}

fn turn(tool: &str, args: &str) -> String {
    section("next_thought", "on we go") + &section("next_tool_name", tool) + &section("next_tool_args", args)
}

fn extraction() -> String {
    section("reasoning", "as observed") + &section("answer", "2.5")
}

#[test]
fn a_failing_tool_is_an_observation_and_integers_become_floats_for_it() {
    let agent = ReAct::new("question -> answer: float", vec![divide()]).expect("this is a signature");
    let turns = [
        turn("divide", r#"{"a": 5, "b": 0}"#),
        turn("divide", r#"{"a": 5, "b": 2}"#),
        turn("finish", "{}"),
        extraction(),
    ];
    let (_, cx) = scripted(&turns.each_ref().map(String::as_str));
    let prediction = run(agent.forward(map! {"question" => "5/2?"}, &cx)).expect("it is scripted");
    let trajectory = &prediction["trajectory"];
    let failure = "Execution error in divide: \nZeroDivisionError: division by zero";
    assert_eq!(trajectory.get("observation_0"), Some(&failure.into()));
    assert_eq!(trajectory.get("observation_1"), Some(&Value::Float(2.5)));
    assert_eq!(prediction["answer"], Value::Float(2.5));
}

#[test]
fn the_stream_of_an_agent_tells_of_its_tools() {
    let agent = ReAct::new("question -> answer: float", vec![divide()]).expect("this is a signature");
    let turns = [turn("divide", r#"{"a": 5, "b": 2}"#), turn("finish", "{}"), extraction()];
    let (_, cx) = scripted(&turns.each_ref().map(String::as_str));
    let updates: Vec<_> = run(predict::stream(&agent, map! {"question" => "5/2?"}, &cx).collect());
    let called = Update::Event(Event::ToolCalled { tool: "divide".into(), args: map! {"a" => 5, "b" => 2} });
    let answered = Update::Event(Event::ToolAnswered { tool: "divide".into(), observation: Value::Float(2.5) });
    let position = |wanted: &Update| updates.iter().position(|update| update == wanted).expect("it was told");
    assert_eq!(position(&answered), position(&called) + 1);
}

#[test]
fn an_agent_that_runs_out_of_turns_still_answers() {
    let agent = ReAct::new("question -> answer: float", vec![divide()]).expect("this is a signature").with_max_iters(1);
    let (lm, cx) = scripted(&[&turn("divide", r#"{"a": 5, "b": 2}"#), &extraction()]);
    run(agent.forward(map! {"question" => "5/2?"}, &cx)).expect("it is scripted");
    assert_eq!(lm.requests().len(), 2);
}

fn native(replies: Vec<Choice>) -> (Arc<ScriptedLm>, Context) {
    let replies = replies.into_iter().map(|choice| Ok(LmResponse { choices: vec![choice], ..LmResponse::default() }));
    let capabilities = Capabilities { function_calling: true, ..Capabilities::default() };
    let lm = Arc::new(ScriptedLm::new(replies.collect::<Vec<_>>()).with_capabilities(capabilities));
    (lm.clone(), Context::new(lm).with_adapter(ChatAdapter { native_tools: true, json_fallback: false }))
}

fn calling(calls: &[(&str, predict::Map)]) -> Choice {
    let call =
        |(name, args): &(&str, predict::Map)| ToolCall { id: None, name: (*name).to_owned(), args: args.clone() };
    Choice { tool_calls: calls.iter().map(call).collect(), ..Choice::default() }
}

fn native_agent() -> ToolAgent {
    let signature = Signature::parse("question -> answer: float").expect("this is a signature");
    ToolAgent::of(&signature, vec![divide()]).expect("no name is taken")
}

#[test]
fn native_tool_calls_of_one_turn_are_made_together_and_submit_ends_the_task() {
    let (lm, cx) = native(vec![
        calling(&[("divide", map! {"a" => 5, "b" => 2}), ("divide", map! {"a" => 1, "b" => 0})]),
        calling(&[("submit", map! {"answer" => 2.5})]),
    ]);
    let prediction = run(native_agent().forward(map! {"question" => "5/2?"}, &cx)).expect("it submits");
    assert_eq!(prediction["answer"], Value::Float(2.5));
    assert_eq!(prediction.text("termination_reason"), Some("submit"));
    let requests = lm.requests();
    assert!(requests[0].settings.get("tools").and_then(Value::as_list).is_some_and(|tools| tools.len() == 2));
    let told: Vec<_> = requests[1].messages.iter().filter_map(|message| message.tool_call_id.clone()).collect();
    assert_eq!(told, ["call_0_0", "call_0_1"]);
}

#[test]
fn a_conversation_with_a_native_agent_goes_on_from_its_history() {
    let (_, cx) = native(vec![calling(&[("submit", map! {"answer" => 1.0})])]);
    let first: Prediction = run(native_agent().forward(map! {"question" => "2/2?"}, &cx)).expect("it submits");
    let (lm, cx) = native(vec![calling(&[("submit", map! {"answer" => 2.0})])]);
    let inputs = map! {"question" => "and 4/2?", "history" => first["history"].clone()};
    let second = run(native_agent().forward(inputs, &cx)).expect("it submits");
    let turns = second["history"].get("messages").and_then(Value::as_list).map(<[Value]>::len);
    assert_eq!(turns, Some(2));
    let shown = lm.requests()[0].messages.iter().filter(|message| !message.tool_calls.is_empty()).count();
    assert_eq!(shown, 1, "the first turn is shown as the call that it was");
}

#[test]
fn a_native_agent_that_does_not_submit_is_made_to() {
    let (lm, cx) =
        native(vec![calling(&[("divide", map! {"a" => 5, "b" => 2})]), calling(&[("submit", map! {"answer" => 2.5})])]);
    let agent = native_agent().with_max_iters(1);
    let prediction = run(agent.forward(map! {"question" => "5/2?"}, &cx)).expect("it submits in the end");
    assert_eq!(prediction.text("termination_reason"), Some("forced_submit"));
    let forced = lm.requests()[1].settings.get("tool_choice").cloned().unwrap_or_default();
    assert_eq!(forced.get("function").and_then(|function| function.get("name")), Some(&"submit".into()));
}

#[test]
fn a_reserved_name_is_refused() {
    let signature = Signature::parse("history -> answer").expect("this is a signature");
    assert_eq!(ToolAgent::of(&signature, Vec::new()).expect_err("it is reserved").name, "history");
}

#[test]
fn why_a_loop_ended_early_is_a_warning() {
    let (_, cx) = native(vec![
        Choice { text: Some("garbage".into()), ..Choice::default() },
        calling(&[("submit", map! {"answer" => 1.0})]),
    ]);
    let finished = run(cx.run(&native_agent(), map! {"question" => "?"}));
    assert!(finished.outcome.is_ok());
    assert!(matches!(finished.warnings.as_slice(), [.., Warning::LoopEnded { .. }]), "{:?}", finished.warnings);
}
