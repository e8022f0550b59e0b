//! Ensemble: several programs run on the same inputs, and one answer made of theirs.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join_all;
use predict::program::{Part, PartMut, Parts};
use predict::python::random::PythonRandom;
use predict::{CallError, Context, Map, Module, Prediction, majority};

use crate::ledger::digest_of;
use crate::program::Program;

/// Makes one answer of several; gets the predictions in the order of the programs.
pub type Reduce = Arc<dyn Fn(&[Prediction]) -> Option<Prediction> + Send + Sync>;

/// Puts programs together into one.
///
/// ```
/// use std::sync::Arc;
///
/// use optimize::Ensemble;
/// use predict::{Context, Module, Predict, ScriptedLm, map};
///
/// let reply = |answer| format!("[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]");
/// let lm = Arc::new(ScriptedLm::texts([reply("Oslo"), reply("Bergen"), reply("oslo.")]));
/// let together = Ensemble::default().compile(vec![Predict::new("question -> answer")?; 3]);
/// let inputs = map! { "question" => "What is Norway's capital?" };
/// let prediction = futures::executor::block_on(together.forward(inputs, &Context::new(lm)))?;
/// assert_eq!(prediction.text("answer"), Some("Oslo"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Ensemble {
    /// How many programs run for one call, drawn at random; all without it. The same inputs draw the same programs.
    pub size: Option<usize>,
    /// How their answers become one: a vote on the last output unless given.
    pub reduce: Reduce,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self { size: None, reduce: Arc::new(vote) }
    }
}

impl Ensemble {
    /// One program of several.
    #[must_use]
    pub fn compile<P: Program>(&self, programs: Vec<P>) -> Ensembled<P> {
        Ensembled { programs, ensemble: self.clone() }
    }
}

fn vote(predictions: &[Prediction]) -> Option<Prediction> {
    let completions = predictions.iter().map(|prediction| prediction.values.clone()).collect();
    majority(&Prediction::from_completions(completions), None)
}

/// Several programs as one.
#[derive(Clone)]
pub struct Ensembled<P> {
    programs: Vec<P>,
    ensemble: Ensemble,
}

impl<P> Ensembled<P> {
    /// The programs that run on these inputs.
    fn drawn(&self, inputs: &Map) -> Vec<&P> {
        let Some(size) = self.ensemble.size.filter(|size| *size < self.programs.len()) else {
            return self.programs.iter().collect();
        };
        let digest = digest_of([serde_json::json!(inputs).to_string().as_str()]);
        let seed = u64::from_str_radix(&digest[..15], 16).expect("a digest is hexadecimal");
        let drawn = PythonRandom::new(seed as i64).sample(self.programs.len(), size);
        drawn.into_iter().map(|index| &self.programs[index]).collect()
    }
}

#[async_trait]
impl<P: Program + 'static> Module for Ensembled<P> {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let runs = self.drawn(&inputs).into_iter().map(|program| program.forward(inputs.clone(), cx));
        let predictions = try_join_all(runs.collect::<Vec<_>>()).await?;
        let invalid = |reason: &str| CallError::Invalid { predictor: "ensemble".to_owned(), reason: reason.to_owned() };
        (self.ensemble.reduce)(&predictions).ok_or_else(|| invalid("its programs gave no common answer"))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        self.programs.listed("programs")
    }

    fn parts_mut(&mut self) -> Vec<PartMut<'_>> {
        self.programs.listed_mut("programs")
    }

    fn clone_box(&self) -> Box<dyn Module> {
        Box::new(self.clone())
    }
}
