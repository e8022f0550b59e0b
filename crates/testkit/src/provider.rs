//! A provider of models whose every byte a test decides: one that lies, breaks off, waits for ever, or sends what nobody expects.
//!
//! It listens on a port of its own, speaks just enough HTTP to read a request, and lets the test say what happens next. It knows
//! which connections are open, and when a client closed one.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How long a test waits for something that has to happen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a provider does next on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Does nothing for a while.
    Pause(Duration),
    /// Does nothing until the client closes the connection.
    Hold,
    /// Closes the connection with a reset, so that what was sent before may be lost, too.
    Reset,
    /// Answers the next request on this connection, which is otherwise closed after the last act.
    KeepAlive,
}

/// A request that a provider got.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first line and the headers, as they came.
    pub head: String,
    /// The body.
    pub body: Value,
    /// What the last message of the user says.
    pub message: String,
    /// How many requests came before, on all connections.
    pub earlier: usize,
    /// How many requests came before on the same connection.
    pub earlier_here: usize,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    ClosedByClient(Instant),
    ClosedByUs,
}

#[derive(Default)]
struct State {
    /// By number, in the order in which they were opened.
    connections: Vec<Fate>,
    /// With the number of the connection on which each came.
    asked: Vec<(usize, Asked)>,
}

type Script = dyn Fn(&Asked) -> Vec<Act> + Send + Sync;

/// A provider that does what a test says. Dropping it closes its port and all of its connections.
pub struct Provider {
    url: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

impl Provider {
    /// A provider that does to each request what `script` says.
    pub async fn start(script: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state: Arc<Mutex<State>> = Arc::default();
        let listening = tokio::spawn(listen(listener, Arc::new(script), state.clone()));
        Ok(Self { url, state, listening })
    }

    /// Where it is: what the setting `openai_url` takes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.iter().map(|(_, asked)| asked.clone()).collect()
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        lock(&self.state).connections.iter().filter(|fate| **fate == Fate::Open).count()
    }

    /// Waits until it was asked `message`, and says how often.
    pub async fn until_asked(&self, message: &str) -> Result<usize> {
        let times = |state: &State| state.asked.iter().filter(|(_, asked)| asked.message == message).count();
        self.until(&format!("nobody asks {message:?}"), |state| Some(times(state)).filter(|times| *times > 0)).await
    }

    /// Waits until the client has closed the connection on which it asked `message` last, and says when that was.
    pub async fn until_closed_by_client(&self, message: &str) -> Result<Instant> {
        self.until(&format!("the client does not close the connection of {message:?}"), |state| {
            let (connection, _) = state.asked.iter().rev().find(|(_, asked)| asked.message == message)?;
            match state.connections[*connection] {
                Fate::ClosedByClient(when) => Some(when),
                Fate::Open | Fate::ClosedByUs => None,
            }
        })
        .await
    }

    async fn until<T>(&self, complaint: &str, look: impl Fn(&State) -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(&lock(&self.state)) {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("{complaint}");
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// The head of an answer with `status` and `content_type` that ends with its connection.
pub fn head(status: u16, content_type: &str) -> Act {
    let head = format!("HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n");
    Act::Send(head.into_bytes())
}

/// An answer whose length is told, so that its connection can be kept. `headers` are lines without their ends.
pub fn whole(status: u16, headers: &[&str], body: &str) -> Vec<Act> {
    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|header| head.extend([header, "\r\n"]));
    vec![Act::Send(format!("{head}\r\n{body}").into_bytes()), Act::KeepAlive]
}

/// The head of a stream, and these bytes.
pub fn stream(body: impl Into<Vec<u8>>) -> Vec<Act> {
    vec![head(200, "text/event-stream"), Act::Send(body.into())]
}

/// An event of a stream that says `text`.
pub fn says(text: &str) -> String {
    let chunk = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    format!("data: {chunk}\n\n")
}

/// The events that end a stream with a finish reason, without usage.
pub fn stops(finish_reason: &str) -> String {
    let chunk = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]});
    format!("data: {chunk}\n\ndata: [DONE]\n\n")
}

async fn listen(listener: TcpListener, script: Arc<Script>, state: Arc<Mutex<State>>) {
    // With this task all connections end.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut state = lock(&state);
            state.connections.push(Fate::Open);
            state.connections.len() - 1
        };
        let (script, state) = (script.clone(), state.clone());
        connections.spawn(async move {
            let fate = match serve(stream, number, &*script, &state).await {
                Ok(()) => Fate::ClosedByUs,
                Err(_) => Fate::ClosedByClient(Instant::now()),
            };
            lock(&state).connections[number] = fate;
        });
    }
}

/// Answers the requests of a connection; an error means that the client has closed it.
async fn serve(mut stream: TcpStream, number: usize, script: &Script, state: &Mutex<State>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    for earlier_here in 0.. {
        let (head, body) = read_request(&mut stream, &mut unread).await?;
        let asked = {
            let mut state = lock(state);
            let asked = asked(head, &body, state.asked.len(), earlier_here);
            state.asked.push((number, asked.clone()));
            asked
        };
        let mut is_kept = false;
        for act in script(&asked) {
            match act {
                Act::Send(bytes) => stream.write_all(&bytes).await?,
                Act::Pause(duration) => {
                    let closed = tokio::time::timeout(duration, until_closed(&mut stream, &mut unread)).await;
                    closed.unwrap_or(Ok(()))?;
                }
                Act::Hold => until_closed(&mut stream, &mut unread).await?,
                Act::Reset => return Ok(stream.set_zero_linger()?),
                Act::KeepAlive => is_kept = true,
            }
        }
        if !is_kept {
            break;
        }
    }
    Ok(stream.shutdown().await?)
}

fn asked(head: String, body: &[u8], earlier: usize, earlier_here: usize) -> Asked {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut messages = body["messages"].as_array().into_iter().flatten();
    let last = messages.rfind(|message| message["role"] == "user");
    let message = last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned();
    Asked { head, body, message, earlier, earlier_here }
}

/// Reads until the client closes the connection, which is the error that this ends with.
async fn until_closed(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<()> {
    loop {
        read_more(stream, unread).await?;
    }
}

/// The head and the body of the next request.
async fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<(String, Vec<u8>)> {
    let end = loop {
        match unread.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(position) => break position + 4,
            None => read_more(stream, unread).await?,
        }
    };
    let head = String::from_utf8_lossy(&unread[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = end + length.context("a request says how long it is")?;
    while unread.len() < whole {
        read_more(stream, unread).await?;
    }
    let body = unread[end..whole].to_vec();
    unread.drain(..whole);
    Ok((head, body))
}

async fn read_more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<()> {
    match stream.read_buf(unread).await? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Ok(()),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(provider: &Provider, message: &str) -> Result<TcpStream> {
        let body = serde_json::json!({"messages": [{"role": "user", "content": message}]}).to_string();
        let address = provider.url().strip_prefix("http://").context("a URL")?;
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }

    #[tokio::test]
    async fn a_provider_sends_what_the_test_says_and_counts_connections() -> Result<()> {
        let provider = Provider::start(|asked| match &*asked.message {
            "hold" => vec![Act::Send(b"a".to_vec()), Act::Hold],
            _ => stream("data: [DONE]\n\n"),
        })
        .await?;
        let mut answer = String::new();
        ask(&provider, "done").await?.read_to_string(&mut answer).await?;
        assert!(answer.ends_with("\r\n\r\ndata: [DONE]\n\n"), "{answer}");
        let held = ask(&provider, "hold").await?;
        assert_eq!(provider.until_asked("hold").await?, 1);
        assert_eq!(provider.open_connections(), 1);
        let before = Instant::now();
        drop(held);
        assert!(provider.until_closed_by_client("hold").await? >= before);
        assert_eq!(provider.open_connections(), 0);
        Ok(())
    }

    #[tokio::test]
    async fn a_reset_is_an_error_for_the_client() -> Result<()> {
        let provider = Provider::start(|_| vec![Act::Reset]).await?;
        let read = ask(&provider, "x").await?.read_to_end(&mut Vec::new()).await;
        assert_eq!(read.err().map(|error| error.kind()), Some(io::ErrorKind::ConnectionReset));
        Ok(())
    }
}
