//! DSPy's programming model as Rust values: signatures say what a model call takes and gives, adapters turn them into
//! prompts and completions back into typed fields, byte for byte as DSPy 3.4.1 does.

pub mod adapter;
pub mod example;
pub mod lm;
pub mod media;
pub mod message;
pub mod python;
pub mod signature;
pub mod tool;
pub mod typing;
pub mod value;

pub use adapter::{Adapter, FormatError, ParseError, ParseErrorKind};
pub use example::Example;
pub use lm::{Capabilities, Choice, Chunk, Lm, LmError, LmErrorKind, LmRequest, LmResponse, LmStream, ScriptedLm, Settings, Usage};
pub use media::Media;
pub use message::{Content, Message, Part, Role};
pub use signature::{EditError, Field, FieldKind, Signature, SignatureBuilder, SignatureError};
pub use tool::{Tool, ToolCall, ToolCalls, ToolResult};
pub use typing::{EnumType, ModelField, ModelType, Type};
pub use value::{Map, Value};
