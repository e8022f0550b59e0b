//! DSPy's programming model as Rust values: signatures say what a model call takes and gives, adapters turn them into
//! prompts and completions back into typed fields, byte for byte as DSPy 3.4.1 does.

pub mod adapter;
pub mod cache;
pub mod call;
pub mod callable;
pub mod coerce;
pub mod context;
pub mod example;
pub mod lm;
pub mod media;
pub mod message;
pub mod modules;
pub mod prediction;
pub mod program;
pub mod python;
pub mod saved;
pub mod signature;
pub mod stream;
pub mod tool;
pub mod trace;
pub mod typing;
pub mod value;
pub mod wire;

pub use adapter::{Adapter, ChatAdapter, FormatError, JsonAdapter, ParseError, ParseErrorKind, XmlAdapter};
pub use cache::{Cache, CacheKey, MemoryCache};
pub use call::{CallError, Check, Feedback, RetryAdvice, Stage};
pub use callable::{ToolError, ToolFn, ToolHandler};
pub use context::{CancelHandle, Cancelled, Context, cancellation};
pub use example::Example;
pub use lm::{Capabilities, Choice, Chunk, Lm, LmError, LmErrorKind, LmRequest, LmResponse, LmStream, ScriptedLm, Settings, Usage};
pub use media::Media;
pub use message::{Content, Message, Part, Role};
pub use modules::{
    BestOfN, ChainOfThought, Embedder, FrozenParts, Knn, MultiChainComparison, Parallel, ParallelOutcome, Predict, ReAct,
    Refine, Reward, ToolAgent, majority, majority_by, normalize_text,
};
pub use prediction::Prediction;
pub use program::{Frozen, Module, ModuleKind, named_predictors, named_predictors_mut};
pub use saved::LmState;
pub use signature::{EditError, Field, FieldKind, Signature, SignatureBuilder, SignatureError};
pub use stream::{Event, Update, stream};
pub use tool::{Tool, ToolCall, ToolCalls, ToolResult};
pub use trace::{Exchange, Run, Step, Warning};
pub use typing::{EnumType, ModelField, ModelType, Type};
pub use value::{Map, Value};
