//! How a request is recognised in logs, here and in the components that work on it.

use host::{Random, chaining, fresh_names};
use http::HeaderMap;
use ids::{CorrelationId, TraceContext};

/// The names of a request: its correlation id and its W3C trace context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) correlation_id: CorrelationId,
    /// The trace, and the span of this request in it.
    pub(crate) traceparent: TraceContext,
}

impl Trace {
    /// Reads what the caller says of the request, and makes up what is missing or malformed.
    pub(crate) fn read(headers: &HeaderMap, random: &dyn Random) -> Self {
        let (correlation_id, traceparent) = fresh_names(random);
        Self {
            correlation_id: chaining::correlation_id(headers).unwrap_or(correlation_id),
            traceparent: chaining::traceparent(headers).map_or(traceparent, |parent| traceparent.under(parent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    struct Counting;

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            (1..).zip(buffer).for_each(|(number, byte)| *byte = number);
        }
    }

    fn read(headers: &[(&'static str, &str)]) -> (String, String) {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        let trace = Trace::read(&headers.collect(), &Counting);
        (trace.correlation_id.to_string(), trace.traceparent.to_string())
    }

    #[test]
    fn what_the_caller_says_is_continued_under_a_span_of_our_own() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let (correlation_id, traceparent) = read(&[("traceparent", given), ("x-request-id", "a-1")]);
        assert_eq!(correlation_id, "a-1");
        assert_eq!(traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-2122232425262728-00");
    }

    #[test]
    fn what_is_missing_or_harmful_is_made_up() {
        let begun = "00-1112131415161718191a1b1c1d1e1f20-2122232425262728-01";
        let made = ("req_0102030405060708090a0b0c0d0e0f10".to_owned(), begun.to_owned());
        assert_eq!(read(&[]), made);
        assert_eq!(read(&[("x-request-id", "<script>"), ("traceparent", "00-")]), made);
        assert_eq!(read(&[("x-request-id", "a"), ("x-request-id", "b")]), made);
    }
}
