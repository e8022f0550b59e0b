//! A Redis of our own: in a folder of its own, on a port of its own, gone when it is dropped.

use std::{
    fs::{self, File},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;

use crate::{mariadb::free_port, program};

/// How long the server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A private Redis server that keeps everything in memory.
pub struct Redis {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl Redis {
    /// Starts a new, empty server. Redis is installed first where that is possible.
    pub fn start() -> Result<Self> {
        program::ensure_installed("Redis", &[&["redis-server", "valkey-server"]], &["redis-server"])?;
        let folder = tempfile::Builder::new().prefix("kowai-redis-").tempdir()?;
        let port = free_port()?;
        let log = File::create(folder.path().join("server.log"))?;
        let server = Command::new(program::first_of(&["redis-server", "valkey-server"])?)
            .current_dir(folder.path())
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut redis = Self { folder, port, server };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = redis.server.try_wait()? {
                bail!("Redis ended with {status}: {}", redis.log());
            }
            ensure!(begun.elapsed() < PATIENCE, "Redis does not start: {}", redis.log());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    /// The address of its database 0.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server without a warning, and all its data with it.
    pub fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been killed by the test.
        let _ = self.kill();
    }
}
