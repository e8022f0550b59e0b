//! Runs told as they happen: fields that grow and end while the model still writes, tools that are called, and the run's
//! outcome last.

use std::collections::HashMap;

use futures::channel::mpsc;
use futures::future::ready;
use futures::stream::{self, BoxStream, StreamExt as _};

use crate::adapter::Adapter;
use crate::context::Context;
use crate::lm::{Chunk, LmError, LmErrorKind, LmRequest, LmResponse};
use crate::program::Module;
use crate::signature::Signature;
use crate::trace::Run;
use crate::typing::Type;
use crate::value::{Map, Value};

mod json;
mod sections;

use json::JsonReader;
use sections::SectionReader;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A predictor begins.
    Started {
        /// The predictor.
        predictor: String,
    },
    /// A field of type `str` grew. The pieces of a field, joined, are its value.
    FieldText {
        /// The predictor.
        predictor: String,
        /// The output field.
        field: String,
        /// What was added.
        text: String,
    },
    /// A field of any type is complete; it comes as soon as the field can be read, whatever else is still to be written. If
    /// the completion as a whole turns out to say otherwise, it comes again.
    FieldDone {
        /// The predictor.
        predictor: String,
        /// The output field.
        field: String,
        /// Its typed value.
        value: Value,
    },
    /// The model reasons.
    Reasoning {
        /// The predictor.
        predictor: String,
        /// What was added.
        text: String,
    },
    /// The completion was refused and the model was told why: what was heard of the predictor's fields is void.
    Corrected {
        /// The predictor.
        predictor: String,
        /// What the model was told.
        reason: String,
    },
    /// An agent calls a tool.
    ToolCalled {
        /// The tool.
        tool: String,
        /// The arguments as the model gave them.
        args: Map,
    },
    /// The tool answered, or failed.
    ToolAnswered {
        /// The tool.
        tool: String,
        /// What the model reads.
        observation: Value,
    },
}

/// An item of [`stream()`].
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// Something happened.
    Event(Event),
    /// The run is over; always the last item.
    Done(Box<Run>),
}

/// Runs a program and gives its events as they happen, then the finished run. Dropping the stream ends the run.
///
/// ```
/// use std::sync::Arc;
///
/// use futures::StreamExt;
/// use predict::{Context, Event, Predict, ScriptedLm, Update, Value, map};
///
/// let lm = ScriptedLm::texts(["[[ ## steps ## ]]\n[1, 2]\n\n[[ ## answer ## ]]\nIt is four.\n\n[[ ## completed ## ]]"]);
/// let qa = Predict::new("question -> steps: list[int], answer")?;
/// let cx = Context::new(Arc::new(lm));
/// let updates: Vec<_> = futures::executor::block_on(predict::stream(&qa, map! {"question" => "2+2?"}, &cx).collect());
/// let steps = Event::FieldDone { predictor: "self".into(), field: "steps".into(), value: Value::from(vec![1, 2]) };
/// assert_eq!(updates[1], Update::Event(steps));
/// assert!(matches!(updates.last(), Some(Update::Done(run)) if run.outcome.is_ok()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stream<'a>(program: &'a dyn Module, inputs: Map, cx: &Context) -> BoxStream<'a, Update> {
    let (sender, updates) = mpsc::unbounded();
    let (outer, events) = (cx.events.clone(), sender.clone());
    let cx = cx.clone().with_events(move |event| {
        if let Some(outer) = &outer {
            outer(event.clone());
        }
        // The receiver is gone only when the stream was dropped, and the run with it.
        let _ = events.unbounded_send(Update::Event(event));
    });
    let run = async move {
        let run = cx.run(program, inputs).await;
        // The outcome takes the same way as the events, so that it comes after all of them.
        let _ = sender.unbounded_send(Update::Done(Box::new(run)));
    };
    let run = stream::once(run).filter_map(|()| ready(None));
    stream::select_with_strategy(updates, run, |(): &mut ()| stream::PollNext::Left).boxed()
}

/// Tells the listener of a context what a model writes.
#[derive(Default)]
pub(crate) struct Narrator {
    reader: Option<Reader>,
    told: HashMap<String, Value>,
    has_spoken: bool,
}

enum Reader {
    Sections(SectionReader),
    Json(JsonReader),
}

/// What a reader finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Progress {
    Text { field: String, text: String },
    Done { field: String, value: Value },
}

/// The outputs that a reader looks for.
pub(crate) type Outputs = Vec<(String, Type)>;

impl Narrator {
    /// Begins a completion.
    pub(crate) fn begin(&mut self, adapter: &dyn Adapter, signature: &Signature) {
        let outputs = signature.outputs().map(|field| (field.name.clone(), field.ty.clone())).collect();
        self.told.clear();
        self.reader = match adapter.name() {
            "ChatAdapter" => Some(Reader::Sections(SectionReader::new(outputs))),
            "JSONAdapter" => Some(Reader::Json(JsonReader::new(outputs))),
            _ => None,
        };
    }

    /// Asks the model piece by piece and tells of the pieces.
    pub(crate) async fn listen(
        &mut self,
        cx: &Context,
        predictor: &str,
        request: &LmRequest,
    ) -> Result<LmResponse, LmError> {
        let mut chunks = cx.lm.stream(request).await?;
        while let Some(chunk) = chunks.next().await {
            match chunk? {
                Chunk::Text(text) => self.hear(cx, predictor, &text),
                Chunk::Reasoning(text) => cx.tell(|| Event::Reasoning { predictor: predictor.to_owned(), text }),
                Chunk::Done(response) => {
                    let rest = self.reader.as_mut().map(Reader::finish).unwrap_or_default();
                    self.tell(cx, predictor, rest);
                    return Ok(response);
                }
            }
        }
        Err(LmError::new(LmErrorKind::Transport, "the stream ended before the reply was complete"))
    }

    /// Whether anything was told that another completion could contradict.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// Tells of the outputs that the pieces did not show, or showed otherwise.
    pub(crate) fn conclude(&mut self, cx: &Context, predictor: &str, signature: &Signature, outputs: Option<&Map>) {
        if cx.events.is_none() {
            return;
        }
        let outputs = signature.outputs().filter_map(|field| Some((field, outputs?.get(&field.name)?)));
        let untold = outputs.filter(|(field, value)| self.told.get(&field.name) != Some(value));
        let done = untold.map(|(field, value)| Progress::Done { field: field.name.clone(), value: value.clone() });
        let done = done.collect();
        self.tell(cx, predictor, done);
    }

    fn hear(&mut self, cx: &Context, predictor: &str, text: &str) {
        let progress = self.reader.as_mut().map(|reader| reader.push(text)).unwrap_or_default();
        self.tell(cx, predictor, progress);
    }

    fn tell(&mut self, cx: &Context, predictor: &str, progress: Vec<Progress>) {
        for step in progress {
            self.has_spoken = true;
            let predictor = predictor.to_owned();
            match step {
                Progress::Text { field, text } => cx.tell(|| Event::FieldText { predictor, field, text }),
                Progress::Done { field, value } => {
                    self.told.insert(field.clone(), value.clone());
                    cx.tell(|| Event::FieldDone { predictor, field, value });
                }
            }
        }
    }
}

impl Reader {
    fn push(&mut self, text: &str) -> Vec<Progress> {
        match self {
            Self::Sections(reader) => reader.push(text),
            Self::Json(reader) => reader.push(text),
        }
    }

    fn finish(&mut self) -> Vec<Progress> {
        match self {
            Self::Sections(reader) => reader.finish(),
            Self::Json(_) => Vec::new(),
        }
    }
}
