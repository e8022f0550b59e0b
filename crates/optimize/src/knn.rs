//! KNNFewShot: demonstrations chosen anew for every input, from the training examples most like it.

use std::sync::Arc;

use async_trait::async_trait;
use predict::{CallError, Context, Embedder, Example, Knn, LmError, Map, Module, Prediction};

use crate::bootstrap::BootstrapFewShot;
use crate::journal::Entry;
use crate::ledger::{Ledger, digest_of};
use crate::optimizer::{OptimizeError, Teacher};
use crate::program::Program;
use crate::rollout::chain;
use crate::study::Study;

/// Bootstraps on the `k` training examples nearest to an input, each time the program is called.
///
/// Every call so costs up to `k` runs of the teacher more; with a cache in the call's context only the first time.
#[derive(Clone)]
pub struct KnnFewShot {
    /// Neighbours to learn from.
    pub k: usize,
    /// What embeds examples and inputs.
    pub embedder: Arc<dyn Embedder>,
    /// How the neighbours become demonstrations.
    pub bootstrap: BootstrapFewShot,
}

impl KnnFewShot {
    /// Embeds the trainset once and makes a program of student and neighbours. In a study with a journal the embedding
    /// is paid for once.
    ///
    /// # Errors
    /// When the embedder fails or the study cannot go on.
    pub async fn compile<P: Program>(
        &self,
        student: &P,
        teacher: Option<&Teacher<P>>,
        trainset: &[Example],
        study: &Study,
    ) -> Result<KnnProgram<P>, OptimizeError> {
        let scope = study.task("KNNFewShot");
        let embedder =
            Arc::new(BookedEmbedder { inner: Arc::clone(&self.embedder), ledger: Arc::clone(scope.ledger()) });
        let knn = Knn::new(self.k, trainset.to_vec(), embedder).await;
        scope.check()?;
        let knn =
            knn.map_err(|error| OptimizeError::Invalid(format!("the trainset was not embedded: {}", chain(&error))))?;
        let (student, teacher) = (student.clone(), teacher.cloned());
        Ok(KnnProgram { student, teacher, knn: Arc::new(knn), bootstrap: self.bootstrap.clone() })
    }
}

/// A program that learns from the neighbours of each input.
#[derive(Clone)]
pub struct KnnProgram<P> {
    student: P,
    teacher: Option<Teacher<P>>,
    knn: Arc<Knn>,
    bootstrap: BootstrapFewShot,
}

#[async_trait]
impl<P: Program + 'static> Module for KnnProgram<P> {
    async fn forward(&self, inputs: Map, cx: &Context) -> Result<Prediction, CallError> {
        let failed = |reason: String| CallError::Invalid { predictor: "knn".to_owned(), reason };
        let unreachable = |source: LmError| CallError::Lm { predictor: "knn".to_owned(), source };
        let neighbours = self.knn.nearest(&inputs).await.map_err(unreachable)?;
        let study = Study::within(cx.clone()).open().await.map_err(|error| failed(error.to_string()))?;
        let scope = study.task("KNNFewShot");
        let compiled = self.bootstrap.apply(&self.student, self.teacher.as_ref(), &neighbours, &scope).await;
        compiled.map_err(|error| failed(chain(&error)))?.forward(inputs, cx).await
    }

    predict::parts!(student);
}

/// An embedder whose answers are written down.
struct BookedEmbedder {
    inner: Arc<dyn Embedder>,
    ledger: Arc<Ledger>,
}

#[async_trait]
impl Embedder for BookedEmbedder {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LmError> {
        let request = digest_of(texts.iter().map(String::as_str));
        if let Some(known) = self.ledger.embedded(&request) {
            return Ok(known);
        }
        let vectors = self.inner.embed(texts).await?;
        let entry = Entry::Embedded { request, vectors: vectors.clone() };
        self.ledger.write_in_call(entry).await?;
        Ok(vectors)
    }
}
