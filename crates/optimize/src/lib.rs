//! Optimizers for programs of language model calls.

pub mod budget;
pub mod candidate;
pub mod evaluate;
pub mod event;
pub mod gepa;
pub mod journal;
pub mod metric;
pub mod mipro;
pub mod optimizer;
pub mod rollout;
pub mod simba;
pub mod study;

mod ask;
mod bootstrap;
mod copro;
mod ensemble;
mod infer_rules;
mod knn;
mod labeled;
mod ledger;
mod program;
mod random_search;
mod score;

pub use bootstrap::BootstrapFewShot;
pub use budget::{Budget, Limit, Spend};
pub use candidate::{Candidate, Outcome, Pool};
pub use copro::Copro;
pub use ensemble::{Ensemble, Ensembled, Reduce};
pub use evaluate::{Evaluate, Evaluation};
pub use event::Event;
pub use gepa::Gepa;
pub use infer_rules::InferRules;
pub use journal::{Entry, Journal, JournalError, MemoryJournal};
pub use knn::{KnnFewShot, KnnProgram};
pub use labeled::LabeledFewShot;
pub use metric::{Case, Metric, MetricError, metric};
pub use mipro::MiproV2;
pub use optimizer::{Extras, OptimizeError, Optimizer, Task, Teacher};
pub use program::Program;
pub use random_search::BootstrapFewShotWithRandomSearch;
pub use rollout::{Failure, Rollout, TraceStep};
pub use score::Score;
pub use simba::Simba;
pub use study::{Part, Scope, Study, StudyBuilder};
