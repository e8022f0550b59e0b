//! The modules: one predictor, and what is made of several calls of one.

mod best_of_n;
mod chain_of_thought;
mod knn;
mod majority;
mod multi_chain_comparison;
mod parallel;
mod predict;
mod react;
mod refine;
mod tool_agent;

pub use best_of_n::{BestOfN, Reward};
pub use chain_of_thought::ChainOfThought;
pub use knn::{Embedder, Knn};
pub use majority::{majority, majority_by, normalize_text};
pub use multi_chain_comparison::MultiChainComparison;
pub use parallel::{Parallel, ParallelOutcome};
pub use predict::{FrozenParts, Predict};
pub use react::ReAct;
pub use refine::Refine;
pub use tool_agent::{ReservedName, ToolAgent};
