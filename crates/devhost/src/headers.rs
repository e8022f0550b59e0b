//! What Spin does to a request before a component sees it (`docs/spin.md#headers-of-spin` and
//! `docs/spin.md#statuses-of-the-host`).

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Uri};

use crate::allow::CHAINING_SUFFIX;
use crate::route::Match;

/// Removes what concerns only the connection, and the `Host` of somebody outside who asks for a private component.
pub(crate) fn strip<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    let is_private = |host: &HeaderValue| {
        let host = host.to_str().unwrap_or_default();
        host.split(':').next().is_some_and(|name| name.ends_with(CHAINING_SUFFIX))
    };
    if headers.get(HOST).is_some_and(is_private) {
        headers.remove(HOST);
    }
    headers.remove(CONNECTION);
}

/// Makes the URI absolute. A request whose authority is missing or contradictory is an error, which closes its connection.
pub(crate) fn make_absolute<B>(request: &mut Request<B>, scheme: Scheme) -> Result<()> {
    let host = match request.headers().get(HOST) {
        None => None,
        Some(host) => {
            let host = host.to_str().context("'Host' header is not valid UTF-8")?;
            Some(host.parse::<Authority>().context("'Host' header contains an invalid authority")?)
        }
    };
    let mut parts = request.uri().clone().into_parts();
    parts.authority = Some(match (host, parts.authority.take()) {
        (None, None) => bail!("no 'Host' header present in request"),
        (Some(host), Some(authority)) if host != authority => {
            bail!("authority in 'Host' header does not match authority in URI")
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
    });
    parts.scheme = Some(scheme);
    *request.uri_mut() = Uri::from_parts(parts).context("the request's URI cannot be made absolute")?;
    Ok(())
}

/// Appends the `spin-*` headers. Appends: what a client sent under these names stays, and stays first
/// (`docs/spin.md#headers-of-spin`).
///
/// The URI must be absolute. A header value that is not UTF-8 is an error, which becomes a 500.
pub(crate) fn append_spin_headers<B>(request: &mut Request<B>, found: &Match<'_>, client: SocketAddr) -> Result<()> {
    for value in request.headers().values() {
        std::str::from_utf8(value.as_bytes())?;
    }
    let uri = request.uri();
    let host = request.headers().get(HOST).map_or("localhost", |h| h.to_str().unwrap_or("localhost"));
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let full_url = HeaderValue::try_from(format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http")))?;

    let headers = request.headers_mut();
    append(headers, "spin-path-info", &found.path_info)?;
    headers.append("spin-full-url", full_url);
    append(headers, "spin-matched-route", found.based_route)?;
    headers.append("spin-base-path", HeaderValue::from_static("/"));
    append(headers, "spin-raw-component-route", found.raw_route)?;
    append(headers, "spin-component-route", found.raw_route.strip_suffix("/...").unwrap_or(found.raw_route))?;
    append(headers, "spin-client-addr", &client.to_string())?;
    for (name, value) in &found.parameters {
        let name = format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase());
        headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
    }
    Ok(())
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<()> {
    headers.append(name, HeaderValue::from_str(value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 5000))
    }

    #[test]
    fn what_a_client_forges_stays_and_stays_first() {
        let mut request = Request::get("/v1/users/7?x=1")
            .header(HOST, "example.com")
            .header("spin-client-addr", "1.2.3.4")
            .body(())
            .unwrap();
        make_absolute(&mut request, Scheme::HTTP).unwrap();
        let found = Match {
            raw_route: "/v1/users/:user_id",
            based_route: "/v1/users/:user_id",
            path_info: "".into(),
            parameters: vec![("user_id".to_owned(), "7".to_owned())],
        };
        append_spin_headers(&mut request, &found, client()).unwrap();

        let values = |name| request.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(values("spin-client-addr"), ["1.2.3.4", "127.0.0.1:5000"]);
        assert_eq!(values("spin-path-match-user-id"), ["7"]);
        assert_eq!(values("spin-full-url"), ["http://example.com/v1/users/7?x=1"]);
        assert_eq!(values("spin-path-info"), [""]);
        assert_eq!(values("spin-matched-route"), ["/v1/users/:user_id"]);
        assert_eq!(values("spin-base-path"), ["/"]);
    }

    #[test]
    fn a_private_host_from_outside_has_no_authority() {
        let mut request = Request::get("/x").header(HOST, "llm.spin.internal").body(()).unwrap();
        strip(&mut request);
        let error = make_absolute(&mut request, Scheme::HTTP).unwrap_err().to_string();
        assert_eq!(error, "no 'Host' header present in request");
    }

    #[test]
    fn a_header_that_is_not_utf8_is_an_error() {
        let value = HeaderValue::from_bytes(b"\xff").unwrap();
        let mut request = Request::get("http://x/").header("x-name", value).body(()).unwrap();
        assert!(append_spin_headers(&mut request, &Match::chained("/"), client()).is_err());
    }
}
