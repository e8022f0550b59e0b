//! Why a model stopped, and whether what it said is an answer.

/// Why the model stopped, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FinishReason {
    /// It had said what it had to say.
    Stop,
    /// It reached a limit: its own, or the longest answer that is stored. The answer is cut.
    Length,
    /// Its provider cut the answer off, or left it out.
    ContentFilter,
    /// It wants tools to be called. Nobody here offers it any, so that this is all that it has to say.
    ToolCalls,
    /// It says why it does not answer.
    Refusal,
    /// Its provider says that it failed.
    Error,
}

/// What a model's stream held when it came to an orderly end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held<'a> {
    /// The finish reason, in the provider's words. Some servers send an empty one with every piece.
    pub(crate) finish_reason: Option<&'a str>,
    /// It said something.
    pub(crate) text: bool,
    /// It refused.
    pub(crate) refusal: bool,
    /// It called tools.
    pub(crate) tool_calls: bool,
}

/// Whether what came is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is, and this is why the model stopped, as far as the provider uses a word that we know.
    Complete(Option<FinishReason>),
    /// It is not, because of what the text says.
    Broken(Option<FinishReason>, &'static str),
}

/// Judges a stream that ended in order. An answer is never complete and empty without a word about why:
///
/// | finish reason | what came | the answer is |
/// | --- | --- | --- |
/// | none, or empty | anything | broken: nobody said that this was all |
/// | `stop`, `end_turn`, `eos`, `stop_sequence` | text, or nothing | complete, `stop` |
/// | | a refusal and no text | complete, `refusal`; the refusal is its text |
/// | | tool calls and no text | complete, `tool_calls` |
/// | `length`, `max_tokens` | anything | complete, `length` |
/// | `content_filter` | anything | complete, `content_filter` |
/// | `tool_calls`, `function_call`, `tool_use` | anything | complete, `tool_calls` |
/// | `refusal` | anything | complete, `refusal` |
/// | `error` | anything | broken, `error` |
/// | another word | text or a refusal | complete, no reason shown |
/// | | neither | broken |
pub(crate) fn judge(held: Held<'_>) -> Verdict {
    use FinishReason::{ContentFilter, Error, Length, Refusal, Stop, ToolCalls};

    let complete = |reason| Verdict::Complete(Some(reason));
    match held.finish_reason.filter(|reason| !reason.is_empty()) {
        None => Verdict::Broken(None, "the stream ended without a finish reason"),
        Some("stop" | "end_turn" | "eos" | "stop_sequence") => complete(match held {
            Held { text: false, refusal: true, .. } => Refusal,
            Held { text: false, tool_calls: true, .. } => ToolCalls,
            _ => Stop,
        }),
        Some("length" | "max_tokens") => complete(Length),
        Some("content_filter") => complete(ContentFilter),
        Some("tool_calls" | "function_call" | "tool_use") => complete(ToolCalls),
        Some("refusal") => complete(Refusal),
        Some("error") => Verdict::Broken(Some(Error), "the finish reason is an error"),
        Some(_) if held.text => Verdict::Complete(None),
        Some(_) if held.refusal => complete(Refusal),
        Some(_) => Verdict::Broken(None, "the finish reason is unknown, and nothing was said"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_openais() {
        for name in ["stop", "length", "content_filter", "tool_calls", "refusal", "error"] {
            assert_eq!(<&str>::from(name.parse::<FinishReason>().unwrap()), name);
        }
        assert!("done".parse::<FinishReason>().is_err());
    }

    #[test]
    fn an_answer_is_complete_only_if_somebody_says_so() {
        use FinishReason::{ContentFilter, Length, Refusal, Stop, ToolCalls};

        let nothing = Held::default();
        let text = Held { text: true, ..nothing };
        let refusal = Held { refusal: true, ..nothing };
        let tools = Held { tool_calls: true, ..nothing };
        for (reason, held, expected) in [
            ("stop", text, Some(Some(Stop))),
            ("stop", nothing, Some(Some(Stop))),
            ("stop", refusal, Some(Some(Refusal))),
            ("stop", tools, Some(Some(ToolCalls))),
            ("stop", Held { text: true, ..tools }, Some(Some(Stop))),
            ("end_turn", text, Some(Some(Stop))),
            ("length", text, Some(Some(Length))),
            ("max_tokens", nothing, Some(Some(Length))),
            ("content_filter", nothing, Some(Some(ContentFilter))),
            ("tool_calls", tools, Some(Some(ToolCalls))),
            ("function_call", nothing, Some(Some(ToolCalls))),
            ("refusal", text, Some(Some(Refusal))),
            ("whatever", text, Some(None)),
            ("whatever", refusal, Some(Some(Refusal))),
            ("whatever", tools, None),
            ("error", text, None),
            ("", text, None),
        ] {
            let verdict = judge(Held { finish_reason: Some(reason), ..held });
            let complete = match verdict {
                Verdict::Complete(reason) => Some(reason),
                Verdict::Broken(..) => None,
            };
            assert_eq!(complete, expected, "{reason:?} {held:?}");
        }
        for held in [nothing, text, refusal, tools] {
            assert!(matches!(judge(held), Verdict::Broken(None, _)), "{held:?}");
        }
        let failed = judge(Held { finish_reason: Some("error"), ..text });
        assert!(matches!(failed, Verdict::Broken(Some(FinishReason::Error), _)), "{failed:?}");
    }
}
