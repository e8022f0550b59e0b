//! `allowed_outbound_hosts`: which connections a component may open (`docs/spin.md#outbound-grants`).

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use ip_network::IpNetwork;
use url::{Host, Url};

use crate::variables::{Template, Values};

/// The suffix of hosts that mean a component of the same application.
pub(crate) const CHAINING_SUFFIX: &str = ".spin.internal";

/// The list of one component; an empty list allows nothing.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct AllowedHosts(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    /// `None` for `*`.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Clone, Debug, PartialEq)]
enum HostPattern {
    Any,
    /// `.example.com` for `*.example.com`.
    Below(String),
    This,
    Exactly(Host),
    Network(IpNetwork),
}

#[derive(Clone, Debug, PartialEq)]
enum PortPattern {
    Any,
    Exactly(u16),
    /// Half open, as in Spin.
    Between(Range<u16>),
}

impl AllowedHosts {
    /// Reads the list, fills in templates, and drops entries that came out empty. `*.spin.internal` means the components
    /// that there are.
    pub(crate) fn parse(patterns: &[String], values: &Values, components: &[&str]) -> Result<Self> {
        let mut all = Vec::new();
        for text in patterns {
            let template = Template::parse(text)?;
            let text = template.render(values).with_context(|| format!("allowed outbound host {text:?}"))?;
            if !template.is_literal() && matches!(text.as_str(), "" | "http://" | "https://") {
                continue;
            }
            let pattern = Pattern::parse(&text).with_context(|| format!("{text:?} is no allowed outbound host"))?;
            match &pattern.host {
                HostPattern::Below(suffix) if suffix == CHAINING_SUFFIX => all.extend(components.iter().map(|id| {
                    let host = HostPattern::Exactly(Host::Domain(format!("{id}{CHAINING_SUFFIX}")));
                    Pattern { host, ..pattern.clone() }
                })),
                _ => all.push(pattern),
            }
        }
        Ok(Self(all))
    }

    /// Whether a connection to `url` is allowed; a URL without a scheme has `default_scheme`.
    pub(crate) fn allows(&self, url: &str, default_scheme: &str) -> bool {
        let url = match Url::parse(url) {
            Ok(url) if url.has_host() => url,
            _ => match Url::parse(&format!("{default_scheme}://{url}")) {
                Ok(url) => url,
                Err(_) => return false,
            },
        };
        // `Url` knows only the hosts of web schemes; `mysql://127.0.0.1` has to be read again to become an address.
        let Some(host) = url.host_str().and_then(|host| Host::parse(host).ok()) else { return false };
        let port = url.port().or_else(|| known_port(url.scheme()));
        self.0.iter().any(|pattern| {
            pattern.allows_scheme(url.scheme()) && pattern.host.allows(&host) && pattern.port.allows(port)
        })
    }

    /// Whether the component may call its own application by relative URLs.
    pub(crate) fn allows_self(&self) -> bool {
        self.0.iter().any(|pattern| {
            matches!(pattern.host, HostPattern::Any | HostPattern::This)
                && (pattern.allows_scheme("http") || pattern.allows_scheme("https"))
        })
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.trim().split_once("://").context("must be <scheme>://<host>[:<port>]")?;
        ensure!(scheme == "*" || scheme.chars().all(char::is_alphabetic), "a scheme is `*` or has only letters");
        let (host, port) = match rest.rsplit_once(':') {
            // The last colon may be one of an IPv6 address or network.
            Some((host, port)) if HostPattern::parse(rest).is_err() => (host, port.strip_suffix('/').unwrap_or(port)),
            _ => (rest, ""),
        };
        ensure!(!port.contains('/'), "must not include a path");
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostPattern::parse(host)?,
            port: PortPattern::parse(port, scheme)?,
        })
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_ref().is_none_or(|allowed| allowed == scheme)
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self> {
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::This),
            _ => {}
        }
        if let Ok(network) = IpNetwork::from_str_truncate(host) {
            return Ok(Self::Network(network));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        ensure!(!host.contains('/'), "must not include a path");
        if let Some(domain) = host.strip_prefix("*.") {
            ensure!(!domain.contains('*'), "a wildcard stands only for the first part of a host");
            let Host::Domain(domain) = Host::parse(domain)? else { bail!("a wildcard needs a domain") };
            return Ok(Self::Below(format!(".{domain}")));
        }
        ensure!(!host.contains('*'), "a wildcard stands only for the first part of a host");
        Ok(Self::Exactly(Host::parse(host)?))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Exactly(exact), host) => exact == host,
            (Self::Network(network), Host::Ipv4(ip)) => network.contains(*ip),
            (Self::Network(network), Host::Ipv6(ip)) => network.contains(*ip),
            (Self::Below(_) | Self::Network(_) | Self::This, _) => false,
        }
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str) -> Result<Self> {
        let number = |text: &str| text.parse().with_context(|| format!("port {text:?} is not a number"));
        match (port, port.split_once("..")) {
            ("*", _) => Ok(Self::Any),
            ("", _) => known_port(scheme)
                .map(Self::Exactly)
                .with_context(|| format!("the scheme {scheme:?} has no known port, so the port must be said")),
            (_, Some((start, end))) => Ok(Self::Between(number(start)?..number(end)?)),
            (_, None) => Ok(Self::Exactly(number(port)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Exactly(exact), Some(port)) => *exact == port,
            (Self::Between(range), Some(port)) => range.contains(&port),
            (_, None) => false,
        }
    }
}

fn known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(patterns: &[&str]) -> Result<AllowedHosts> {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        AllowedHosts::parse(&patterns, &Values::default(), &["llm", "chat"])
    }

    #[test]
    fn a_pattern_allows_what_it_says() {
        for (pattern, url, allowed) in [
            ("https://api.example.com", "https://api.example.com/v1", true),
            ("https://api.example.com", "https://api.example.com:443/v1", true),
            ("https://api.example.com", "https://api.example.com:8443/v1", false),
            ("https://api.example.com", "http://api.example.com/v1", false),
            ("https://api.example.com/", "https://api.example.com", true),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("*://*:*", "mysql://anything:1", true),
            ("*://10.0.0.0/8:*", "http://10.1.2.3:99", true),
            ("*://10.0.0.0/8:*", "http://11.1.2.3:99", false),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8001", true),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8002", false),
            ("mysql://127.0.0.1:3307", "mysql://user:p%40ss@127.0.0.1:3307/db?x=y", true),
            ("mysql://db", "mysql://user:pass@db/kowai", true),
            ("mysql://db", "mysql://user:pass@other/kowai", false),
            ("http://[::1]:3000", "http://[::1]:3000/x", true),
            ("http://*.spin.internal", "http://llm.spin.internal/x", true),
            ("http://*.spin.internal", "http://nobody.spin.internal/x", false),
            ("http://llm.spin.internal", "http://chat.spin.internal/x", false),
            ("http://self", "http://self/x", false),
        ] {
            assert_eq!(list(&[pattern]).unwrap().allows(url, "https"), allowed, "{pattern} {url}");
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        let none = list(&[]).unwrap();
        assert!(!none.allows("http://example.com", "https") && !none.allows_self());
        assert!(list(&["http://self"]).unwrap().allows_self());
        assert!(list(&["*://*:*"]).unwrap().allows_self());
    }

    #[test]
    fn what_is_no_pattern_is_an_error() {
        for pattern in ["*", "example.com", "http://example.com/path", "http://a:80/path", "tcp://host", "http://a*.b"]
        {
            assert!(list(&[pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn an_entry_whose_variable_is_empty_is_left_out() {
        let values: Values = crate::variables::values(&[("endpoint", ""), ("host", "db")]);
        let patterns = ["{{ endpoint }}".to_owned(), "mysql://{{ host }}".to_owned()];
        assert_eq!(AllowedHosts::parse(&patterns, &values, &[]).unwrap(), list(&["mysql://db"]).unwrap());
    }
}
