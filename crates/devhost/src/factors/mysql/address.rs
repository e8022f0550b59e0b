//! Connection URLs.

use anyhow::Result;
use mysql_async::{Opts, OptsBuilder, SslOpts};
use url::Url;

/// What `mysql_async` understands in a URL (`docs/spin.md#opening-a-connection`). Spin panics over anything else.
const KNOWN_PARAMETERS: [&str; 23] = [
    "pool_min",
    "pool_max",
    "inactive_connection_ttl",
    "ttl_check_interval",
    "conn_ttl",
    "abs_conn_ttl",
    "abs_conn_ttl_jitter",
    "tcp_keepalive",
    "max_allowed_packet",
    "wait_timeout",
    "enable_cleartext_plugin",
    "reset_connection",
    "tcp_nodelay",
    "stmt_cache_size",
    "prefer_socket",
    "secure_auth",
    "client_found_rows",
    "socket",
    "compression",
    "require_ssl",
    "verify_ca",
    "verify_identity",
    "built_in_roots",
];

fn is_tls_parameter(name: &str) -> bool {
    name.eq_ignore_ascii_case("ssl-mode") || name.eq_ignore_ascii_case("sslmode")
}

/// The first parameter of the URL over which Spin would panic.
pub(super) fn unknown_parameter(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let mut names = url.query_pairs().map(|(name, _)| name);
    names.find(|name| !is_tls_parameter(name) && !KNOWN_PARAMETERS.contains(&&**name)).map(Into::into)
}

/// The options of a connection: those of the URL, and TLS if and only if it has an `ssl-mode` other than `disabled`.
///
/// # Panics
///
/// Like Spin when the URL has a parameter that is not known or has no valid value
/// (`docs/spin.md#opening-a-connection`).
pub(super) fn options(address: &str) -> Result<Opts> {
    let mut url = Url::parse(address)?;
    let (tls, others): (Vec<_>, Vec<_>) = url.query_pairs().into_owned().partition(|(name, _)| is_tls_parameter(name));
    let use_tls = tls.iter().any(|(_, mode)| !mode.eq_ignore_ascii_case("disabled"));
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(others);
    let options = OptsBuilder::from_opts(url.as_str());
    Ok(options.ssl_opts(use_tls.then(SslOpts::default)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ssl_mode_turns_tls_on() {
        for (query, tls) in [
            ("", false),
            ("?ssl-mode=DISABLED", false),
            ("?sslMode=VERIFY_CA", true),
            ("?SsLmOdE=required&pool_max=10", true),
            ("?require_ssl=true&prefer_socket=false", false),
        ] {
            let options = options(&format!("mysql://user:pass@127.0.0.1/db{query}")).unwrap();
            assert_eq!(options.ssl_opts().is_some(), tls, "{query}");
        }
    }

    #[test]
    fn unknown_parameters_are_those_over_which_spin_panics() {
        let url = |query: &str| format!("mysql://user:pass@127.0.0.1/db?{query}");
        assert_eq!(unknown_parameter(&url("prefer_socket=false&ssl-mode=disabled")), None);
        assert_eq!(unknown_parameter(&url("stmt_cache_size=1&charset=utf8mb4")).as_deref(), Some("charset"));
        assert!(std::panic::catch_unwind(|| options(&url("charset=utf8mb4"))).is_err());
    }
}
