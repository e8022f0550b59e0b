//! `cargo xtask up`: from a fresh clone to a served application with an administrator.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use crate::{build, token, watch::Snapshot, workspace};

/// How long the first start may take: the host compiles all components once and keeps the result.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often `--watch` looks at the files.
const LOOK: Duration = Duration::from_millis(300);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// How the components are built.
    #[arg(long, value_enum, default_value_t = build::Profile::Local)]
    profile: build::Profile,
    /// Serve what was built before.
    #[arg(long, conflicts_with = "watch")]
    skip_build: bool,
    /// Build and start again whenever a file changes.
    #[arg(long)]
    watch: bool,
    /// Further arguments of `spin up`, such as `--runtime-config-file runtime-config.toml`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds, serves, prints a token, and waits until the server ends.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    let mut seen = Snapshot::take(&workspace::root())?;
    if !arguments.skip_build {
        eprintln!("building the components (the first time takes some minutes)");
        build::components(arguments.profile)?;
    }
    let host = host()?;
    let administrator = token::Administrator::load_or_create()?;
    let mut server = start(&host, arguments, &administrator)?;
    greet(arguments, &administrator, begun)?;
    if !arguments.watch {
        // Ctrl-C reaches the server as it reaches us, so there is nothing to do but to wait for it.
        let status = server.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        return Ok(());
    }
    loop {
        seen = wait_for_change(seen)?;
        let changed = Instant::now();
        if let Err(error) = build::components(arguments.profile) {
            eprintln!("{error:#}\nwhat was built before is still served");
            continue;
        }
        stop(&mut server)?;
        match start(&host, arguments, &administrator) {
            Ok(started) => {
                server = started;
                eprintln!("served again after {:.1} s", changed.elapsed().as_secs_f64());
            }
            Err(error) => eprintln!("{error:#}\nwaiting for the next change"),
        }
    }
}

/// Starts the server and waits until it is ready.
fn start(host: &Path, arguments: &Arguments, administrator: &token::Administrator) -> Result<Child> {
    let mut server = Command::new(host)
        .current_dir(workspace::root())
        .args(["up", "--from", "spin.toml", "--listen", &arguments.listen.to_string(), "--quiet"])
        .args(arguments.profile.of_spin())
        .args(&arguments.rest)
        .envs(administrator.variables())
        .envs(token::auth_secret()?)
        .spawn()
        .with_context(|| format!("{} does not start", host.display()))?;
    if let Err(error) = wait_until_ready(&mut server, &base(arguments)) {
        // The first error is what the reader needs; the server may have ended by itself.
        let _ = stop(&mut server);
        return Err(error);
    }
    Ok(server)
}

/// Ends the server. Spin serves from a child process, so that killing it would leave that one behind.
fn stop(server: &mut Child) -> Result<()> {
    if server.try_wait()?.is_none() {
        let id = server.id().to_string();
        let shell = workspace::shell()?;
        cmd!(shell, "kill -TERM {id}").quiet().run()?;
        server.wait()?;
    }
    Ok(())
}

/// Waits until a file differs from what was seen.
fn wait_for_change(seen: Snapshot) -> Result<Snapshot> {
    loop {
        thread::sleep(LOOK);
        let now = Snapshot::take(&workspace::root())?;
        if now != seen {
            return Ok(now);
        }
    }
}

/// Where the application is served.
fn base(arguments: &Arguments) -> String {
    format!("http://{}", arguments.listen)
}

/// Spin, where it is installed, else the devhost.
pub(crate) fn host() -> Result<PathBuf> {
    match spin() {
        Some(spin) => Ok(spin),
        None => {
            eprintln!(
                "spin is not installed (https://spinframework.dev/install): building the devhost, which takes its place \
                 (the first time takes some minutes)"
            );
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

fn greet(arguments: &Arguments, administrator: &token::Administrator, begun: Instant) -> Result<()> {
    let base = base(arguments);
    let token = administrator.sign_in(&base)?;
    let registration = token::registration(&base)?;
    let watching = if arguments.watch { "Changes are built and served. " } else { "" };
    println!(
        "\nKowAI is served at {base} (after {} s)\n\n  export KOWAI={base}\n  export TOKEN={token}\n\n\
         {watching}The token is valid for 15 minutes; `cargo xtask token` prints another. Ctrl-C stops the server.\n{registration}",
        begun.elapsed().as_secs()
    );
    Ok(())
}
