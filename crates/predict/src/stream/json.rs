//! Reads the members of a JSON object piece by piece, as far as the object is strict JSON.
//!
//! A reply that is not (single quotes, comments, prose inside) silences the reader; the whole reply is repaired and read
//! at its end as always.

use super::{Outputs, Progress};
use crate::coerce::parse_value;
use crate::python::json;
use crate::typing::Type;
use crate::value::Value;

/// Finds the outputs in text that arrives in pieces.
pub(super) struct JsonReader {
    outputs: Outputs,
    seen: Vec<bool>,
    state: State,
}

enum State {
    /// Text before the object, a code fence for example.
    Outside,
    /// Behind `{` or a comma.
    BeforeKey,
    /// Inside a key, its quotes included.
    Key(Text),
    BeforeColon(String),
    BeforeValue(Option<usize>),
    /// Inside a value that is text.
    Text(Option<usize>, Text),
    /// Inside any other value.
    Other {
        output: Option<usize>,
        raw: String,
        depth: usize,
        in_text: bool,
        escaped: bool,
    },
    AfterValue,
    /// The object is complete, or is none.
    Silent,
}

/// A JSON string as far as it has been written.
#[derive(Default)]
struct Text {
    decoded: String,
    /// An escape that is not complete.
    escape: String,
    told: usize,
}

impl JsonReader {
    pub(super) fn new(outputs: Outputs) -> Self {
        let seen = vec![false; outputs.len()];
        Self { outputs, seen, state: State::Outside }
    }

    pub(super) fn push(&mut self, text: &str) -> Vec<Progress> {
        let mut progress = Vec::new();
        for ch in text.chars() {
            let state = std::mem::replace(&mut self.state, State::Silent);
            self.state = self.step(state, ch, &mut progress);
        }
        if let State::Text(Some(output), text) = &mut self.state {
            tell(&self.outputs, *output, text, &mut progress);
        }
        progress
    }

    fn step(&mut self, state: State, ch: char, progress: &mut Vec<Progress>) -> State {
        match state {
            State::Outside if ch == '{' => State::BeforeKey,
            State::Outside => State::Outside,
            State::BeforeKey if ch == '"' => State::Key(Text::default()),
            State::BeforeKey if is_space(ch) => State::BeforeKey,
            State::Key(mut text) => match text.push(ch) {
                Ended::Not => State::Key(text),
                Ended::Well => State::BeforeColon(text.decoded),
                Ended::Badly => State::Silent,
            },
            State::BeforeColon(key) if is_space(ch) => State::BeforeColon(key),
            State::BeforeColon(key) if ch == ':' => State::BeforeValue(self.output(&key)),
            State::BeforeValue(output) if is_space(ch) => State::BeforeValue(output),
            State::BeforeValue(output) if ch == '"' => State::Text(output, Text::default()),
            State::BeforeValue(output) => {
                let other = State::Other { output, raw: String::new(), depth: 0, in_text: false, escaped: false };
                self.step(other, ch, progress)
            }
            State::Text(output, mut text) => match text.push(ch) {
                Ended::Not => State::Text(output, text),
                Ended::Well => self.end_text(output, text, progress),
                Ended::Badly => State::Silent,
            },
            State::Other { output, raw, depth, in_text, escaped } => {
                self.other(output, raw, depth, (in_text, escaped), ch, progress)
            }
            State::AfterValue if is_space(ch) => State::AfterValue,
            State::AfterValue if ch == ',' => State::BeforeKey,
            _ => State::Silent,
        }
    }

    /// The output of this name, the first time it appears.
    fn output(&mut self, key: &str) -> Option<usize> {
        let output = self.outputs.iter().position(|(name, _)| name == key)?;
        (!std::mem::replace(&mut self.seen[output], true)).then_some(output)
    }

    fn end_text(&self, output: Option<usize>, mut text: Text, progress: &mut Vec<Progress>) -> State {
        if let Some(output) = output {
            tell(&self.outputs, output, &mut text, progress);
            self.end(output, &text.decoded.into(), progress);
        }
        State::AfterValue
    }

    fn other(
        &mut self,
        output: Option<usize>,
        mut raw: String,
        mut depth: usize,
        (mut in_text, mut escaped): (bool, bool),
        ch: char,
        progress: &mut Vec<Progress>,
    ) -> State {
        if in_text {
            (in_text, escaped) = (escaped || ch != '"', !escaped && ch == '\\');
        } else {
            match ch {
                ',' | '}' if depth == 0 => {
                    return match (json::loads(&raw), output) {
                        (Err(_), _) => State::Silent,
                        (Ok(_), None) => self.step(State::AfterValue, ch, progress),
                        (Ok(value), Some(output)) => {
                            self.end(output, &value, progress);
                            self.step(State::AfterValue, ch, progress)
                        }
                    };
                }
                '"' => in_text = true,
                '[' | '{' => depth += 1,
                ']' | '}' if depth == 0 => return State::Silent,
                ']' | '}' => depth -= 1,
                _ => {}
            }
        }
        raw.push(ch);
        State::Other { output, raw, depth, in_text, escaped }
    }

    fn end(&self, output: usize, raw: &Value, progress: &mut Vec<Progress>) {
        let (field, ty) = &self.outputs[output];
        if let Ok(value) = parse_value(raw, ty) {
            progress.push(Progress::Done { field: field.clone(), value });
        }
    }
}

fn tell(outputs: &Outputs, output: usize, text: &mut Text, progress: &mut Vec<Progress>) {
    let (field, ty) = &outputs[output];
    let new = &text.decoded[text.told..];
    if *ty == Type::Str && !new.is_empty() {
        progress.push(Progress::Text { field: field.clone(), text: new.to_owned() });
    }
    text.told = text.decoded.len();
}

fn is_space(ch: char) -> bool {
    matches!(ch, ' ' | '\t' | '\n' | '\r')
}

enum Ended {
    Not,
    Well,
    Badly,
}

impl Text {
    fn push(&mut self, ch: char) -> Ended {
        if self.escape.is_empty() {
            match ch {
                '"' => return Ended::Well,
                '\\' => self.escape.push(ch),
                ch => self.decoded.push(ch),
            }
            return Ended::Not;
        }
        self.escape.push(ch);
        match decode(&self.escape) {
            Escape::Unfinished => {}
            Escape::Char(ch) => {
                self.decoded.push(ch);
                self.escape.clear();
            }
            Escape::Wrong => return Ended::Badly,
        }
        Ended::Not
    }
}

enum Escape {
    Unfinished,
    Char(char),
    Wrong,
}

fn decode(escape: &str) -> Escape {
    let simple = match &escape[1..] {
        "n" => '\n',
        "t" => '\t',
        "r" => '\r',
        "b" => '\x08',
        "f" => '\x0c',
        "\"" => '"',
        "\\" => '\\',
        "/" => '/',
        _ => return unicode(escape),
    };
    Escape::Char(simple)
}

/// `\u00e9`, or a pair of them for a character beyond the basic plane.
fn unicode(escape: &str) -> Escape {
    let unit = |hex: &str| u16::from_str_radix(hex, 16).ok();
    let is_hex = |text: &str| text.chars().all(|ch| ch.is_ascii_hexdigit());
    let Some(rest) = escape.strip_prefix("\\u") else { return Escape::Wrong };
    let (first, rest) = match rest.split_at_checked(4) {
        Some(parts) => parts,
        None if is_hex(rest) => return Escape::Unfinished,
        None => return Escape::Wrong,
    };
    let Some(high) = unit(first).filter(|_| is_hex(first)) else { return Escape::Wrong };
    if let Some(ch) = char::from_u32(u32::from(high)) {
        return Escape::Char(ch);
    }
    match rest.strip_prefix("\\u") {
        Some(low) if low.len() == 4 && is_hex(low) => {
            let units = [Some(high), unit(low)].into_iter().flatten();
            match char::decode_utf16(units).next() {
                Some(Ok(ch)) => Escape::Char(ch),
                _ => Escape::Wrong,
            }
        }
        Some(low) if low.len() < 4 && is_hex(low) => Escape::Unfinished,
        None if "\\u".starts_with(rest) => Escape::Unfinished,
        _ => Escape::Wrong,
    }
}
