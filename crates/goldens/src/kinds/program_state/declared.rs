//! A program of recorded shape: predictors by path, called as the record says.

use async_trait::async_trait;
use predict::program::{Part, PartMut};
use predict::{CallError, Context, Map, Module, Predict, Prediction, Value};

#[derive(Clone)]
pub(super) struct Declared {
    predictors: Vec<(String, Predict)>,
    program: Value,
}

impl Declared {
    pub(super) fn new(predictors: Vec<(String, Predict)>, program: &Value) -> Self {
        Self { predictors, program: program.clone() }
    }

    fn predictor(&self, name: &str) -> Result<&Predict, CallError> {
        let found = self.predictors.iter().find(|(part, _)| part == name).map(|(_, predict)| predict);
        found.ok_or_else(|| CallError::Invalid { predictor: name.to_owned(), reason: "it is not declared".into() })
    }

    /// `{"predictor", "inputs": {"text": "$text", "keywords": "$extract.keywords"}}`, one after the other.
    async fn flow(&self, steps: &[Value], inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let mut known: Map = inputs.into_iter().map(|(name, value)| (format!("${name}"), value)).collect();
        let mut outputs = Map::new();
        for step in steps {
            let name = step.get("predictor").and_then(Value::as_str).unwrap_or_default();
            let wanted = step.get("inputs").and_then(Value::as_map).into_iter().flatten();
            let given =
                wanted.filter_map(|(field, source)| Some((field.clone(), known.get(source.as_str()?)?.clone())));
            let prediction = self.predictor(name)?.forward(given.collect(), cx).await?;
            let stage = name.split('.').next().unwrap_or(name);
            known.extend(prediction.values.iter().map(|(field, value)| (format!("${stage}.{field}"), value.clone())));
            outputs.extend(prediction.values);
        }
        if let Some(returned) = self.program.get("returns").and_then(Value::as_list) {
            outputs.retain(|name, _| returned.contains(&name.as_str().into()));
        }
        Ok(Prediction::from(outputs))
    }

    /// `steps[i]` in sequence, then the route that the input `route` chooses.
    async fn nested(&self, mut known: Map, cx: &Context) -> Result<Prediction, CallError> {
        let route = known.get("route").and_then(Value::as_str).unwrap_or_default().to_owned();
        for (_, predict) in self.predictors.iter().filter(|(name, _)| name.starts_with("steps[")) {
            let prediction = predict.forward(taken(predict, &known), cx).await?;
            known.extend(prediction.values);
        }
        let predict = self.predictor(&format!("routes['{route}'].predict"))?;
        predict.forward(taken(predict, &known), cx).await
    }
}

fn taken(predict: &Predict, known: &Map) -> Map {
    let inputs = predict.signature().inputs();
    inputs.filter_map(|field| Some((field.name.clone(), known.get(&field.name)?.clone()))).collect()
}

#[async_trait]
impl Module for Declared {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        match self.program.get("dataflow").and_then(Value::as_list) {
            Some(steps) => self.flow(steps, inputs, cx).await,
            None => self.nested(inputs, cx).await,
        }
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.predictors.iter().map(|(name, module)| Part { name: name.clone(), module }).collect()
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        self.predictors.iter_mut().map(|(name, module)| PartMut { name: name.clone(), module }).collect()
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
