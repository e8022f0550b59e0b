//! Where a piece of work stands in a trace that spans components: the W3C trace context.

use std::fmt;

use crate::hex::{Hex, unhex};

/// The trace that a piece of work belongs to, and its own span in it (W3C Trace Context, section 3.2). As text it is a
/// `traceparent`: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

impl TraceContext {
    /// A trace that begins here, and is sampled.
    pub const fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        Self { trace_id, span_id, flags: 1 }
    }

    /// What a caller wrote into its `traceparent`, if it is one (section 3.2.2).
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let (trace_id, rest) = rest.split_once('-')?;
        let (span_id, rest) = rest.split_once('-')?;
        let (flags, future) = rest.split_once('-').map_or((rest, None), |(flags, future)| (flags, Some(future)));
        let version: [u8; 1] = unhex(version)?;
        // Later versions may append fields; version 0 may not, and 255 is forbidden (section 3.2.2.1).
        if version == [255] || (version == [0] && future.is_some()) {
            return None;
        }
        let trace_id: [u8; 16] = unhex(trace_id)?;
        let span_id: [u8; 8] = unhex(span_id)?;
        let [flags] = unhex(flags)?;
        let meaningful = trace_id != [0; 16] && span_id != [0; 8];
        // Only the lowest bit has a meaning in the version that we pass on.
        meaningful.then_some(Self { trace_id, span_id, flags: flags & 1 })
    }

    /// This span, in the trace of `parent`.
    #[must_use]
    pub const fn under(self, parent: Self) -> Self {
        Self { span_id: self.span_id, ..parent }
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        Hex(&self.trace_id).to_string()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", Hex(&self.trace_id), Hex(&self.span_id), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn a_trace_is_continued_under_a_span_of_our_own() {
        let given = TraceContext::parse(GIVEN).unwrap();
        assert_eq!(given.to_string(), GIVEN);
        assert_eq!(given.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let child = TraceContext::new([1; 16], [0x21; 8]).under(given);
        assert_eq!(child.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-2121212121212121-00");
    }

    #[test]
    fn a_trace_that_begins_here_is_one_that_others_can_read() {
        let begun = TraceContext::new([1; 16], [2; 8]);
        assert_eq!(begun.to_string(), "00-01010101010101010101010101010101-0202020202020202-01");
        assert_eq!(TraceContext::parse(&begun.to_string()), Some(begun));
    }

    #[test]
    fn what_is_not_a_traceparent_is_none() {
        for malformed in [
            "",
            "00",
            &GIVEN[..54],
            &GIVEN.to_uppercase(),
            &GIVEN.replace("00-4b", "ff-4b"),
            &format!("{GIVEN}-more"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00",
            "00-é4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-00",
        ] {
            assert_eq!(TraceContext::parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more";
        let read = TraceContext::parse(later).unwrap().to_string();
        assert_eq!(read, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    }
}
