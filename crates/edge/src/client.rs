//! Where a request came from, as far as that can be known.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, header, request::Parts};

/// The longest user agent that is kept, in bytes.
const MAX_USER_AGENT_BYTES: usize = 200;

/// The client at the other end of the connection. An extractor that never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the TCP peer: the client, or the proxy in front of us.
    pub address: Option<IpAddr>,
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
        Self { address, user_agent }
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}
