//! The headers of a chained call: written here, read here, and believed only where the host says that a component sent them.
//!
//! The deadline travels as the time that remains. Components may be on different hosts whose clocks differ, by seconds where
//! nobody watches them; the time that a call is under way is counted twice then, but is a millisecond.

use std::{str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use ids::{CorrelationId, Timestamp, TraceContext};

use crate::Call;

/// Names a request for people: given by the client, or made; in every log line and every answer.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What the headers that only components may send begin with.
const OURS: &str = "x-kowai-";
const WORKSPACE: HeaderName = HeaderName::from_static("x-kowai-workspace");
const USER: HeaderName = HeaderName::from_static("x-kowai-user");
/// The trace context under a name of ours, because Spin overwrites `traceparent` in chained calls where its own tracing is on
/// (`docs/spin.md#trace-context`).
const TRACE: HeaderName = HeaderName::from_static("x-kowai-trace");
/// How long the caller waits, in milliseconds.
const TIMEOUT_MS: HeaderName = HeaderName::from_static("x-kowai-timeout-ms");

/// Where Spin says that the client is, in the last header of this name.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
/// What it says of a component.
const CHAINED: &str = "0.0.0.0:0";

/// How much less than the caller waits the callee is given, so that its own error arrives: this, or a tenth where that is less.
const HEAD_START: Duration = Duration::from_millis(500);

/// Why a request is not the call of a component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The header `{header}` is missing or malformed.")]
pub struct IncompleteCall {
    /// The first header that is not as it should be.
    pub header: HeaderName,
}

/// True where the request comes from a component of this application.
///
/// Spin appends the address of the TCP peer to whatever the client says under the same name, so the last value cannot be forged
/// (`docs/spin.md#headers-of-spin`); and from the address that it gives to components nobody can connect
/// (`docs/spin.md#service-chaining`). Where there is none the request is taken to come from outside.
pub fn is_chained(headers: &HeaderMap) -> bool {
    headers.get_all(CLIENT_ADDRESS).iter().next_back().is_some_and(|address| address == CHAINED)
}

/// Removes what only components may say.
pub fn strip(headers: &mut HeaderMap) {
    let ours = |name: &&HeaderName| name.as_str().starts_with(OURS);
    let forged: Vec<HeaderName> = headers.keys().filter(ours).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
}

/// The name that the caller gave to the request, where it is harmless.
pub fn correlation_id(headers: &HeaderMap) -> Option<CorrelationId> {
    only(headers, &X_REQUEST_ID).and_then(CorrelationId::parse)
}

/// The trace that the caller works in.
pub fn traceparent(headers: &HeaderMap) -> Option<TraceContext> {
    only(headers, &TRACE).or_else(|| only(headers, &TRACEPARENT)).and_then(TraceContext::parse)
}

/// The call that `headers` of a request from another component make, which arrived at `now`.
pub fn read(headers: &HeaderMap, now: Timestamp) -> Result<Call, IncompleteCall> {
    let incomplete = |header: &HeaderName| IncompleteCall { header: header.clone() };
    if !is_chained(headers) {
        return Err(incomplete(&CLIENT_ADDRESS));
    }
    let remaining = parsed(headers, &TIMEOUT_MS).map(Duration::from_millis).ok_or_else(|| incomplete(&TIMEOUT_MS))?;
    let user = match headers.get(&USER) {
        None => None,
        Some(_) => Some(parsed(headers, &USER).ok_or_else(|| incomplete(&USER))?),
    };
    Ok(Call {
        workspace: parsed(headers, &WORKSPACE).ok_or_else(|| incomplete(&WORKSPACE))?,
        user,
        correlation_id: correlation_id(headers).ok_or_else(|| incomplete(&X_REQUEST_ID))?,
        traceparent: only(headers, &TRACE).and_then(TraceContext::parse).ok_or_else(|| incomplete(&TRACE))?,
        deadline: now + remaining,
    })
}

/// Adds `call` to the headers of a request to another component that will be waited for for `limit`.
pub(crate) fn write(call: &Call, limit: Duration, headers: &mut HeaderMap) {
    let given = limit.saturating_sub(HEAD_START.min(limit / 10));
    let given_ms = u64::try_from(given.as_millis()).unwrap_or(u64::MAX);
    headers.insert(TIMEOUT_MS, HeaderValue::from(given_ms));
    let traceparent = call.traceparent.to_string();
    let texts = [
        (WORKSPACE, Some(call.workspace.to_string())),
        (USER, call.user.map(|user| user.to_string())),
        (X_REQUEST_ID, Some(call.correlation_id.to_string())),
        (TRACE, Some(traceparent.clone())),
        (TRACEPARENT, Some(traceparent)),
    ];
    for (name, text) in texts {
        // All of them are harmless ASCII by construction.
        if let Some(value) = text.and_then(|text| HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()) {
            headers.insert(name, value);
        }
    }
}

/// As a component that gets `call` from another one sees it, for tests of private routes.
#[cfg(feature = "fake")]
pub(crate) fn arrived(call: &Call, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    write(call, call.remaining(now), &mut headers);
    headers.insert(CLIENT_ADDRESS, HeaderValue::from_static(CHAINED));
    headers
}

fn parsed<T: FromStr>(headers: &HeaderMap, name: &HeaderName) -> Option<T> {
    only(headers, name)?.parse().ok()
}

/// The value of a header that is there once; two values contradict each other, so they say nothing.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use ids::Id;

    use super::*;
    use crate::fake::Fakes;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn call(user: Option<ids::UserId>) -> Call {
        let host = Fakes::without_database().host;
        Call { user, ..host.begin_call(host.new_id(), None, Duration::from_secs(60)) }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_call_arrives_as_it_was_made_with_a_little_less_time() {
        let host_that_is_late = Timestamp::from_millis(NOW.as_millis() - 40_000);
        for (user, limit_ms, given_ms) in
            [(None, 60_000, 59_500), (Some(ids::UserId::new(NOW, [7; 10])), 1_000, 900), (None, 0, 0)]
        {
            let call = call(user);
            let mut headers = headers(&[("spin-client-addr", CHAINED)]);
            write(&call, Duration::from_millis(limit_ms), &mut headers);
            let read = read(&headers, host_that_is_late).unwrap();
            assert_eq!(read.remaining(host_that_is_late), Duration::from_millis(given_ms));
            assert_eq!(Call { deadline: call.deadline, ..read }, call);
        }
    }

    #[test]
    fn a_call_with_a_header_that_is_missing_or_malformed_or_there_twice_is_none() {
        let complete = arrived(&call(Some(ids::UserId::new(NOW, [7; 10]))), NOW);
        assert!(read(&complete, NOW).is_ok());
        for header in [WORKSPACE, X_REQUEST_ID, TRACE, TIMEOUT_MS, CLIENT_ADDRESS] {
            let mut without = complete.clone();
            without.remove(&header);
            assert_eq!(read(&without, NOW), Err(IncompleteCall { header }));
        }
        for header in [WORKSPACE, USER, X_REQUEST_ID, TRACE, TIMEOUT_MS] {
            for hostile in ["", "' OR 1=1", "-1", "ws_", "1e9", "18446744073709551616"] {
                let mut malformed = complete.clone();
                // A name may be anything harmless.
                let hostile = if header == X_REQUEST_ID { "<script>" } else { hostile };
                malformed.insert(header.clone(), HeaderValue::from_static(hostile));
                assert_eq!(read(&malformed, NOW), Err(IncompleteCall { header: header.clone() }), "{hostile}");
            }
            let mut twice = complete.clone();
            twice.append(header.clone(), complete[&header].clone());
            assert!(read(&twice, NOW).is_err(), "{header}");
        }
    }

    #[test]
    fn our_own_header_is_believed_before_the_one_that_spin_overwrites() {
        let ours = GIVEN.replace("4bf9", "aaaa");
        let read = |pairs: &[_]| traceparent(&headers(pairs)).map(|trace| trace.trace_id());
        assert!(read(&[("traceparent", GIVEN), ("x-kowai-trace", &ours)]).unwrap().starts_with("aaaa"));
        assert!(read(&[("traceparent", GIVEN)]).unwrap().starts_with("4bf9"));
        assert_eq!(read(&[("traceparent", GIVEN), ("traceparent", GIVEN)]), None);
    }

    #[test]
    fn only_the_host_says_who_is_a_component() {
        assert!(is_chained(&headers(&[("spin-client-addr", "0.0.0.0:0")])));
        assert!(!is_chained(&headers(&[("spin-client-addr", "0.0.0.0:0"), ("spin-client-addr", "192.0.2.7:4711")])));
        assert!(!is_chained(&headers(&[("x-kowai-workspace", "ws_1")])));
    }

    #[test]
    fn what_a_client_says_in_our_name_is_gone() {
        let mut headers = headers(&[
            ("x-kowai-workspace", "ws_1"),
            ("x-kowai-workspace", "ws_2"),
            ("x-kowai-anything", "at all"),
            ("x-request-id", "a-1"),
        ]);
        strip(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id"]);
    }
}
