//! DSPy's programming model as Rust values: signatures say what a model call takes and gives, adapters turn them into
//! prompts and completions back into typed fields, byte for byte as DSPy 3.4.1 does.
//!
//! # From a signature to a prompt and back
//!
//! A [`Signature`] declares one model call: its inputs, its outputs with their types, and what is to be done. The short
//! form is DSPy's string; [`Signature::builder`] takes descriptions and types that have no short name.
//!
//! ```
//! use predict::{Adapter, ChatAdapter, Content, Signature, Type, map};
//!
//! let triage = Signature::builder("Triage")
//!     .instructions("Triage a support ticket.")
//!     .input("ticket", Type::Str)
//!     .output_with("label", Type::literal(["bug", "feature request"]), "what it is about")
//!     .output("urgency", Type::Int)
//!     .build();
//!
//! // An adapter writes the messages; nothing is global, so the same arguments always give the same prompt.
//! let adapter = ChatAdapter::default();
//! let messages = adapter.format(&triage, &[], &map! { "ticket" => "It crashes when I save." })?;
//! let Content::Text(user) = &messages[1].content else { unreachable!("text in, text out") };
//! assert!(user.starts_with("[[ ## ticket ## ]]\nIt crashes when I save."));
//!
//! // ... and reads completions, which need not be perfect, into values of the declared types.
//! let fields = adapter.parse(&triage, "[[ ## label ## ]]\n'bug'\n\n[[ ## urgency ## ]]\n3.0")?;
//! assert_eq!(fields, map! { "label" => "bug", "urgency" => 3 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a completion may get wrong, and how that is told, is the business of [`adapter::ParseError`]: it names the field,
//! its raw value and the reason, in words that can be shown to the model again.
//!
//! # Values and types
//!
//! A [`Value`] is what JSON knows, with integers and floats kept apart (`1` and `1.0` reach prompts differently), objects
//! in order, and media and tools besides. A [`Type`] is what a Python annotation says, as a value: it has a
//! [name](Type::name) and a [JSON Schema](Type::json_schema) in prompts, and [`coerce::parse_value`] reads raw values as
//! one. Models are described field by field:
//!
//! ```
//! use std::sync::Arc;
//!
//! use predict::{Adapter, JsonAdapter, ModelField, ModelType, Signature, Type, map};
//!
//! let person = ModelType::new("Person")
//!     .field("name", Type::Str)
//!     .with(ModelField::new("age", Type::Int).description("in years"))
//!     .with(ModelField::new("email", Type::optional(Type::Str)).default(None::<String>));
//! let person = Type::Model(Arc::new(person));
//! let find = Signature::parse_with("text -> people: list[Person]", &[("Person", person)])?;
//!
//! // Fences, single quotes and a lost bracket are repaired, text becomes the integer that it means.
//! let completion = "```json\n{'people': [{'name': 'Ada', 'age': '36'}\n```";
//! let fields = JsonAdapter::default().parse(&find, completion)?;
//! let ada = map! { "name" => "Ada", "age" => 36, "email" => None::<String> };
//! assert_eq!(fields["people"], vec![ada].into());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Demos, history, media
//!
//! Demos are [`Example`]s; those that lack fields are shown first and say so. A field of type [`Type::History`] turns an
//! object `{"messages": [...]}` into turns of the conversation, and [`Media`] values become content parts of their own:
//!
//! ```
//! use predict::{Adapter, ChatAdapter, Content, Media, Part, Signature, map};
//!
//! let describe = Signature::parse("picture: dspy.Image -> caption")?;
//! let inputs = map! { "picture" => Media::image("https://example.com/cat.png") };
//! let messages = ChatAdapter::default().format(&describe, &[], &inputs)?;
//! let Content::Parts(parts) = &messages[1].content else { unreachable!("media make parts") };
//! assert_eq!(parts[1], Part::Media(Media::image("https://example.com/cat.png")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Completions come from strangers
//!
//! No completion makes a parser panic, recurse without bound or work much longer than its length deserves: nesting is
//! limited to [`python::json::MAX_DEPTH`], repairing JSON has a [budget](python::json_repair::RepairError::TooCostly), and
//! XML is read without entities of its own.

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
pub use lm::{
    Capabilities, Choice, Chunk, Lm, LmError, LmErrorKind, LmRequest, LmResponse, LmStream, ScriptedLm, Settings, Usage,
};
pub use media::Media;
pub use message::{Content, Message, Part, Role};
pub use modules::{
    BestOfN, ChainOfThought, Embedder, FrozenParts, Knn, MultiChainComparison, Parallel, ParallelOutcome, Predict,
    ReAct, Refine, ReservedName, Reward, ToolAgent, majority, majority_by, normalize_text,
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
