//! Conversations through the capability's front door, on each database, with a model that says what a test wants.

mod answering;
mod deleting;
mod following;
mod keeping;
mod once;
mod outages;
mod paging;
mod posting;
mod shrinking;
mod stopping;
mod trips;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, channel::mpsc, stream};
use host::{
    Call, Clock, HttpError,
    fake::{CountedSql, Fakes, SetClock, TestDatabase, databases, json},
    sql::{Dialect, Row, Sql, SqlError, Statement, Transaction},
};
use ids::{ConversationId, CorrelationId, MessageId};

use self::trips::Counted;
use crate::{
    Chat, ChatError, Content, Draft, Event, EventFormat, Failure, Follow, Message, OnBusy, Posted, Question, Viewer,
};

/// A room with a database, a model and people.
struct Room {
    fakes: Fakes,
    /// How many trips to the database are under way.
    trips: Arc<AtomicUsize>,
    chat: Chat,
    owner: Viewer,
    call: Call,
    model: Model,
    database: TestDatabase,
}

/// What the model does with the next requests, and what it was asked.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<ModelState>>);

#[derive(Default)]
struct ModelState {
    pieces: Vec<Result<Bytes, HttpError>>,
    live: Option<mpsc::UnboundedReceiver<Result<Bytes, HttpError>>>,
    refusal: Option<(u16, String)>,
    /// The most bytes of messages that it reads, and whether it says so in the status or in the stream.
    reads: Option<(usize, bool)>,
    asked: Vec<serde_json::Value>,
}

impl Model {
    /// Answers are streamed in these pieces, one after the other.
    fn says(&self, pieces: &[&str]) {
        let mut lines: Vec<_> = pieces.iter().map(|text| Ok(spoken(text))).collect();
        lines.push(Ok(last_words()));
        self.0.lock().unwrap().pieces = lines;
    }

    /// Answers are streamed in these very bytes, one after the other.
    fn sends(&self, pieces: &[&str]) {
        self.0.lock().unwrap().pieces = pieces.iter().map(|piece| Ok(Bytes::from((*piece).to_owned()))).collect();
    }

    /// Answers break off after these pieces.
    fn breaks_off_after(&self, pieces: &[&str]) {
        let lost = HttpError::Connection { sent: true, reason: "reset".to_owned() };
        self.0.lock().unwrap().pieces = pieces.iter().map(|text| Ok(spoken(text))).chain([Err(lost)]).collect();
    }

    /// The next answer says what is sent here, as long as that is open.
    fn is_led(&self) -> mpsc::UnboundedSender<Result<Bytes, HttpError>> {
        let (lead, live) = mpsc::unbounded();
        self.0.lock().unwrap().live = Some(live);
        lead
    }

    fn refuses(&self, status: u16, error: &llm::ModelError) {
        self.0.lock().unwrap().refusal = Some((status, serde_json::to_string(&error.to_wire()).unwrap()));
    }

    /// Whatever says more than so many bytes is more than it can read; it finds that out before or after it has begun to answer.
    fn reads(&self, most: usize, begins_first: bool) {
        self.0.lock().unwrap().reads = Some((most, begins_first));
    }

    /// The messages of the requests so far: `user: hello`.
    fn was_asked(&self) -> Vec<Vec<String>> {
        let asked = std::mem::take(&mut self.0.lock().unwrap().asked);
        let line = |message: &serde_json::Value| {
            format!("{}: {}", message["role"].as_str().unwrap(), message["content"].as_str().unwrap())
        };
        asked.iter().map(|body| body["messages"].as_array().unwrap().iter().map(line).collect()).collect()
    }

    fn answer(&self, request: &http::Request<Bytes>) -> Result<http::Response<host::ByteStream>, HttpError> {
        if request.uri().path() == "/v1/models" {
            return json(
                200,
                r#"{"object":"list","data":[{"id":"parrot","object":"model","created":0,"owned_by":"us",
                "context_tokens":1000}]}"#,
            );
        }
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let mut state = self.0.lock().unwrap();
        state.asked.push(body.clone());
        if let Some((status, body)) = &state.refusal {
            return json(*status, body);
        }
        assert_eq!(body["stream"], true, "every answer is streamed between components");
        let bytes = |message: &serde_json::Value| message["content"].as_str().unwrap().len();
        let asked: usize = body["messages"].as_array().unwrap().iter().map(bytes).sum();
        if let Some((_, begins_first)) = state.reads.filter(|(most, _)| asked > *most) {
            let error = serde_json::to_string(&llm::ModelError::ContextExceeded.to_wire()).unwrap();
            if !begins_first {
                return json(400, &error);
            }
            let pieces = [spoken(""), format!("data: {error}\n\n").into()].map(Ok);
            return Ok(http::Response::new(stream::iter(pieces).boxed()));
        }
        let pieces = match state.live.take() {
            Some(live) => live.boxed(),
            None => stream::iter(state.pieces.clone()).then(in_turn).boxed(),
        };
        Ok(http::Response::new(pieces))
    }
}

/// A piece that comes after whoever reads has done something with the one before.
async fn in_turn<T>(piece: T) -> T {
    tokio::task::yield_now().await;
    piece
}

/// Says through `lead` what the model of a new room says by itself.
fn say_hello(lead: &mpsc::UnboundedSender<Result<Bytes, HttpError>>) {
    for piece in ["Hello", " there", "!"].map(spoken).into_iter().chain([last_words()]) {
        lead.unbounded_send(Ok(piece)).unwrap();
    }
}

/// A piece of a streamed answer.
fn spoken(text: &str) -> Bytes {
    format!("data: {}\n\n", serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]})).into()
}

/// The end of a streamed answer.
fn last_words() -> Bytes {
    concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\n\n",
        "data: [DONE]\n\n",
    )
    .into()
}

/// Data of events that is short and says what matters.
struct Plain;

impl EventFormat for Plain {
    fn started(&self, question: &Message, answer: &Message) -> String {
        format!(r#"{{"asked":"{}","status":"{}","begins":"{}"}}"#, question.content, answer.status, answer.content)
    }

    fn ended(&self, answer: &Message) -> String {
        format!(r#"{{"status":"{}","content":"{}"}}"#, answer.status, answer.content)
    }

    fn failed(&self, failure: &Failure, answer: &Message, correlation_id: &CorrelationId) -> String {
        let (code, wait) = (fault::Fault::code(failure), fault::Fault::retry_after_ms(failure));
        let (wait, content) = (wait.map_or(String::new(), |ms| format!(r#","wait":{ms}"#)), &answer.content);
        format!(r#"{{"code":"{code}"{wait},"for":"{correlation_id}","content":"{content}"}}"#)
    }
}

/// A room on each database.
async fn rooms() -> Vec<Room> {
    databases().await.into_iter().map(Room::new).collect()
}

impl Room {
    fn new(database: TestDatabase) -> Self {
        Self::on(database, |sql| sql)
    }

    /// A room whose people see what `seen` makes of the database.
    fn on(database: TestDatabase, seen: impl FnOnce(Arc<dyn Sql>) -> Arc<dyn Sql>) -> Self {
        let trips = Arc::new(AtomicUsize::new(0));
        let fakes = Fakes::new(seen(Arc::new(Counted::new(database.sql.clone(), trips.clone()))));
        let model = Model::default();
        model.says(&["Hello", " there", "!"]);
        let answering = model.clone();
        fakes.http.answer(move |request| answering.answer(request));
        let chat = Chat::new(fakes.host.clone(), Arc::new(Plain));
        let owner = Viewer { workspace: fakes.host.new_id(), user: fakes.host.new_id(), manages_workspace: false };
        let call = Call {
            correlation_id: CorrelationId::parse("c-1").unwrap(),
            ..fakes.host.begin_call(owner.workspace, Some(owner.user), llm::LONGEST_CALL)
        };
        Self { chat, owner, call, model, fakes, trips, database }
    }

    async fn conversation(&self) -> ConversationId {
        let id = self.chat.begin(&self.owner, Draft::default(), None).await.unwrap().value.id;
        // The room's instance looks once for what others have left to be done, and finds nothing.
        self.fakes.tasks.run().await;
        id
    }

    async fn post(&self, conversation: ConversationId, text: &str) -> Result<Posted, ChatError> {
        self.post_as(conversation, question(text)).await
    }

    async fn post_as(&self, conversation: ConversationId, question: Question) -> Result<Posted, ChatError> {
        let posting = Box::pin(self.chat.post(&self.owner, &self.call, conversation, question));
        self.with_writers(posting).await.map(|posted| posted.value)
    }

    /// Posts a message whose answer is streamed; the answer is written by the tasks that wait then.
    async fn begin_answer(&self, conversation: ConversationId, text: &str) -> impl Stream<Item = Event> + Send + use<> {
        self.chat.post_streaming(&self.owner, &self.call, conversation, question(text)).await.unwrap().value
    }

    /// Posts a message whose answer is streamed and waits for all of its events.
    async fn stream(&self, conversation: ConversationId, text: &str) -> Vec<Event> {
        let events = self.begin_answer(conversation, text).await;
        self.with_writers(events.collect()).await
    }

    /// The outcome of `work`, answers being written meanwhile.
    async fn with_writers<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            self.fakes.tasks.take().into_iter().for_each(|task| drop(tokio::spawn(task)));
            if let Ok(output) = tokio::time::timeout(Duration::from_millis(1), work.as_mut()).await {
                return output;
            }
        }
    }

    /// The task that writes the one answer that was begun, at work beside the test.
    fn writer(&self) -> Writer {
        let mut tasks = self.fakes.tasks.take();
        assert_eq!(tasks.len(), 1, "one answer is being written");
        let (clock, trips) = (self.fakes.clock.clone(), self.trips.clone());
        Writer { task: tokio::spawn(tasks.remove(0)), clock, trips }
    }

    /// The same conversations on a host of its own whose clock differs from the room's.
    fn another_host(&self, skew_ms: i64) -> Chat {
        let now = ids::Timestamp::from_millis(now(self).as_millis() + skew_ms);
        let clock = Arc::new(SetClock::at(now));
        Chat::new(host::Host { clock, ..self.fakes.host.clone() }, Arc::new(Plain))
    }

    async fn cancel(&self, conversation: ConversationId, answer: MessageId) -> Result<Message, ChatError> {
        self.while_time_passes(self.chat.cancel(&self.owner, conversation, answer, &self.call)).await
    }

    /// Lets the lease of every answer run out.
    async fn let_leases_run_out(&self) {
        let statement = "UPDATE messages SET lease_until = 1 WHERE lease_until IS NOT NULL";
        self.database.sql.execute(Statement::new(statement)).await.unwrap();
    }

    /// What one number in the database is.
    async fn number(&self, select: &str) -> i64 {
        self.database.sql.query(Statement::new(select.to_owned())).await.unwrap()[0].get(0).unwrap()
    }

    async fn messages(&self, conversation: ConversationId) -> Vec<Message> {
        let mut all: Vec<Message> = Vec::new();
        loop {
            let after = all.last().map_or(0, |message| message.position);
            let page = self.chat.messages(&self.owner, conversation, after, 1000).await.unwrap();
            all.extend(page.messages);
            if !page.has_more {
                return all;
            }
        }
    }

    /// The messages as `position author status content`.
    async fn transcript(&self, conversation: ConversationId) -> Vec<String> {
        let line = |message: &Message| {
            let Message { position, author, status, content, .. } = message;
            format!("{position} {} {} {content}", author, status)
        };
        self.messages(conversation).await.iter().map(line).collect()
    }

    /// The events after `after` up to the last one, time passing as needed.
    async fn follow(
        &self,
        conversation: ConversationId,
        message: MessageId,
        after: u64,
    ) -> Result<Vec<Event>, ChatError> {
        let events = match self.chat.follow(&self.owner, conversation, message, after).await? {
            Follow::Nothing => return Ok(Vec::new()),
            Follow::Events(events) => events,
        };
        // A follower gives its place back in a task of its own; those that wait already go on waiting.
        let waiting = self.fakes.tasks.take();
        let events = self.while_time_passes(events.collect::<Vec<_>>()).await;
        self.fakes.tasks.run().await;
        waiting.into_iter().for_each(|task| self.fakes.host.tasks.spawn(task));
        Ok(events)
    }

    /// The outcome of `work`, during which time passes at twice its usual speed.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(output) = tokio::time::timeout(Duration::from_millis(5), work.as_mut()).await {
                return output;
            }
            self.fakes.clock.advance(Duration::from_millis(10));
        }
    }
}

/// A task that writes an answer.
struct Writer {
    task: tokio::task::JoinHandle<()>,
    clock: Arc<SetClock>,
    trips: Arc<AtomicUsize>,
}

impl Writer {
    /// Waits until the writer has nothing to do but to wait for the model or for time to pass; true where it has stopped.
    async fn settles(&self) -> bool {
        let settled = async {
            let mut quiet_rounds = 0;
            while !self.task.is_finished() && quiet_rounds < 20 {
                tokio::task::yield_now().await;
                let is_quiet = self.trips.load(Ordering::Relaxed) == 0 && self.clock.sleepers() > 0;
                quiet_rounds = if is_quiet { quiet_rounds + 1 } else { 0 };
                if !is_quiet {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.expect("a writer gets on");
        self.task.is_finished()
    }

    /// Lets `duration` pass, and the writer do what is due then; true where it has stopped.
    async fn after(&self, duration: Duration) -> bool {
        self.settles().await;
        self.clock.advance(duration);
        self.settles().await
    }

    /// Kills the instance that the writer is in.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn question(text: &str) -> Question {
    let content = Content::parse(text.to_owned()).unwrap();
    Question { content, on_busy: OnBusy::Reject, expected_last_message: None, attempt: None }
}

/// Events as `seq name data`.
fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{} {} {}", event.seq, event.name, event.data)).collect()
}

/// Time as the room's clock shows it.
fn now(room: &Room) -> ids::Timestamp {
    room.fakes.clock.now()
}
