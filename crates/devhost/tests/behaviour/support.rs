//! A devhost that runs the fixtures, and a client of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Response};
use serde_json::Value;
use tempfile::TempDir;

const DEVHOST: &str = env!("CARGO_BIN_EXE_devhost");
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of the compiled fixtures, which are compiled on first use, beside the devhost under test.
static FIXTURES: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(DEVHOST).ancestors().nth(2).expect("the binary is in target/<profile>").to_owned();
    let packages = ["probe-fixture", "greeter-fixture", "greeting-fixture"];
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--target", "wasm32-wasip2", "--profile", "component"])
        .args(packages.iter().flat_map(|package| ["-p", package]))
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs, for it runs this test");
    assert!(status.success(), "the fixtures cannot be compiled");
    target.join("wasm32-wasip2/component")
});

/// A running devhost with a state directory of its own.
pub(crate) struct Devhost {
    child: Child,
    base: String,
    client: Client,
    pub(crate) folder: TempDir,
    stderr: Arc<Mutex<String>>,
}

impl Devhost {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        Self::start_in(tempfile::tempdir()?, arguments)
    }

    /// Starts in a folder that may hold the state of an earlier run.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Result<Self> {
        Self::start_with(folder, arguments, &[])
    }

    /// Starts in a folder and with an environment.
    pub(crate) fn start_with(folder: TempDir, arguments: &[&str], environment: &[(&str, &Path)]) -> Result<Self> {
        let fixtures = FIXTURES.to_str().context("the path of the target folder is UTF-8")?;
        let manifest = folder.path().join("spin.toml");
        fs::write(&manifest, include_str!("spin.toml").replace("FIXTURES", fixtures))?;
        let mut child = Command::new(DEVHOST)
            .args(["up", "--quiet", "--listen", "127.0.0.1:0", "--from"])
            .arg(&manifest)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = Arc::new(Mutex::new(String::new()));
        collect(child.stderr.take().context("stderr is piped")?, stderr.clone());
        let mut stdout = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        let serving = stdout.find_map(|line| line.ok()?.strip_prefix("Serving ").map(str::to_owned));
        let Some(base) = serving else {
            child.wait()?;
            anyhow::bail!("the devhost did not start: {}", stderr.lock().expect("no reader panics"));
        };
        // Nobody reads the routes, but a full pipe would block the devhost.
        thread::spawn(move || stdout.for_each(drop));
        let client = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { child, base, client, folder, stderr })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response> {
        Ok(self.client.get(self.url(path)).send().await?)
    }

    /// What the probe answers to a GET.
    pub(crate) async fn probe(&self, path: &str) -> Result<Value> {
        let response = self.get(&format!("/probe/{path}")).await?;
        ensure!(response.status() == 200, "{path}: {}", response.status());
        Ok(response.json().await?)
    }

    /// What the probe answers to a POST.
    pub(crate) async fn ask(&self, path: &str, body: impl Into<String>) -> Result<Value> {
        let response = self.client.post(self.url(&format!("/probe/{path}"))).body(body.into()).send().await?;
        ensure!(response.status() == 200, "{path}: {}", response.status());
        Ok(response.json().await?)
    }

    /// What the devhost has written to its stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("no reader panics").clone()
    }

    /// Waits until the devhost's stderr holds a text.
    pub(crate) async fn says(&self, text: &str) -> Result<()> {
        until(|| async { Ok(self.stderr().contains(text)) })
            .await
            .with_context(|| format!("{text:?}: {}", self.stderr()))
    }

    pub(crate) fn log(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join(".spin/logs").join(name))?)
    }

    /// Tells the devhost to stop, as an operator would.
    pub(crate) fn terminate(&self) -> Result<()> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(sent.success(), "the devhost is gone already");
        Ok(())
    }

    /// Waits for the end of a devhost that was told to stop.
    pub(crate) async fn ends(&mut self) -> Result<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(begun.elapsed() < PATIENCE, "the devhost does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Devhost {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            into.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = Result<bool>>>(holds: impl Fn() -> F) -> Result<()> {
    let begun = Instant::now();
    while !holds().await? {
        ensure!(begun.elapsed() < PATIENCE, "it never happened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
