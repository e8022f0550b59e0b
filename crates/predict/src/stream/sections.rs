//! Reads the `[[ ## field ## ]]` protocol piece by piece, as [`crate::ChatAdapter`] reads it whole.

use super::{Outputs, Progress};
use crate::coerce::parse_value;
use crate::python::text::{strip, strip_end, strip_start};
use crate::python::unicode::is_word;
use crate::typing::Type;

const HEADER_START: &str = "[[ ## ";
const HEADER_END: &str = " ## ]]";

/// The line breaks of Python's `str.splitlines`.
fn is_break(ch: char) -> bool {
    matches!(ch, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Finds sections in text that arrives in pieces.
pub(super) struct SectionReader {
    outputs: Outputs,
    seen: Vec<bool>,
    /// The line that has not ended yet, whether the section has begun to take it, and how much of it has been taken.
    line: String,
    begun: bool,
    taken: usize,
    /// Whether the last character was a carriage return, which a line feed would complete.
    after_return: bool,
    section: Option<Section>,
}

struct Section {
    output: usize,
    /// The section's text so far without the white space at its end, which may turn out to be the section's end.
    value: String,
    held: String,
    lines: usize,
}

impl SectionReader {
    pub(super) fn new(outputs: Outputs) -> Self {
        let seen = vec![false; outputs.len()];
        Self { outputs, seen, line: String::new(), begun: false, taken: 0, after_return: false, section: None }
    }

    pub(super) fn push(&mut self, text: &str) -> Vec<Progress> {
        let mut progress = Vec::new();
        for ch in text.chars() {
            let completes_break = self.after_return && ch == '\n';
            self.after_return = ch == '\r';
            if completes_break {
                continue;
            }
            if is_break(ch) {
                self.end_line(&mut progress);
            } else {
                self.line.push(ch);
            }
        }
        let start = strip_start(&self.line);
        // A line that may still become a header is kept back until it ends.
        if !HEADER_START.starts_with(start) && !start.starts_with(HEADER_START) {
            self.take_line(&mut progress);
        }
        progress
    }

    pub(super) fn finish(&mut self) -> Vec<Progress> {
        let mut progress = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut progress);
        }
        self.end_section(&mut progress);
        progress
    }

    fn end_line(&mut self, progress: &mut Vec<Progress>) {
        if let Some(name) = header(strip_start(&self.line)) {
            let length = (HEADER_START.len() + HEADER_END.len()) + name.chars().count();
            let output = self.outputs.iter().position(|(output, _)| output == name);
            // The rest of an indented header is cut by the header's length and not by its end: DSPy's parser does so.
            let rest: String = self.line.chars().skip(length).collect();
            let rest = strip(&rest).to_owned();
            self.end_section(progress);
            self.section = output.filter(|output| !std::mem::replace(&mut self.seen[*output], true)).map(Section::new);
            self.line = rest;
        }
        self.take_line(progress);
        self.line.clear();
        (self.begun, self.taken) = (false, 0);
    }

    /// Takes what is new of the line into the section.
    fn take_line(&mut self, progress: &mut Vec<Progress>) {
        let Some(section) = &mut self.section else { return };
        if !std::mem::replace(&mut self.begun, true) {
            section.begin_line();
        }
        let text = section.take(&self.line[self.taken..]);
        self.taken = self.line.len();
        let (field, ty) = &self.outputs[section.output];
        if *ty == Type::Str && !text.is_empty() {
            progress.push(Progress::Text { field: field.clone(), text });
        }
    }

    fn end_section(&mut self, progress: &mut Vec<Progress>) {
        let Some(section) = self.section.take() else { return };
        let (field, ty) = &self.outputs[section.output];
        // A value that cannot be read is the whole completion's error, which comes at its end.
        if let Ok(value) = parse_value(&section.value.into(), ty) {
            progress.push(Progress::Done { field: field.clone(), value });
        }
    }
}

impl Section {
    fn new(output: usize) -> Self {
        Self { output, value: String::new(), held: String::new(), lines: 0 }
    }

    fn begin_line(&mut self) {
        if self.lines > 0 {
            self.held.push('\n');
        }
        self.lines += 1;
    }

    /// Adds text and gives what of it, and of what was held back, now belongs to the value for certain.
    fn take(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let certain = strip_end(&self.held);
        let certain = if self.value.is_empty() { strip_start(certain) } else { certain }.to_owned();
        if certain.is_empty() {
            return certain;
        }
        let rest = strip_end(&self.held).len();
        self.held.drain(..rest);
        self.value.push_str(&certain);
        certain
    }
}

/// The name in a header at the start of a line.
fn header(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(HEADER_START)?;
    let end = rest.find(|ch| !is_word(ch)).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    (!name.is_empty() && rest.starts_with(HEADER_END)).then_some(name)
}
