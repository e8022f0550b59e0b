//! The part of Spin's runtime configuration file that the devhost understands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
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

/// `[outbound_http]`. As in Spin, the table turns pooling off unless it says `connection_pooling = true` (spin.md 3.5).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboundHttp {
    /// Whether connections are kept for the next request.
    #[serde(default)]
    pub(crate) connection_pooling: bool,
}

/// One `[[client_tls]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTls {
    /// The components that it is for.
    pub(crate) component_ids: Vec<String>,
    /// The hosts that it is for.
    pub(crate) hosts: Vec<String>,
    /// Whether the system's roots are trusted too.
    #[serde(default)]
    pub(crate) ca_use_platform_roots: bool,
    /// PEM certificates that are trusted.
    pub(crate) ca_roots_file: Option<PathBuf>,
}

impl RuntimeConfig {
    /// Reads the file, if there is one to read. Relative paths in it are relative to the working directory, as in Spin.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} cannot be used", path.display()))
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
}
