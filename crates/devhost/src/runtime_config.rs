//! The part of Spin's runtime configuration file that the devhost understands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A `runtime-config.toml`; an absent file is an empty one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuntimeConfig {
    /// Where the state lives unless the command line says so.
    pub(crate) state_dir: Option<String>,
    /// Where the logs go unless the command line says so.
    pub(crate) log_dir: Option<String>,
    /// Providers between the command line and the environment.
    #[serde(default, alias = "config_provider", rename = "variables_provider")]
    pub(crate) variables_providers: Vec<VariablesProvider>,
    /// Key-value stores by label.
    #[serde(default)]
    pub(crate) key_value_store: BTreeMap<String, KeyValueStore>,
    /// SQLite databases by label.
    #[serde(default)]
    pub(crate) sqlite_database: BTreeMap<String, SqliteDatabase>,
    /// The outbound HTTP client.
    pub(crate) outbound_http: Option<OutboundHttp>,
    /// What TLS connections trust.
    #[serde(default)]
    pub(crate) client_tls: Vec<ClientTls>,
}

/// Where variables come from.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum VariablesProvider {
    /// The environment, under a prefix.
    Env {
        /// `SPIN_VARIABLE` when absent.
        prefix: Option<String>,
        /// A file of `NAME=value` lines.
        dotenv_path: Option<PathBuf>,
    },
    /// Values in the file itself.
    Static {
        /// Values by variable name.
        values: BTreeMap<String, String>,
    },
}

/// Where a key-value store is.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum KeyValueStore {
    /// A SQLite file, or memory.
    Spin {
        /// In memory when absent.
        path: Option<PathBuf>,
    },
    /// A Redis server.
    Redis {
        /// `redis://host:port/db`.
        url: String,
    },
}

/// Where a SQLite database is.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum SqliteDatabase {
    /// A file, or memory of its own for each connection.
    Spin {
        /// In memory when absent.
        path: Option<PathBuf>,
        /// Whether `ATTACH` may open files.
        #[serde(default)]
        allow_attach_file: bool,
    },
}

/// `[outbound_http]`. As in Spin, the table turns pooling off unless it says `connection_pooling = true`
/// (`docs/spin.md#outbound-http`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundHttp {
    /// Whether connections are kept for the next request.
    #[serde(default)]
    pub(crate) connection_pooling: bool,
}

/// One `[[client_tls]]`: whom TLS connections of these components to these hosts trust, and who they say they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTls {
    /// The components that it is for.
    pub(crate) component_ids: Vec<String>,
    /// The hosts that it is for, without ports.
    pub(crate) hosts: Vec<String>,
    ca_use_platform_roots: Option<bool>,
    ca_use_webpki_roots: Option<bool>,
    /// PEM certificates that are trusted.
    pub(crate) ca_roots_file: Option<PathBuf>,
    /// PEM certificates that are shown to the server, our own first.
    pub(crate) client_cert_file: Option<PathBuf>,
    /// The PEM key of the first of them.
    pub(crate) client_private_key_file: Option<PathBuf>,
}

impl ClientTls {
    /// Whether the system's roots are trusted: also where nothing at all is said.
    pub(crate) fn trusts_platform(&self) -> bool {
        let nothing_is_said = self.ca_use_webpki_roots.is_none() && self.ca_roots_file.is_none();
        self.ca_use_platform_roots.unwrap_or(nothing_is_said)
    }

    /// Whether Mozilla's roots are trusted.
    pub(crate) fn trusts_mozilla(&self) -> bool {
        self.ca_use_webpki_roots.unwrap_or(false)
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.component_ids.is_empty(), "'component_ids' list may not be empty");
        ensure!(!self.hosts.is_empty(), "'hosts' list may not be empty");
        ensure!(
            self.client_cert_file.is_some() == self.client_private_key_file.is_some(),
            "client_cert_file and client_private_key_file need each other"
        );
        Ok(())
    }
}

impl RuntimeConfig {
    /// Reads the file, if there is one to read. Relative paths of key-value stores and certificates are relative to the file;
    /// those of SQLite databases and of variables are relative to the working directory. So it is in Spin.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).with_context(|| format!("{} cannot be used", path.display()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        let stores = config.key_value_store.values_mut().filter_map(|store| match store {
            KeyValueStore::Spin { path } => path.as_mut(),
            KeyValueStore::Redis { .. } => None,
        });
        let certificates = config.client_tls.iter_mut().flat_map(|tls| {
            [&mut tls.ca_roots_file, &mut tls.client_cert_file, &mut tls.client_private_key_file].into_iter().flatten()
        });
        for path in stores.chain(certificates) {
            *path = folder.join(&path);
        }
        for tls in &config.client_tls {
            tls.check().context("failed to parse [[client_tls]] table")?;
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbound_http_table_turns_pooling_off() {
        let config: RuntimeConfig = toml::from_str("[outbound_http]\n").unwrap();
        assert!(!config.outbound_http.unwrap().connection_pooling);
    }

    #[test]
    fn stores_and_databases_have_their_types() {
        let config: RuntimeConfig = toml::from_str(
            "[key_value_store.cache]\ntype = \"redis\"\nurl = \"redis://127.0.0.1\"\n\
             [sqlite_database.default]\ntype = \"spin\"\npath = \"data.db\"\n\
             [[config_provider]]\ntype = \"static\"\nvalues = { name = \"value\" }\n",
        )
        .unwrap();
        assert!(matches!(config.key_value_store["cache"], KeyValueStore::Redis { .. }));
        assert!(matches!(config.variables_providers[0], VariablesProvider::Static { .. }));
        assert!(toml::from_str::<RuntimeConfig>("[sqlite_database.x]\ntype = \"libsql\"\n").is_err());
    }
    #[test]
    fn paths_are_relative_to_what_spin_takes_them_from() {
        let config = RuntimeConfig::parse(
            "[key_value_store.cache]\ntype = \"spin\"\npath = \"cache.db\"\n\
             [sqlite_database.default]\ntype = \"spin\"\npath = \"data.db\"\n\
             [[client_tls]]\ncomponent_ids = [\"a\"]\nhosts = [\"b\"]\nca_roots_file = \"/roots.pem\"\n\
             client_cert_file = \"a.pem\"\nclient_private_key_file = \"key.pem\"\n",
            Path::new("/etc/kowai"),
        )
        .unwrap();
        let KeyValueStore::Spin { path } = &config.key_value_store["cache"] else { panic!("not a file") };
        assert_eq!(path.as_deref(), Some(Path::new("/etc/kowai/cache.db")));
        let SqliteDatabase::Spin { path, .. } = &config.sqlite_database["default"];
        assert_eq!(path.as_deref(), Some(Path::new("data.db")));
        let tls = &config.client_tls[0];
        assert_eq!(tls.ca_roots_file.as_deref(), Some(Path::new("/roots.pem")));
        assert_eq!(tls.client_cert_file.as_deref(), Some(Path::new("/etc/kowai/a.pem")));
    }

    #[test]
    fn roots_are_the_systems_unless_others_are_named() {
        let with = |lines: &str| {
            let text = format!("[[client_tls]]\ncomponent_ids = [\"a\"]\nhosts = [\"b\"]\n{lines}");
            RuntimeConfig::parse(&text, Path::new("")).map(|config| config.client_tls[0].clone())
        };
        for (lines, platform, mozilla) in [
            ("", true, false),
            ("ca_roots_file = \"roots.pem\"", false, false),
            ("ca_use_webpki_roots = true", false, true),
            ("ca_use_platform_roots = true\nca_roots_file = \"roots.pem\"", true, false),
            ("ca_use_platform_roots = false\nca_use_webpki_roots = true", false, true),
        ] {
            let tls = with(lines).unwrap();
            assert_eq!((tls.trusts_platform(), tls.trusts_mozilla()), (platform, mozilla), "{lines}");
        }
        assert!(with("client_cert_file = \"a.pem\"").is_err());
    }
}
