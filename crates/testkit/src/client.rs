//! A client of the application, as a program would be one.

use anyhow::{Context, Result, ensure};
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::sse::EventStream;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The header `name`, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of the problem that the answer is.
    pub fn problem(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body, where the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }
}

/// Somebody who uses the application, signed in or not.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Somebody who has not signed in.
    pub fn new(base: String) -> Self {
        Self { http: reqwest::Client::new(), base, token: None }
    }

    /// The same, with another access token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Somebody new, registered under `name`, signed in.
    pub async fn registered(&self, name: &str) -> Result<Self> {
        let account = json!({"email": email(name), "password": PASSWORD, "name": name});
        let answer = self.post("/v1/auth/register", &account).await?;
        ensure!(answer.status == 201, "registering {name}: {} {}", answer.status, answer.text());
        let token = answer.json()["access_token"].as_str().context("no access token")?.to_owned();
        Ok(self.with_token(token))
    }

    /// The access token, where there is one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A request to `path`, to be changed and sent by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GETs `path`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        send(self.request(Method::GET, path)).await
    }

    /// POSTs `body` as JSON to `path`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// PATCHes `path` with `body` as JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    /// DELETEs `path`.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        send(self.request(Method::DELETE, path)).await
    }

    /// POSTs `body` as JSON to `path` and reads events.
    pub async fn post_events(&self, path: &str, body: &Value) -> Result<EventStream> {
        EventStream::open(self.request(Method::POST, path).json(body)).await
    }

    /// GETs events from `path`, those after the event `last`.
    pub async fn get_events(&self, path: &str, last: Option<&str>) -> Result<EventStream> {
        let request = self.request(Method::GET, path);
        EventStream::open(match last {
            Some(id) => request.header("last-event-id", id),
            None => request,
        })
        .await
    }
}

/// What everybody's password is.
pub const PASSWORD: &str = "correct horse battery staple";

/// The address that `name` registers with.
pub fn email(name: &str) -> String {
    format!("{name}@example.com")
}

/// Sends `request` and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}
