//! Where a request came from, as far as that can be known.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, header, request::Parts};

/// The longest user agent that is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 200;

/// So many proxies may stand in front of us.
const MAX_PROXIES: usize = 10;

/// The client at the other end of the connection. An extractor that never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the TCP peer: the client, or the proxy in front of us.
    pub address: Option<IpAddr>,
    /// Whom proxies say that they forward for, the last proxy's word last: the last entries of `X-Forwarded-For`. Anybody can
    /// write the first ones, so it is believed as far back as there are proxies of ours.
    pub forwarded_for: Vec<IpAddr>,
    /// What it calls itself, printable and shortened.
    pub user_agent: Option<String>,
}

impl Client {
    fn of(headers: &HeaderMap) -> Self {
        // Spin appends its own value after whatever the client sent under this name, so only the last one is Spin's
        // (`docs/spin.md#headers-of-spin`).
        let peer = headers.get_all(HeaderName::from_static("spin-client-addr")).iter().next_back();
        let address = peer.and_then(|peer| peer.to_str().ok()?.parse::<SocketAddr>().ok()).map(|peer| peer.ip());
        let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent = user_agent.map(|name| name[..name.floor_char_boundary(MAX_USER_AGENT_BYTES)].to_owned());
        Self { address, forwarded_for: forwarded_for(headers), user_agent }
    }
}

/// The last addresses of `X-Forwarded-For`, oldest first. An entry that is no address ends the list, because what stands before
/// it cannot be counted.
fn forwarded_for(headers: &HeaderMap) -> Vec<IpAddr> {
    let lines = headers.get_all(HeaderName::from_static("x-forwarded-for")).iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or_default()).collect();
    let newest_first = lines.iter().rev().flat_map(|line| line.rsplit(',')).map(address_of);
    let mut addresses: Vec<IpAddr> = newest_first.map_while(|address| address).take(MAX_PROXIES).collect();
    addresses.reverse();
    addresses
}

/// An address as proxies write it: with a port, or without.
fn address_of(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let with_port = || text.parse::<SocketAddr>().ok().map(|peer| peer.ip());
    text.parse().ok().or_else(with_port)
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(lines: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        Client::of(&headers).forwarded_for.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn proxies_are_listed_the_last_one_last() {
        assert_eq!(
            forwarded(&["6.6.6.6, 192.0.2.7", "10.0.0.2:4711,[2001:db8::1]:80"]),
            ["6.6.6.6", "192.0.2.7", "10.0.0.2", "2001:db8::1"]
        );
        assert_eq!(forwarded(&["6.6.6.6, unknown, 192.0.2.7"]), ["192.0.2.7"]);
        assert_eq!(forwarded(&[&"6.6.6.6,".repeat(5000)]), Vec::<String>::new());
        assert_eq!(forwarded(&[&vec!["6.6.6.6"; 5000].join(",")]).len(), MAX_PROXIES);
    }
}
