//! Asking a provider once more, before it has said anything.
//!
//! A completion changes nothing at the provider but the bill, so it may be asked for again although it is a POST. Where a
//! connection was lost after the request was sent, the answer that nobody heard may have to be paid for as well: that is the
//! price of not failing for a kept connection that its provider had just closed, and at most two answers. Nothing is asked for
//! again once a byte of an answer was handed on.

use std::time::Duration;

use host::HttpError;
use http::{HeaderMap, HeaderName, StatusCode, header::RETRY_AFTER};
use ids::Timestamp;
use jiff::{civil, fmt::strtime};

/// How often a provider is asked again, at most.
const MOST_RETRIES: u32 = 2;

/// The longest pause before the first retry; the next one may be twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// After this nobody is kept waiting for another attempt; who asked is told how long the provider wants to be left alone.
const RETRIES_WITHIN: Duration = Duration::from_secs(15);

/// The shortest wait that is told of, in milliseconds: `Retry-After` has whole seconds, and 0 would mean at once.
const SHORTEST_WAIT_MS: f64 = 1.0;

/// The longest wait that is believed, in milliseconds: a day, after which the strictest quotas begin anew.
const LONGEST_WAIT_MS: f64 = 86_400_000.0;

/// How long to pause before a provider that has failed `failures` times is asked again; none where it is not.
///
/// The pause is what the provider asks for, if it does, and on top a random part of a limit that doubles each time (full jitter:
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), so that those who failed together do not
/// come back together. `elapsed` of `limit` is over; `random` is any number.
pub(crate) fn pause(
    failures: u32,
    asked_ms: Option<u64>,
    elapsed: Duration,
    limit: Duration,
    random: u32,
) -> Option<Duration> {
    if failures > MOST_RETRIES {
        return None;
    }
    let ceiling = FIRST_PAUSE * 2_u32.pow(failures.saturating_sub(1));
    let jitter = ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX));
    let pause = Duration::from_millis(asked_ms.unwrap_or(0)) + jitter;
    (elapsed + pause < limit.min(RETRIES_WITHIN)).then_some(pause)
}

/// True where another attempt may do what this one did not. The provider's own word counts first: OpenAI's `x-should-retry`.
pub(crate) fn may_pass(status: StatusCode, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        Some(b"false") => false,
        Some(b"true") => true,
        _ => matches!(status.as_u16(), 408 | 409 | 429 | 502 | 503 | 504),
    }
}

/// True where no connection was made, or one was lost without a byte of an answer: the provider may have closed it just when
/// the request was sent.
pub(crate) fn may_pass_without_answer(error: &HttpError) -> bool {
    matches!(error, HttpError::Connection { .. })
}

/// How long the provider wants to be left alone, in milliseconds: `retry-after-ms` (OpenAI), or `Retry-After` in seconds or as a
/// date (RFC 9110, section 10.2.3), which is read by our clock.
///
/// What is less than a wait, or no number, is the shortest one: the provider does want us to wait. What is endless is a day.
pub(crate) fn wait_ms(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let in_ms = text(HeaderName::from_static("retry-after-ms")).and_then(number);
    let ms = in_ms.or_else(|| {
        let text = text(RETRY_AFTER)?;
        number(text).map(|seconds| seconds * 1000.0).or_else(|| Some((date_ms(text)? - now.as_millis()) as f64))
    })?;
    let ms = if ms.is_nan() { SHORTEST_WAIT_MS } else { ms.ceil() };
    Some(ms.clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS) as u64)
}

/// A date as HTTP writes it, in milliseconds since the epoch: as everybody does, and in the two forms that are only read
/// (RFC 9110, section 5.6.7).
fn date_ms(text: &str) -> Option<i64> {
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let date = forms.iter().find_map(|form| strtime::parse(form, text).ok()?.to_datetime().ok())?;
    let since_epoch = date.duration_since(civil::date(1970, 1, 1).to_datetime(civil::Time::midnight()));
    i64::try_from(since_epoch.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_wait_is_read_in_every_form_and_bounded() {
        // 2025-11-24T16:00:00Z, a Monday.
        let now = Timestamp::from_millis(1_764_000_000_000);
        for (value, expected) in [
            ("7", Some(7_000)),
            (" 7 ", Some(7_000)),
            ("0.25", Some(250)),
            ("0", Some(1)),
            ("-5", Some(1)),
            ("NaN", Some(1)),
            ("-inf", Some(1)),
            ("inf", Some(86_400_000)),
            ("1e300", Some(86_400_000)),
            ("99999999999", Some(86_400_000)),
            ("Mon, 24 Nov 2025 16:00:07 GMT", Some(7_000)),
            ("Monday, 24-Nov-25 16:00:07 GMT", Some(7_000)),
            ("Mon Nov 24 16:00:07 2025", Some(7_000)),
            ("Mon, 24 Nov 2025 15:59:59 GMT", Some(1)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400_000)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(wait_ms(&headers(&[("retry-after", value)]), now), expected, "{value:?}");
        }
        for (pairs, expected) in [
            (&[("retry-after", "7"), ("retry-after-ms", "6500")][..], Some(6_500)),
            (&[("retry-after", "7"), ("retry-after-ms", "soon")], Some(7_000)),
            (&[("retry-after-ms", "0")], Some(1)),
            (&[], None),
        ] {
            assert_eq!(wait_ms(&headers(pairs), now), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_failure_that_may_pass_is_told_from_one_that_stays() {
        for status in [408, 409, 429, 502, 503, 504] {
            assert!(may_pass(StatusCode::from_u16(status).unwrap(), &headers(&[])), "{status}");
            assert!(!may_pass(StatusCode::from_u16(status).unwrap(), &headers(&[("x-should-retry", "false")])));
        }
        for status in [302, 400, 401, 404, 413, 422, 500, 501, 529] {
            assert!(!may_pass(StatusCode::from_u16(status).unwrap(), &headers(&[])), "{status}");
        }
        assert!(may_pass(StatusCode::INTERNAL_SERVER_ERROR, &headers(&[("x-should-retry", "true")])));
        assert!(may_pass_without_answer(&HttpError::Connection { sent: true, reason: String::new() }));
        assert!(!may_pass_without_answer(&HttpError::Timeout { limit_ms: 1 }));
    }

    #[test]
    fn pauses_grow_and_are_random_and_two() {
        let pause = |failures, random| pause(failures, None, Duration::ZERO, Duration::from_secs(60), random);
        assert_eq!(pause(1, 0), Some(Duration::ZERO));
        assert_eq!(pause(1, u32::MAX), Some(Duration::from_millis(250)));
        assert_eq!(pause(2, u32::MAX), Some(Duration::from_millis(500)));
        assert!(pause(2, u32::MAX / 2).unwrap() < Duration::from_millis(251));
        assert_eq!(pause(3, 0), None);
    }

    #[test]
    fn a_provider_is_left_alone_as_long_as_it_asks_or_not_asked_again() {
        let seconds = Duration::from_secs;
        assert_eq!(pause(1, Some(6_500), Duration::ZERO, seconds(60), 0), Some(Duration::from_millis(6_500)));
        assert_eq!(pause(1, Some(6_500), seconds(10), seconds(60), 0), None, "15 s are all");
        assert_eq!(pause(1, Some(6_500), Duration::ZERO, seconds(6), 0), None, "the deadline comes first");
        assert_eq!(pause(1, Some(86_400_000), Duration::ZERO, seconds(600), 0), None);
    }
}
