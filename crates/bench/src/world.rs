//! An application on MariaDB with a user, conversations and messages to be asked for.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::json;
use testkit::{Application, Client, Setup, mariadb::MariaDb};

/// Conversations that the list is a page of.
const CONVERSATIONS: usize = 200;

/// What is measured, and everything it needs.
pub(crate) struct World {
    pub(crate) application: Application,
    pub(crate) client: Client,
    pub(crate) conversations: Vec<String>,
    // Dropped last: the application talks to it.
    _database: MariaDb,
}

/// A request that is sent again and again.
pub(crate) struct Target {
    /// What the figures are called.
    pub(crate) name: &'static str,
    /// The path.
    pub(crate) path: String,
    /// The body of a POST; a GET without.
    pub(crate) body: Option<String>,
    /// The name of the target that this is compared with, and which share of its throughput is to be reached.
    pub(crate) aim: Aim,
    /// True for what others are compared with.
    pub(crate) is_yardstick: bool,
}

/// What a figure is to reach.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// Nothing: it is a yardstick.
    None,
    /// A share of another's throughput, in percent.
    Share { of: &'static str, percent: f64 },
    /// Requests per second.
    PerSecond(f64),
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        // Compiling leaves its memory with the process that compiled. A deployment starts from the compile cache, and so does this.
        drop(Application::start().await?);
        let database = MariaDb::start()?;
        let access = database.access();
        let application = Application::start_with(Setup::default().on(access, "bench")?).await?;
        access.sql(&format!("USE bench; {}", bare_table()))?;
        let client = application.user("bench").await?;
        let mut conversations = Vec::new();
        for number in 0..CONVERSATIONS {
            let body = json!({"title": format!("Conversation {number}")});
            let conversation = client.post("/v1/conversations", &body).await?.expect(201);
            let id = conversation["id"].as_str().context("a conversation has an id")?;
            conversations.push(format!("/v1/conversations/{id}/messages"));
        }
        Ok(Self { application, client, conversations, _database: database })
    }

    /// Everything that is measured, each yardstick before what is compared with it.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let get = |name, path: &str, aim| Target { name, path: path.to_owned(), body: None, aim, is_yardstick: false };
        let yardstick = |name, path: &str| Target { is_yardstick: true, ..get(name, path, Aim::None) };
        let message = json!({"content": "How are you today?", "stream": false}).to_string();
        let post = Target { body: Some(message), ..get("message", "", Aim::PerSecond(1000.0)) };
        vec![
            yardstick("hello", "/hello"),
            get("me", "/v1/me", Aim::Share { of: "hello", percent: 60.0 }),
            yardstick("bare-select", "/bare-select"),
            get("conversations", "/v1/conversations?limit=20", Aim::Share { of: "bare-select", percent: 50.0 }),
            post,
        ]
    }
}

/// The table of the fixture `bare-select`, with a page of rows to be selected.
fn bare_table() -> String {
    let mut sql = String::from(
        "CREATE TABLE bench_messages (id BIGINT PRIMARY KEY, conversation_id BIGINT NOT NULL, role VARCHAR(16) NOT NULL, \
         content TEXT NOT NULL, created_at BIGINT NOT NULL, KEY (conversation_id, id)); INSERT INTO bench_messages VALUES ",
    );
    for id in 0..2000 {
        let comma = if id == 0 { "" } else { "," };
        let _ = write!(sql, "{comma}({id},{},'user','Conversation {id}',{id})", id % 10);
    }
    sql
}
