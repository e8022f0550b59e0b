//! Where the components' output goes: a file for each component and stream, as Spin names them, and the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// How much of the end of a component's stderr is kept to explain a trap.
const TAIL_BYTES: usize = 512;

/// The output streams of one component, shared by its instances.
pub(crate) struct Logs {
    pub(crate) stdout: Log,
    pub(crate) stderr: Log,
}

/// One output stream. Clones write to the same places.
///
/// Lines are written where they arise, with one `write` to a file opened for appending: no lock, no buffer that a kill
/// would lose, no fsync.
#[derive(Clone)]
pub(crate) struct Log(Arc<Sinks>);

struct Sinks {
    file: Option<File>,
    terminal: Option<Terminal>,
    tail: Option<Mutex<Vec<u8>>>,
}

#[derive(Clone, Copy)]
enum Terminal {
    Stdout,
    Stderr,
}

impl Logs {
    /// Opens the files of component `id` in `directory`; without one, output goes to the terminal's stderr alone, as in
    /// Spin, also when `quiet` is asked for.
    pub(crate) fn open(id: &str, directory: Option<&Path>, quiet: bool, strict: bool) -> Result<Self> {
        let open = |stream: &str, terminal: Terminal| -> Result<Sinks> {
            let Some(directory) = directory else {
                return Ok(Sinks { file: None, terminal: Some(Terminal::Stderr), tail: None });
            };
            let path = directory.join(format!("{}_{stream}.txt", sanitize(id)));
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let file = file.with_context(|| format!("cannot open the log {}", path.display()))?;
            Ok(Sinks { file: Some(file), terminal: (!quiet).then_some(terminal), tail: None })
        };
        let stdout = open("stdout", Terminal::Stdout)?;
        let mut stderr = open("stderr", Terminal::Stderr)?;
        stderr.tail = strict.then(Mutex::default);
        Ok(Self { stdout: Log(Arc::new(stdout)), stderr: Log(Arc::new(stderr)) })
    }
}

/// Makes a file name of a component's id.
fn sanitize(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect()
}

impl Log {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let sinks = &*self.0;
        if let Some(mut file) = sinks.file.as_ref() {
            file.write_all(bytes)?;
        }
        // A terminal that has gone away is no reason to stop a component.
        let _ = match sinks.terminal {
            Some(Terminal::Stdout) => io::stdout().write_all(bytes),
            Some(Terminal::Stderr) => io::stderr().write_all(bytes),
            None => Ok(()),
        };
        if let Some(tail) = &sinks.tail {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.extend_from_slice(bytes);
            let excess = tail.len().saturating_sub(TAIL_BYTES);
            tail.drain(..excess);
        }
        Ok(())
    }

    /// The end of what was written, when it is kept (stderr in the strict mode).
    pub(crate) fn tail(&self) -> String {
        let tail = self.0.tail.as_ref().map(|tail| tail.lock().unwrap_or_else(PoisonError::into_inner).clone());
        String::from_utf8_lossy(&tail.unwrap_or_default()).into_owned()
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Log {
    fn poll_write(self: Pin<&mut Self>, _: &mut TaskContext<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write_all(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_all(&bytes).map_err(|error| wasmtime_wasi::p2::StreamError::LastOperationFailed(error.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(1024 * 1024)
    }
}
