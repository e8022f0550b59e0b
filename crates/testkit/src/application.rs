//! The application, served by the devhost or by Spin, with a folder and a database of its own.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    client::Client,
    manifest,
    mariadb::{Access, free_port},
    reports,
};

/// How long a start may take on a busy machine whose compile cache is empty.
const PATIENCE: Duration = Duration::from_secs(180);

/// What signs tokens where the database must not keep it. Every application of a test has the same, so that several share users.
const AUTH_SECRET: &str = "a secret of tests, which is longer than thirty-two bytes";

/// Where an application keeps its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Database {
    /// What `KOWAI_TEST_DATABASE` says: `mariadb`, a fresh database of the server in `KOWAI_TEST_MARIADB_URL`; else SQLite.
    #[default]
    Chosen,
    /// This MariaDB.
    MariaDb {
        /// The address.
        url: String,
        /// What `allowed_outbound_hosts` has to grant.
        grant: String,
    },
}

/// What is special about an application.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where it keeps its data.
    pub database: Database,
    /// Settings, without `SPIN_VARIABLE_` and in lower case.
    pub variables: BTreeMap<String, String>,
    /// Arguments of `up`, beside those that every application gets.
    pub arguments: Vec<String>,
}

impl Setup {
    /// With the setting `name` at `value`.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// With further arguments of `up`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// On this database.
    pub fn on(mut self, access: Access, name: &str) -> Result<Self> {
        self.database = Database::MariaDb { url: access.new_database(name)?, grant: access.grant() };
        Ok(self)
    }
}

/// A running application. Dropping it kills it, and fails the test when the devhost's strict mode has reported anything that
/// the test did not expect: what would have hung or panicked Spin.
pub struct Application {
    setup: Setup,
    folder: TempDir,
    manifest: PathBuf,
    port: u16,
    server: Option<Child>,
    expected_reports: Vec<String>,
}

impl Application {
    /// Starts the application as it comes.
    pub async fn start() -> Result<Self> {
        Self::start_with(Setup::default()).await
    }

    /// Starts the application with what is special about it.
    pub async fn start_with(mut setup: Setup) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("kowai-application-").tempdir()?;
        choose_database(&mut setup)?;
        if let Database::MariaDb { url, grant } = setup.database.clone() {
            setup = setup.variable("database_url", url).variable("database_host", grant);
            setup.variables.entry("auth_secret".to_owned()).or_insert_with(|| AUTH_SECRET.to_owned());
        }
        // Tests open accounts, with whatever database and provider; a test of the default sets it empty.
        setup.variables.entry("registration".to_owned()).or_insert_with(|| "open".to_owned());
        let manifest = manifest::write(folder.path())?;
        let port = free_port()?;
        let mut application = Self { setup, folder, manifest, port, server: None, expected_reports: Vec::new() };
        application.resume().await?;
        Ok(application)
    }

    /// Where it is served: `http://127.0.0.1:40123`.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Somebody who has not signed in.
    pub fn client(&self) -> Client {
        Client::new(self.base())
    }

    /// Somebody who has just registered, signed in.
    pub async fn user(&self, name: &str) -> Result<Client> {
        self.client().registered(name).await
    }

    /// Starts the host again where it was killed or stopped, with the same data on the same port.
    pub async fn resume(&mut self) -> Result<()> {
        if self.server.is_some() {
            return Ok(());
        }
        self.server = Some(self.spawn()?);
        self.wait_until_live().await
    }

    /// Stops the host and starts it again with other arguments of `up`, such as faults, in place of those it was set up with.
    pub async fn restart_with(&mut self, arguments: &[&str]) -> Result<()> {
        self.stop()?;
        self.setup.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.resume().await
    }

    /// Kills the host as the kernel would: at once, whatever it is doing.
    pub fn kill(&mut self) -> Result<()> {
        self.end("KILL")
    }

    /// Asks the host to stop and waits until it has.
    pub fn stop(&mut self) -> Result<()> {
        self.end("TERM")
    }

    /// Everything that components wrote to their logs.
    pub fn logs(&self) -> Result<String> {
        let mut text = String::new();
        for entry in fs::read_dir(self.folder.path().join("logs"))? {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry?.path())?));
        }
        Ok(text)
    }

    /// What the host itself said.
    pub fn host_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default()
    }

    /// Waits until the strict mode has reported something that contains `text`; such a report then fails no test. Spin has
    /// no strict mode: there is nothing to wait for.
    pub async fn expect_report(&mut self, text: &str) -> Result<()> {
        self.expected_reports.push(text.to_owned());
        let begun = Instant::now();
        while host_is_devhost() && !reports::all(&self.host_log()).iter().any(|report| report.contains(text)) {
            ensure!(begun.elapsed() < PATIENCE, "{text:?} is not reported: {}", self.host_log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The process id of the host that serves; with Spin it is a child of the process that was started.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    fn spawn(&self) -> Result<Child> {
        let folder = self.folder.path();
        let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("host.log"))?;
        let mut command = Command::new(host());
        command
            .current_dir(folder)
            .args(["up", "--from"])
            .arg(&self.manifest)
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--state-dir")
            .arg(folder.join("state"))
            .arg("--log-dir")
            .arg(folder.join("logs"))
            .arg("--quiet")
            .args(host_arguments())
            .args(&self.setup.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        for (name, value) in &self.setup.variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        // Spin serves from a child process: the whole group has to be reached by a signal.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().with_context(|| format!("{} does not start", host().display()))
    }

    async fn wait_until_live(&mut self) -> Result<()> {
        let begun = Instant::now();
        let client = self.client();
        loop {
            if let Some(status) = self.server.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("the host ended with {status}: {}", self.host_log());
            }
            if client.get("/health/live").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the application does not start: {}", self.host_log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn end(&mut self, signal: &str) -> Result<()> {
        let Some(mut child) = self.server.take() else { return Ok(()) };
        let group = format!("-{}", child.id());
        let sent = Command::new("kill").args([&format!("-{signal}"), "--", &group]).status()?;
        ensure!(sent.success(), "the host could not be sent {signal}");
        let begun = Instant::now();
        while child.try_wait()?.is_none() || group_is_alive(&group) {
            ensure!(begun.elapsed() < PATIENCE, "the host does not end on {signal}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // Nothing is left to report to; what was to be found out has been asserted.
        let _ = self.kill();
        let mut reports = reports::all(&self.host_log());
        reports.retain(|report| !self.expected_reports.iter().any(|expected| report.contains(expected)));
        match reports.join("\n") {
            none if none.is_empty() => {}
            // A second panic would abort the process, and the test fails already.
            reports if std::thread::panicking() => eprintln!("Spin would have hung or panicked:\n{reports}"),
            reports => panic!("Spin would have hung or panicked:\n{reports}"),
        }
    }
}

fn group_is_alive(group: &str) -> bool {
    Command::new("kill").args(["-0", "--", group]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn choose_database(setup: &mut Setup) -> Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let wants_mariadb = std::env::var("KOWAI_TEST_DATABASE").is_ok_and(|chosen| chosen == "mariadb");
    if setup.database != Database::Chosen || !wants_mariadb {
        return Ok(());
    }
    let access = Access::from_environment().context("KOWAI_TEST_MARIADB_URL is not set: run `cargo xtask test`")?;
    let name = format!("kowai_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    setup.database = Database::MariaDb { url: access.new_database(&name)?, grant: access.grant() };
    Ok(())
}

/// The program that serves: `KOWAI_TEST_HOST`, else Spin where `SPIN_BIN` names it, else the devhost.
fn host() -> PathBuf {
    let named = std::env::var_os("KOWAI_TEST_HOST").or_else(|| std::env::var_os("SPIN_BIN"));
    named.map_or_else(|| manifest::target_folder().join("local/devhost"), PathBuf::from)
}

/// True where the devhost serves, which can do what Spin cannot: faults on purpose.
pub fn host_is_devhost() -> bool {
    host().file_name() == Some(Path::new("devhost").as_os_str())
}

/// What `KOWAI_TEST_HOST_ARGUMENTS` says; where it is not set, the strict mode of a host that has one.
fn host_arguments() -> Vec<String> {
    match std::env::var("KOWAI_TEST_HOST_ARGUMENTS") {
        Ok(given) => given.split_whitespace().map(str::to_owned).collect(),
        Err(_) if host_is_devhost() => vec!["--strict".to_owned()],
        Err(_) => Vec::new(),
    }
}
