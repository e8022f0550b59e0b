//! Headers that tell browsers to keep their hands off (OWASP REST Security and HTTP Headers cheat sheets).

use http::{HeaderMap, HeaderName, HeaderValue, header};

const PERMISSIVE_TO_NOBODY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Adds what is not there yet.
pub(crate) fn add(headers: &mut HeaderMap, came_by_tls: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(PERMISSIVE_TO_NOBODY);
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Answers hold tokens and private data, so that nobody keeps them who is not told to. One with a tag may be kept by
        // its reader, who asks each time whether it still holds.
        let tagged = headers.contains_key(header::ETAG);
        let value = HeaderValue::from_static(if tagged { "private, no-cache" } else { "no-store" });
        headers.insert(header::CACHE_CONTROL, value);
    }
    if came_by_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
}

/// True where the client came by TLS: to Spin, or to the proxy in front of it. A client that lies about it only tells
/// itself to use TLS.
pub(crate) fn came_by_tls(headers: &HeaderMap) -> bool {
    // Spin appends its own value after whatever the client sent (`docs/spin.md#headers-of-spin`).
    let full_url = headers.get_all(HeaderName::from_static("spin-full-url")).iter().next_back();
    let forwarded = headers.get(HeaderName::from_static("x-forwarded-proto"));
    full_url.is_some_and(|url| url.as_bytes().starts_with(b"https://"))
        || forwarded.is_some_and(|proto| proto.as_bytes() == b"https")
}
