//! Tools that can be run: a description for the model, and a function for the agent.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

use crate::tool::Tool;
use crate::typing::Type;
use crate::value::{Map, Value};

mod arguments;
mod inline;
mod refusal;
mod schema;
mod schema_type;

pub use schema::violation;
pub use schema_type::type_of_schema;

/// Runs a tool. The arguments have been checked and converted, defaults are filled in.
#[async_trait]
pub trait ToolHandler: Send + Sync {
    /// Gives the observation.
    ///
    /// # Errors
    /// What the model is told instead of an observation.
    async fn call(&self, args: Map) -> Result<Value, ToolError>;
}

/// Why a tool gave no observation. The model reads it in the form `ValueError: message`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ToolError {
    /// The kind of failure; Python's exception names are what models know best.
    pub class: String,
    /// What happened, for the model to act on.
    pub message: String,
}

impl fmt::Display for ToolError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => formatter.write_str(&self.class),
            message => write!(formatter, "{}: {message}", self.class),
        }
    }
}

impl ToolError {
    /// A failure of a given class.
    #[must_use]
    pub fn new(class: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class: class.into(), message: message.into() }
    }

    fn value(message: impl Into<String>) -> Self {
        Self::new("ValueError", message)
    }
}

impl From<&str> for ToolError {
    /// A failure of no particular class.
    fn from(message: &str) -> Self {
        Self::new("RuntimeError", message)
    }
}

impl From<String> for ToolError {
    /// A failure of no particular class.
    fn from(message: String) -> Self {
        Self::new("RuntimeError", message)
    }
}

/// A tool with the function behind it.
///
/// ```
/// use predict::{ToolFn, Type, Value, map};
///
/// let search = ToolFn::builder("search", "Search the index.")
///     .arg("query", Type::Str)
///     .optional("k", Type::Int, 3)
///     .run(|args| async move { Ok(Value::from(format!("{} x {}", args["query"].as_str().unwrap_or(""), args["k"].as_i64().unwrap_or(0)))) });
/// assert_eq!(
///     search.tool().to_string(),
///     "search, whose description is <desc>Search the index.</desc>. It takes arguments \
///      {'query': {'type': 'string'}, 'k': {'type': 'integer', 'default': 3}}."
/// );
/// let found = futures::executor::block_on(search.call(map! {"query" => "sand"}));
/// assert_eq!(found, Ok(Value::from("sand x 3")));
/// let refused = futures::executor::block_on(search.call(map! {"query" => 7})).unwrap_err();
/// assert_eq!(refused.to_string(), "ValueError: Arg query is invalid: 7 is not of type 'string'");
/// ```
#[derive(Clone)]
pub struct ToolFn {
    tool: Arc<Tool>,
    types: Vec<(String, Type)>,
    takes_more: bool,
    handler: Arc<dyn ToolHandler>,
}

/// Collects the parts of a [`ToolFn`].
#[derive(Debug, Clone)]
pub struct ToolBuilder {
    tool: Tool,
    types: Vec<(String, Type)>,
    takes_more: bool,
}

impl ToolFn {
    /// Starts a tool.
    #[must_use]
    pub fn builder(name: impl Into<String>, description: impl Into<String>) -> ToolBuilder {
        ToolBuilder { tool: Tool::new(name, description), types: Vec::new(), takes_more: false }
    }

    /// A tool whose arguments a JSON Schema describes, as an MCP server or a workflow step does: an object with
    /// `properties` and `required`. The properties reach the prompt as they are, references resolved.
    #[must_use]
    pub fn from_schema(
        name: impl Into<String>,
        description: Option<String>,
        input: &Map,
        handler: Arc<dyn ToolHandler>,
    ) -> Self {
        let definitions = input.get("$defs").cloned();
        let properties = input.get("properties").and_then(Value::as_map).cloned().unwrap_or_default();
        let mut tool = Tool { name: name.into(), description, args: Map::new() };
        for (argument, schema) in properties {
            tool.args.insert(argument, inline::inlined(schema, definitions.as_ref()));
        }
        let types = tool.args.iter().map(|(name, schema)| (name.clone(), type_of_schema(schema))).collect();
        Self { tool: Arc::new(tool), types, takes_more: false, handler }
    }

    /// What the model is told.
    #[must_use]
    pub fn tool(&self) -> &Arc<Tool> {
        &self.tool
    }

    /// Checks the arguments and runs the tool.
    ///
    /// # Errors
    /// When the arguments are not what the tool takes, or the tool fails.
    pub async fn call(&self, args: Map) -> Result<Value, ToolError> {
        let args = arguments::prepare(&self.tool, &self.types, self.takes_more, args)?;
        self.handler.call(args).await
    }
}

impl ToolBuilder {
    /// Adds an argument that must be given.
    #[must_use]
    pub fn arg(self, name: impl Into<String>, ty: Type) -> Self {
        let schema = inline::schema_of(&ty);
        self.argument(name.into(), ty, schema)
    }

    /// Adds an argument with a description.
    #[must_use]
    pub fn described(self, name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        let mut schema = inline::schema_of(&ty);
        schema.insert("description".into(), Value::Str(description.into()));
        self.argument(name.into(), ty, schema)
    }

    /// Adds an argument that may be left out.
    #[must_use]
    pub fn optional(self, name: impl Into<String>, ty: Type, default: impl Into<Value>) -> Self {
        let mut schema = inline::schema_of(&ty);
        schema.insert("default".into(), default.into());
        self.argument(name.into(), ty, schema)
    }

    /// Lets the model pass arguments that are not declared.
    #[must_use]
    pub fn taking_more(mut self) -> Self {
        self.takes_more = true;
        self
    }

    fn argument(mut self, name: String, ty: Type, schema: Map) -> Self {
        self.tool.args.insert(name.clone(), schema.into());
        self.types.push((name, ty));
        self
    }

    /// The tool, run by a function.
    #[must_use]
    pub fn run<F, R>(self, function: F) -> ToolFn
    where
        F: Fn(Map) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        self.handled_by(Arc::new(Function(function)))
    }

    /// The tool, run by a handler.
    #[must_use]
    pub fn handled_by(self, handler: Arc<dyn ToolHandler>) -> ToolFn {
        ToolFn { tool: Arc::new(self.tool), types: self.types, takes_more: self.takes_more, handler }
    }
}

struct Function<F>(F);

#[async_trait]
impl<F, R> ToolHandler for Function<F>
where
    F: Fn(Map) -> R + Send + Sync,
    R: Future<Output = Result<Value, ToolError>> + Send + 'static,
{
    async fn call(&self, args: Map) -> Result<Value, ToolError> {
        (self.0)(args).await
    }
}

impl fmt::Debug for ToolFn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ToolFn").field("tool", &self.tool).finish_non_exhaustive()
    }
}
