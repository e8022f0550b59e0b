//! A MariaDB of our own: in a folder of its own, on a port of its own, gone when it is dropped.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;

use crate::program;

/// How long the server may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The account of the tests. The server listens on the loopback interface only.
const ACCOUNT: &str = "kowai";

/// How to reach a MariaDB whose account of the tests may do everything.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    port: u16,
}

impl Access {
    /// The server that `KOWAI_TEST_MARIADB_URL` names, as `cargo xtask test` sets it.
    pub fn from_environment() -> Option<Self> {
        let url = std::env::var("KOWAI_TEST_MARIADB_URL").ok()?;
        let (_, authority) = url.split_once("@127.0.0.1:")?;
        authority.split('/').next()?.parse().ok().map(|port| Self { port })
    }

    /// What `allowed_outbound_hosts` has to grant.
    pub fn grant(self) -> String {
        format!("mysql://127.0.0.1:{}", self.port)
    }

    /// The address of the database `name`.
    pub fn url_of(self, name: &str) -> String {
        format!("mysql://{ACCOUNT}:{ACCOUNT}@127.0.0.1:{}/{name}", self.port)
    }

    /// The address of a new, empty database.
    pub fn new_database(self, name: &str) -> Result<String> {
        self.sql(&format!("DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4"))?;
        Ok(self.url_of(name))
    }

    /// Carries out statements and returns what they print, a row a line.
    pub fn sql(self, statements: &str) -> Result<String> {
        let port = format!("--port={}", self.port);
        let user = format!("--user={ACCOUNT}");
        execute(&["--host=127.0.0.1", "--protocol=tcp", &port, &user], ACCOUNT, statements)
    }
}

/// A private MariaDB server.
pub struct MariaDb {
    folder: TempDir,
    access: Access,
    arguments: Vec<String>,
    server: Option<Child>,
}

impl MariaDb {
    /// Makes a new server with an empty database `kowai` and starts it. MariaDB is installed first where that is possible.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// The same, with further arguments of `mariadbd`, such as `--ssl-cert=...`.
    pub fn start_with(arguments: &[String]) -> Result<Self> {
        ensure_installed()?;
        let folder = tempfile::Builder::new().prefix("kowai-mariadb-").tempdir()?;
        let access = Access { port: free_port()? };
        let mut server = Self { folder, access, arguments: arguments.to_vec(), server: None };
        server.initialise()?;
        server.resume()?;
        server.administer(&format!(
            "CREATE DATABASE kowai CHARACTER SET utf8mb4; \
             CREATE USER '{ACCOUNT}'@'127.0.0.1' IDENTIFIED BY '{ACCOUNT}'; \
             GRANT ALL ON *.* TO '{ACCOUNT}'@'127.0.0.1'"
        ))?;
        Ok(server)
    }

    /// How to reach it.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The address of the database `kowai`.
    pub fn url(&self) -> String {
        self.access.url_of("kowai")
    }

    /// Starts the server where it stands still, on the same port and the same data.
    pub fn resume(&mut self) -> Result<()> {
        if self.server.is_some() {
            return Ok(());
        }
        let log = File::create(self.folder.path().join("server.log"))?;
        let child = Command::new(program::first_of(&["mariadbd", "mysqld"])?)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--pid-file={}", self.folder.path().join("server.pid").display()))
            .args([format!("--port={}", self.access.port), "--bind-address=127.0.0.1".into(), user_argument()])
            .args(["--max-connections=2000", "--skip-name-resolve", "--innodb-buffer-pool-size=128M"])
            .args(["--character-set-server=utf8mb4", "--skip-log-bin", "--back-log=1000"])
            .args(&self.arguments)
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.server = Some(child);
        let begun = Instant::now();
        while self.administer("SELECT 1").is_err() {
            if let Some(status) = self.server.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("MariaDB ended with {status}: {}", self.log());
            }
            ensure!(begun.elapsed() < PATIENCE, "MariaDB does not start: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Stops the server as its operator would; its data stay.
    pub fn pause(&mut self) -> Result<()> {
        if self.server.is_none() {
            return Ok(());
        }
        self.administer("SHUTDOWN")?;
        let begun = Instant::now();
        while let Some(child) = self.server.as_mut() {
            if child.try_wait()?.is_some() {
                self.server = None;
            }
            ensure!(begun.elapsed() < PATIENCE, "MariaDB does not stop: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Kills the server without a warning; its data stay.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.server.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Carries out statements as the administrator, who comes in through the socket.
    fn administer(&self, statements: &str) -> Result<String> {
        let socket = format!("--socket={}", self.socket().display());
        execute(&["--protocol=socket", &socket, "--user=root"], "", statements)
    }

    fn initialise(&self) -> Result<()> {
        let output = Command::new(program::first_of(&["mariadb-install-db", "mysql_install_db"])?)
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db", &user_argument()])
            // A server that starts removes all temporary tables of its folder for them, also those of a server that runs.
            .env("TMPDIR", self.folder.path())
            .output()?;
        ensure!(output.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("server.sock")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // Nothing is left to report to: the folder goes with the server.
        let _ = self.kill();
    }
}

fn execute(connection: &[&str], password: &str, statements: &str) -> Result<String> {
    let output = Command::new(program::first_of(&["mariadb", "mysql"])?)
        .args(["--no-defaults", "--batch", "--skip-column-names"])
        .args(connection)
        .args(["--execute", statements])
        .env("MYSQL_PWD", password)
        .output()?;
    ensure!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A port that nobody listened on a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// MariaDB refuses to run as root unless it is told to.
fn user_argument() -> String {
    format!("--user={}", std::env::var("USER").unwrap_or_else(|_| "root".into()))
}

fn ensure_installed() -> Result<()> {
    let programs: [&[&str]; 2] = [&["mariadbd", "mysqld"], &["mariadb", "mysql"]];
    program::ensure_installed("MariaDB", &programs, &["mariadb-server", "mariadb-client"])
}
