//! The student of a record: a predictor, a chain of thought, or several of them fed from one another.

use async_trait::async_trait;
use predict::program::{Part, PartMut};
use predict::{CallError, ChainOfThought, Context, Map, Module, Predict, Prediction, Value};

use crate::decode::{list, member, signature, text};

/// Reads `program` with its `declared_predictors`.
pub(super) fn read(record: &Value) -> Result<Box<dyn Module>, String> {
    let program = member(record, "program")?;
    match text(program, "type")? {
        "Predict" => Ok(Box::new(predictor(record, "self")?)),
        "ChainOfThought" => Ok(Box::new(ChainOfThought { predict: predictor(record, "predict")? })),
        _ => {
            let stages = list(program, "dataflow")?.iter().map(|stage| Stage::read(record, stage));
            let returns = list(program, "returns")?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            Ok(Box::new(Dataflow { stages: stages.collect::<Result<_, _>>()?, returns }))
        }
    }
}

fn predictor(record: &Value, name: &str) -> Result<Predict, String> {
    let mut declared = list(record, "declared_predictors")?.iter();
    let declared = declared.find(|predictor| predictor.get("name").and_then(Value::as_str) == Some(name));
    signature(member(declared.ok_or_else(|| format!("no predictor `{name}` is declared"))?, "signature")?)
        .map(Predict::of)
}

/// Predictors in a row, each fed from the inputs and from what came before.
#[derive(Clone)]
struct Dataflow {
    stages: Vec<Stage>,
    returns: Vec<String>,
}

#[derive(Clone)]
struct Stage {
    /// The predictor's name, by which later stages refer to its outputs.
    name: String,
    /// The field of the program that holds the module.
    attribute: String,
    module: Box<dyn Module>,
    /// Each input with where it comes from: `$text` or `$extract.keywords`.
    inputs: Vec<(String, String)>,
}

impl Stage {
    fn read(record: &Value, stage: &Value) -> Result<Self, String> {
        let name = text(stage, "predictor")?;
        let predict = predictor(record, name)?;
        let module: Box<dyn Module> = match text(stage, "module")? {
            "Predict" => Box::new(predict),
            "ChainOfThought" => Box::new(ChainOfThought { predict }),
            other => return Err(format!("there is no module `{other}`")),
        };
        let inputs = member(stage, "inputs")?.as_map().into_iter().flatten();
        let inputs = inputs.filter_map(|(field, source)| Some((field.clone(), source.as_str()?.to_owned())));
        let attribute = name.strip_suffix(".predict").unwrap_or(name).to_owned();
        Ok(Self { name: name.to_owned(), attribute, module, inputs: inputs.collect() })
    }
}

#[async_trait]
impl Module for Dataflow {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let mut known: Map = inputs.into_iter().map(|(name, value)| (format!("${name}"), value)).collect();
        let mut outputs = Map::new();
        for stage in &self.stages {
            let fed =
                stage.inputs.iter().filter_map(|(field, source)| Some((field.clone(), known.get(source)?.clone())));
            let prediction = stage.module.forward(fed.collect(), cx).await?;
            for (field, value) in prediction.values {
                known.insert(format!("${}.{field}", stage.name), value.clone());
                known.insert(format!("${}.{field}", stage.attribute), value.clone());
                outputs.insert(field, value);
            }
        }
        let returned = self.returns.iter().filter_map(|name| Some((name.clone(), outputs.get(name)?.clone())));
        Ok(Prediction::from(returned.collect::<Map>()))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.stages.iter().map(|stage| Part { name: stage.attribute.clone(), module: &stage.module }).collect()
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        let stages = self.stages.iter_mut();
        stages.map(|stage| PartMut { name: stage.attribute.clone(), module: &mut stage.module }).collect()
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
