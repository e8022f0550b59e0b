//! The command line: the flags of `spin up` that KowAI uses, under the same names, and our own (`--strict`, `--passages`, `--fault`).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};

use crate::faults::Fault;

/// Runs a spin.toml on wasmtime as Spin would.
///
/// A stand-in for `spin` for those without it and for tests; see each command's help.
#[derive(Debug, Parser)]
#[command(name = "devhost", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the devhost.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the application over HTTP until SIGINT or SIGTERM.
    ///
    /// On either signal the devhost stops accepting, gives the requests in flight up to ten seconds, and exits; Spin would
    /// drop them at once. After SIGKILL exactly that is lost which Spin would lose.
    Up(Up),
}

/// Flags of `devhost up`. Those of `spin up` have Spin's names, environment variables and defaults.
#[derive(Debug, Args)]
pub struct Up {
    /// The manifest, or the directory that holds it as spin.toml.
    #[arg(short, long, visible_aliases = ["file", "from-file"], default_value = "spin.toml")]
    pub from: PathBuf,

    /// The build profile to run, as components define it. Default: the one without a name, usually the release build.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// Address and port to serve on.
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,

    /// Takes the next free port (ten tries) when the port is in use.
    #[arg(long)]
    pub find_free_port: bool,

    /// Where the default databases and logs live; empty for none (everything in memory). Default: .spin beside the manifest.
    #[arg(long)]
    pub state_dir: Option<String>,

    /// Where <component>_stdout.txt and _stderr.txt are written; empty for none. Default: logs in the state directory.
    #[arg(short = 'L', long)]
    pub log_dir: Option<String>,

    /// Variable providers, key-value stores, databases and TLS roots.
    #[arg(long, env = "RUNTIME_CONFIG_FILE")]
    pub runtime_config_file: Option<PathBuf>,

    /// A variable: name=value, name=@file, or @file.json / @file.toml with several.
    #[arg(long)]
    pub variable: Vec<String>,

    /// Requests that an instance serves before it is replaced.
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub max_instance_reuse_count: usize,

    /// Requests that an instance serves at the same time.
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub max_instance_concurrent_reuse_count: usize,

    /// How long an instance without work is kept.
    #[arg(long, default_value = "1s", value_parser = parse_duration, value_name = "TIME")]
    pub idle_instance_timeout: Duration,

    /// How long a request may take until its headers, and an instance to finish work after its last response.
    #[arg(long, value_parser = parse_duration, value_name = "TIME")]
    pub request_timeout: Option<Duration>,

    /// Does not use the compile cache.
    #[arg(long, env = "DISABLE_WASMTIME_CACHE", value_parser = BoolishValueParser::new(), conflicts_with = "cache")]
    pub disable_cache: bool,

    /// Wasmtime's cache configuration file. Default: wasmtime's own (~/.cache/wasmtime).
    #[arg(long, env = "WASMTIME_CACHE_FILE")]
    pub cache: Option<PathBuf>,

    /// Keeps the components' output out of the terminal.
    #[arg(short, long)]
    pub quiet: bool,

    /// Fails loudly where Spin would hang or panic: reports it on stderr, traps the instance, and exits with 3 in the end.
    ///
    /// Watched for: a MySQL connection dropped while the instance opens another; an unknown parameter in a MySQL URL; a
    /// statement that waits ten seconds for a connection whose rows nobody reads; any trap of a component, such as a wake
    /// across requests.
    #[arg(long)]
    pub strict: bool,

    /// Counts how often each component is entered and calls its host, and keeps the counts in this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub passages: Option<PathBuf>,

    /// Injects a fault; repeatable.
    ///
    /// kill-instance-after=N: an instance dies, with all its requests, while it serves its Nth request;
    /// fresh-instances: every request gets an instance of its own;
    /// host-latency-ms=K: every call of a host interface takes K ms longer;
    /// drop-database-every=N: before every Nth MySQL statement of the process its connection is cut by the server.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<Fault>,
}

/// Parses what Spin accepts as a duration: a whole number and one of ms, s, m, h, d.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("`{text}` does not start with a whole number"))?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("`{unit}` is none of ms, s, m, h, d")),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_spins_units() {
        for (text, ms) in [("500ms", 500), ("1s", 1_000), ("2m", 120_000), ("1h", 3_600_000), ("30", 30_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert!(parse_duration("1 s").is_err());
        assert!(parse_duration("s").is_err());
    }

    #[test]
    fn the_defaults_are_spins() {
        let Options { command: Command::Up(up) } = Options::parse_from(["devhost", "up"]);
        assert_eq!((up.max_instance_reuse_count, up.max_instance_concurrent_reuse_count), (128, 16));
        assert_eq!((up.idle_instance_timeout, up.request_timeout), (Duration::from_secs(1), None));
    }
}
