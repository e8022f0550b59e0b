//! `cargo xtask up`: from a fresh clone to a served application with an administrator.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{build, token, workspace};

/// How long the first start may take: the host compiles all components once and keeps the result.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// How the components are built.
    #[arg(long, value_enum, default_value_t)]
    profile: build::Profile,
    /// Serve what was built before.
    #[arg(long)]
    skip_build: bool,
    /// Further arguments of `spin up`, such as `--runtime-config-file runtime-config.toml`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds, serves, prints a token, and waits until the server ends.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if !arguments.skip_build {
        eprintln!("building the components (the first time takes some minutes)");
        build::components(arguments.profile)?;
    }
    let host = host()?;
    let administrator = token::Administrator::load_or_create()?;
    let mut server = Command::new(&host)
        .current_dir(workspace::root())
        .args(["up", "--from", "spin.toml", "--listen", &arguments.listen.to_string(), "--quiet"])
        .args(arguments.profile.of_spin())
        .args(&arguments.rest)
        .envs(administrator.variables())
        .spawn()
        .with_context(|| format!("{} does not start", host.display()))?;
    let base = format!("http://{}", arguments.listen);
    let greeted = wait_until_ready(&mut server, &base).and_then(|()| greet(&base, &administrator));
    if let Err(error) = greeted {
        // The first error is what the reader needs; the server may have ended by itself.
        let _ = server.kill();
        return Err(error);
    }
    // Ctrl-C reaches the server as it reaches us, so there is nothing to do but to wait for it.
    let status = server.wait()?;
    ensure!(status.success(), "the server ended with {status}");
    Ok(())
}

/// Spin, where it is installed, else the devhost.
pub(crate) fn host() -> Result<PathBuf> {
    match spin() {
        Some(spin) => Ok(spin),
        None => {
            eprintln!("spin is not installed: building the devhost, which takes its place");
            build::devhost()
        }
    }
}

/// Where Spin is: `SPIN_BIN`, or on the PATH.
pub(crate) fn spin() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SPIN_BIN") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("spin")).find(answers_as_spin)
}

/// Another program is called `spin` too: a model checker.
fn answers_as_spin(program: &PathBuf) -> bool {
    program.is_file()
        && Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("spin "))
}

fn wait_until_ready(server: &mut Child, base: &str) -> Result<()> {
    let begun = Instant::now();
    let agent = token::agent();
    loop {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended with {status}");
        }
        if agent.get(format!("{base}/health/ready")).call().is_ok_and(|response| response.status() == 200) {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "the server is not ready after {} s: see {base}/health/ready",
            PATIENCE.as_secs()
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn greet(base: &str, administrator: &token::Administrator) -> Result<()> {
    let token = administrator.sign_in(base)?;
    println!(
        "\nKowAI is served at {base}\n\n  export KOWAI={base}\n  export TOKEN={token}\n\n\
         The token is valid for 15 minutes; `cargo xtask token` prints another. Ctrl-C stops the server."
    );
    Ok(())
}
