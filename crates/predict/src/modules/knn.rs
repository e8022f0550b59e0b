//! The training examples nearest to an input.

use std::sync::Arc;

use async_trait::async_trait;

use crate::example::Example;
use crate::lm::LmError;
use crate::python::repr;
use crate::value::Map;

/// The port to an embedding model.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// One vector for each text, all of one length.
    ///
    /// # Errors
    /// When the model cannot be reached or refuses.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LmError>;
}

/// Finds the `k` examples whose inputs are most similar to given ones: by dot product, so that vectors should be of unit
/// length.
///
/// ```
/// use std::sync::Arc;
///
/// use predict::{Embedder, Example, Knn, LmError, map};
///
/// /// Tells texts apart by whether they speak of sand.
/// struct Sandiness;
///
/// #[async_trait::async_trait]
/// impl Embedder for Sandiness {
///     async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, LmError> {
///         Ok(texts.iter().map(|text| if text.contains("sand") { vec![1.0, 0.0] } else { vec![0.0, 1.0] }).collect())
///     }
/// }
///
/// let examples = ["sand dunes", "rain"].map(|topic| Example::new(map! {"topic" => topic}).with_inputs(["topic"]));
/// let nearest = futures::executor::block_on(async {
///     Knn::new(1, examples.to_vec(), Arc::new(Sandiness)).await?.nearest(&map! {"topic" => "quicksand"}).await
/// })?;
/// assert_eq!(nearest, &examples[..1]);
/// # Ok::<(), LmError>(())
/// ```
pub struct Knn {
    k: usize,
    examples: Vec<Example>,
    vectors: Vec<Vec<f32>>,
    embedder: Arc<dyn Embedder>,
}

impl Knn {
    /// Embeds the inputs of the training set.
    ///
    /// # Errors
    /// When the embedder fails.
    pub async fn new(k: usize, examples: Vec<Example>, embedder: Arc<dyn Embedder>) -> Result<Self, LmError> {
        let texts: Vec<_> = examples.iter().map(|example| told(&example.inputs())).collect();
        let vectors = embedder.embed(&texts).await?;
        Ok(Self { k, examples, vectors, embedder })
    }

    /// The nearest examples, nearest first. Of equally near ones the later comes first, as in DSPy.
    ///
    /// # Errors
    /// When the embedder fails.
    pub async fn nearest(&self, inputs: &Map) -> Result<Vec<Example>, LmError> {
        let asked = self.embedder.embed(&[told(inputs)]).await?;
        let asked = asked.first().map_or(&[][..], Vec::as_slice);
        let score = |vector: &Vec<f32>| vector.iter().zip(asked).map(|(a, b)| a * b).sum::<f32>();
        let mut order: Vec<_> = self.vectors.iter().map(score).enumerate().collect();
        order.sort_by(|(_, left), (_, right)| left.total_cmp(right));
        Ok(order.iter().rev().take(self.k).map(|(index, _)| self.examples[*index].clone()).collect())
    }
}

/// `key: value | key: value`, what is embedded.
fn told(inputs: &Map) -> String {
    inputs.iter().map(|(key, value)| format!("{key}: {}", repr::str(value))).collect::<Vec<_>>().join(" | ")
}
