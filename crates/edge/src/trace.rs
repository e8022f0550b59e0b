//! How a request is recognised in logs, here and in the components it is passed on to.

use std::{fmt, sync::Arc};

use axum::extract::FromRequestParts;
use host::Random;
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};

use crate::problem::Problem;

/// Names a request for people: given by the client, or made; in every log line and every answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace context as our components pass it on. Spin overwrites `traceparent` in chained calls
/// (`docs/spin.md#trace-context`).
pub const X_KOWAI_TRACE: HeaderName = HeaderName::from_static("x-kowai-trace");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest correlation id that is taken from a client, in bytes.
const MAX_CORRELATION_ID_BYTES: usize = 128;

/// What names a request in logs and problems: 1 to 128 harmless ASCII characters. Cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// `text`, unless it could do harm in a log, a header or a shell.
    pub fn parse(text: &str) -> Option<Self> {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:/+=@".contains(&byte);
        let accepted = (1..=MAX_CORRELATION_ID_BYTES).contains(&text.len()) && text.bytes().all(harmless);
        accepted.then(|| Self(text.into()))
    }

    /// Stands for the id of a request that got no further than an instance that could not start.
    #[cfg(target_family = "wasm")]
    pub(crate) fn none() -> Self {
        Self("none".into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a request stands among others: its correlation id and its W3C trace context. An extractor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    correlation_id: CorrelationId,
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

impl Trace {
    /// Reads what the caller says of the request, and makes up what is missing or malformed.
    pub(crate) fn read(headers: &HeaderMap, random: &dyn Random) -> Self {
        let mut fresh = [0; 40];
        random.fill(&mut fresh);
        let [request, trace, span] = [&fresh[..16], &fresh[16..32], &fresh[32..]];
        let correlation_id = only(headers, &X_REQUEST_ID)
            .and_then(CorrelationId::parse)
            .unwrap_or_else(|| CorrelationId(format!("req_{}", Hex(request)).into()));
        let parent = only(headers, &X_KOWAI_TRACE).or_else(|| only(headers, &TRACEPARENT)).and_then(parse_traceparent);
        let mut context = Self { correlation_id, trace_id: [0; 16], span_id: [0; 8], flags: 1 };
        context.trace_id.copy_from_slice(trace);
        context.span_id.copy_from_slice(span);
        if let Some((trace_id, flags)) = parent {
            context.trace_id = trace_id;
            context.flags = flags;
        }
        context
    }

    /// What names the request in logs and problems.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.correlation_id
    }

    /// The trace that the request is a part of: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        Hex(&self.trace_id).to_string()
    }

    /// The context to give to whoever is called on behalf of this request (W3C Trace Context, section 3.2).
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", Hex(&self.trace_id), Hex(&self.span_id), self.flags)
    }

    /// Adds to the headers of a request that is sent to another component on behalf of this one.
    pub fn pass_on(&self, headers: &mut HeaderMap) {
        for (name, value) in [(X_REQUEST_ID, self.correlation_id.as_str()), (X_KOWAI_TRACE, &self.traceparent())] {
            // Both are harmless ASCII by construction.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::internal("the request did not pass the stack"))
    }
}

/// The value of a header that is there once; two values contradict each other, so they say nothing.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The trace id and the flags of a `traceparent` (W3C Trace Context, section 3.2.2), if it is one.
fn parse_traceparent(text: &str) -> Option<([u8; 16], u8)> {
    let (version, rest) = text.split_once('-')?;
    let (trace_id, rest) = rest.split_once('-')?;
    let (parent_id, rest) = rest.split_once('-')?;
    let (flags, future) = rest.split_once('-').map_or((rest, None), |(flags, future)| (flags, Some(future)));
    let version: [u8; 1] = unhex(version)?;
    // Later versions may append fields; version 0 may not, and 255 is forbidden (section 3.2.2.1).
    if version == [255] || (version == [0] && future.is_some()) {
        return None;
    }
    let trace_id: [u8; 16] = unhex(trace_id)?;
    let parent_id: [u8; 8] = unhex(parent_id)?;
    let [flags] = unhex(flags)?;
    let meaningful = trace_id != [0; 16] && parent_id != [0; 8];
    // Only the lowest bit has a meaning in the version that we pass on.
    meaningful.then_some((trace_id, flags & 1))
}

/// Lower-case hexadecimal digits, exactly as many as fill the array.
fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// At most 16 bytes as lower-case hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // All at once rather than byte by byte: every request does this twice.
        let mut text = [0; 32];
        for (byte, pair) in self.0.iter().zip(text.chunks_exact_mut(2)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text[..2 * self.0.len()]).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            (1..).zip(buffer).for_each(|(number, byte)| *byte = number);
        }
    }

    fn read(headers: &[(&'static str, &str)]) -> Trace {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        Trace::read(&headers.collect(), &Counting)
    }

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn a_trace_is_continued_under_a_span_of_our_own() {
        let trace = read(&[("traceparent", GIVEN), ("x-request-id", "a-1")]);
        assert_eq!(trace.correlation_id().as_str(), "a-1");
        assert_eq!(trace.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-2122232425262728-00");
    }

    #[test]
    fn our_own_header_is_believed_before_the_one_that_spin_overwrites() {
        let ours = GIVEN.replace("4bf9", "aaaa");
        assert!(read(&[("traceparent", GIVEN), ("x-kowai-trace", &ours)]).trace_id().starts_with("aaaa"));
    }

    #[test]
    fn what_is_not_a_traceparent_starts_a_new_trace() {
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
            let trace = read(&[("traceparent", malformed)]);
            assert_eq!(trace.trace_id(), "1112131415161718191a1b1c1d1e1f20", "{malformed}");
        }
        assert!(read(&[("traceparent", &GIVEN.replacen("00", "cc", 1))]).trace_id().starts_with("4bf9"));
        assert!(read(&[("traceparent", GIVEN), ("traceparent", GIVEN)]).trace_id().starts_with("1112"));
    }

    #[test]
    fn a_correlation_id_that_could_do_harm_is_replaced() {
        for harmful in ["", " ", "a b", "a\"b", "<script>", "a\tb", "é", &"x".repeat(129)] {
            let made = read(&[("x-request-id", harmful)]);
            assert_eq!(made.correlation_id().as_str(), "req_0102030405060708090a0b0c0d0e0f10", "{harmful}");
        }
        assert_eq!(read(&[("x-request-id", &"x".repeat(128))]).correlation_id().as_str().len(), 128);
    }
}
