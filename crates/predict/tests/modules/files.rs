//! Program files: both formats hold everything they promise, and give nothing away to strangers.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use predict::saved::{FileError, digest, load, load_dspy, open, save, save_dspy, types};
use predict::typing::model::{Constraint, Default as FieldDefault, Extra};
use predict::{
    CallError, ChainOfThought, Context, EnumType, Example, Field, FrozenParts, LmState, Map, Media, ModelField,
    ModelType, Module, MultiChainComparison, Predict, Prediction, ReAct, Settings, Signature, ToolFn, Type, Value, map,
    named_predictors, parts,
};
use proptest::prelude::*;

/// A program with predictors in fields, lists and maps.
#[derive(Clone)]
struct Pipeline {
    extract: Predict,
    steps: Vec<ChainOfThought>,
    routes: IndexMap<String, Predict>,
}

#[async_trait]
impl Module for Pipeline {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        self.extract.forward(inputs, cx).await
    }

    parts!(extract, steps, routes);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[$a-z]{0,4}".prop_map(|url| Media::Image { url }.into()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(("[$a-zé]{0,4}", inner), 0..4)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

fn field_type() -> impl Strategy<Value = Type> {
    let constrained = ModelField {
        default: Some(FieldDefault::Factory(Value::from(3))),
        ..ModelField::new("n", Type::Int)
            .constrained(Constraint::Ge(1.into()))
            .constrained(Constraint::Pattern("^x".into()))
    };
    let model = ModelType { extra: Extra::Forbid, ..ModelType::new("Person").doc("A person.").with(constrained) };
    let leaf = prop_oneof![
        Just(Type::Str),
        Just(Type::Int),
        Just(Type::Any),
        Just(Type::DateTime),
        Just(Type::Dict(None)),
        Just(Type::Image),
        Just(Type::Code(None)),
        Just(Type::Code(Some("rust".into()))),
        Just(Type::Ref("Node".into())),
        Just(Type::Enum(Arc::new(EnumType::new("Size").member("S", 1).member("L", "large")))),
        Just(Type::Model(Arc::new(model))),
        prop::collection::vec(value(), 1..3).prop_map(Type::Literal),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::optional),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| Type::dict(key, value)),
            prop::collection::vec(inner, 1..3).prop_map(Type::Tuple),
        ]
    })
}

fn predictor() -> impl Strategy<Value = Predict> {
    let field = (field_type(), prop::option::of(".{0,8}"), prop::option::of(value()), any::<bool>());
    let demo = prop::collection::vec(("[a-z]{1,4}", value()), 0..3);
    let instructions = prop::option::of("\\PC{0,20}");
    let parts = (prop::collection::vec(field, 1..4), prop::collection::vec(demo, 0..3), instructions, any::<i64>());
    parts.prop_map(|(fields, demos, instructions, seed)| {
        let fields = fields.into_iter().enumerate().map(|(index, (ty, desc, default, is_factory))| {
            let field = if index % 2 == 0 {
                Field::input(format!("f{index}"), ty)
            } else {
                Field::output(format!("f{index}"), ty)
            };
            let default_is_factory = is_factory && default.is_some();
            Field { desc, default, default_is_factory, ..field }
        });
        let signature = Signature::new("Any", instructions.as_deref(), fields.collect());
        let demos = demos.into_iter().map(|demo| Example::new(demo.into_iter().collect()).with_inputs(["a"])).collect();
        let config = Settings::new().temperature(0.5).set("seed", seed);
        let mut predict = Predict::of(signature).with_demos(demos).with_config(config);
        predict.lm = Some(LmState::new("openai/o3-mini"));
        predict
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn our_file_gives_back_every_predictor(predict in predictor()) {
        let file = save(&predict);
        let opened = open(&file, |_| None).expect("a predictor can be opened");
        // Equal files mean equal programs; values such as NaN are not equal to themselves.
        prop_assert_eq!(save(opened.as_ref()), file.clone());
        prop_assert_eq!(digest(opened.as_ref()), digest(&predict));
        let mut again = Predict::of(predict.signature().clone());
        load(&mut again, &file).expect("the fields are the same");
        prop_assert_eq!(save(&again), file);
    }

    #[test]
    fn dspys_file_is_written_again_byte_for_byte(predict in predictor()) {
        let file = save_dspy(&predict).expect("integers of 64 bits can be written");
        let mut fresh = Predict::of(predict.signature().clone().with_instructions("other"));
        load_dspy(&mut fresh, &file).expect("it was just written");
        prop_assert_eq!(save_dspy(&fresh).expect("integers of 64 bits can be written"), file);
    }

    #[test]
    fn every_type_survives_its_description(ty in field_type()) {
        prop_assume!(!format!("{ty:?}").contains("NaN"));
        prop_assert_eq!(types::decode(&types::encode(&ty)), Ok(ty));
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_a_panic(at in any::<prop::sample::Index>(), with in "[\\[\\]{}\",:0a\\\\]{0,3}") {
        let file = save(&ChainOfThought::new("question -> answer").expect("this is a signature"));
        let at = at.index(file.len());
        let damaged = format!("{}{with}{}", &file[..at], &file[(at + 1).min(file.len())..]);
        // White space between the parts of JSON means nothing, so that some damage is none.
        if let Ok(opened) = open(&damaged, |_| None) {
            prop_assert_eq!(save(opened.as_ref()), file);
        }
        let _ = load_dspy(&mut Predict::new("a -> b").expect("this is a signature"), &damaged);
    }
}

fn pipeline() -> Pipeline {
    let cot = |text: &str| ChainOfThought::new(text).expect("this is a signature");
    let predict = |text: &str| Predict::new(text).expect("this is a signature");
    Pipeline {
        extract: predict("text -> keywords: list[str]"),
        steps: vec![cot("keywords: list[str] -> topic"), cot("topic -> summary")],
        routes: [("news desk".to_owned(), predict("summary -> headline"))].into_iter().collect(),
    }
}

#[test]
fn a_program_of_ones_own_is_saved_by_the_paths_of_its_predictors() {
    let mut taught = pipeline();
    taught.steps[1].predict.set_instructions("Be brief.");
    taught.routes[0].demos = vec![Example::new(map! {"summary" => "s", "headline" => "h"})];
    let names: Vec<_> = named_predictors(&taught).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["extract", "steps[0].predict", "steps[1].predict", "routes['news desk']"]);

    let (ours, theirs) = (save(&taught), save_dspy(&taught).expect("it can be written"));
    let (mut from_ours, mut from_theirs) = (pipeline(), pipeline());
    load(&mut from_ours, &ours).expect("the predictors are the same");
    load_dspy(&mut from_theirs, &theirs).expect("the predictors are the same");
    assert_eq!(save(&from_ours), ours);
    assert_eq!(save_dspy(&from_theirs).expect("it can be written"), theirs);
    assert_eq!(open(&ours, |_| None).err(), Some(FileError::NeedsCode));
}

#[test]
fn a_file_for_other_fields_is_refused_and_changes_nothing() {
    let file = save(&Predict::new("question -> answer: int").expect("this is a signature"));
    let mut other = Predict::new("question -> answer").expect("this is a signature");
    let before = save(&other);
    assert!(matches!(load(&mut other, &file), Err(FileError::Mismatch { .. })));
    assert_eq!(save(&other), before);
}

#[test]
fn a_file_cannot_say_where_requests_go() {
    let config = Settings::new().set("api_base", "http://evil.example/v1");
    let file = save(&Predict::new("question -> answer").expect("this is a signature").with_config(config));
    assert_eq!(open(&file, |_| None).err(), Some(FileError::Invalid("a file may not set `api_base`".into())));
}

#[test]
fn a_changed_file_does_not_match_its_digest() {
    let file = save(&Predict::new("question -> answer").expect("this is a signature"));
    let changed = file.replace("produce the fields", "reveal the secrets");
    assert_eq!(open(&changed, |_| None).err(), Some(FileError::Digest));
}

#[test]
fn an_agent_is_opened_with_tools_of_the_hosts_choice() {
    let look = || ToolFn::builder("look", "Looks.").arg("at", Type::Str).run(|_| async { Ok("nothing".into()) });
    let agent = ReAct::new("question -> answer: int", vec![look()]).expect("this is a signature").with_max_iters(3);
    let file = save(&agent);
    assert_eq!(open(&file, |_| None).err(), Some(FileError::MissingTool("look".into())));
    let opened = open(&file, |name| (name == "look").then(look)).expect("the tool is offered");
    assert_eq!(save(opened.as_ref()), file);
    assert_eq!(opened.kind(), agent.kind());
}

#[test]
fn a_comparison_keeps_its_number_of_attempts_and_frozen_parts_are_kept_apart() {
    let mut compare = MultiChainComparison::of(Signature::parse("question -> answer").expect("this is a signature"), 2);
    compare.predict.frozen = FrozenParts { preamble: Some("Always.".into()), ..FrozenParts::default() };
    let opened = open(&save(&compare), |_| None).expect("it needs no code");
    assert_eq!(opened.kind(), compare.kind());
    assert_eq!(named_predictors(opened.as_ref())[0].1.frozen, compare.predict.frozen);
}

#[test]
fn what_decides_how_a_program_behaves_decides_its_digest() {
    let plain = Predict::new("question -> answer").expect("this is a signature");
    let hot = plain.clone().with_config(Settings::new().temperature(1.0));
    assert_ne!(digest(&plain), digest(&hot));
    assert_eq!(digest(&plain), digest(&plain.clone()));
}
