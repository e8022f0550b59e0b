//! Conversations over HTTP: `/v1/conversations`, their messages, and the events of answers.

mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use auth::Permission;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chat::{Chat, Event, Follow, MessagePage, Outcome, Viewer};
use edge::{
    App, Caller, IfMatch, Json, Keyed, Page, Paging, Path, Problem, Query, Routes, Tagged, can, holding, replayed, sse,
};
use futures::{Stream, StreamExt};
use host::{Clock, Host};
use ids::{ConversationId, MessageId};

use crate::wire::{
    ConversationPatch, EventsQuery, NewConversation, NewMessage, WireConversation, WireEvents, WireMessage, WirePosted,
};

edge::component!(app);

/// Events that are ready at the same time go out as one piece of the body, up to this many.
const EVENTS_PER_PIECE: usize = 64;

/// The routes of this component, on `host`.
fn app(host: Host) -> App {
    let state = Conversations { chat: Chat::new(host.clone(), Arc::new(WireEvents)), clock: host.clock.clone() };
    Routes::new()
        .get("/v1/conversations", list)
        .post("/v1/conversations", begin)
        .get("/v1/conversations/{id}", read)
        .patch("/v1/conversations/{id}", change)
        .delete("/v1/conversations/{id}", delete)
        .get("/v1/conversations/{id}/messages", list_messages)
        .post("/v1/conversations/{id}/messages", post_message)
        .get("/v1/conversations/{id}/messages/{message_id}/events", follow)
        .post_repeatable("/v1/conversations/{id}/messages/{message_id}/cancel", cancel)
        .time_limit(llm::LONGEST_CALL)
        .build(&host, state)
}

#[derive(Clone)]
struct Conversations {
    chat: Chat,
    clock: Arc<dyn Clock>,
}

async fn list(
    caller: Caller<can::ReadConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Query(paging): Query<Paging<ConversationId>>,
) -> Result<Json<Page<WireConversation>>, Problem> {
    let rows = chat.conversations(&viewer(&caller), paging.after(), paging.limit.and_one()).await?;
    Ok(Json(Page::of(rows, paging.limit, |row| row.id).map(WireConversation::from)))
}

async fn begin(
    caller: Caller<can::WriteConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Keyed { attempt, body }: Keyed<NewConversation>,
) -> Result<Response, Problem> {
    let Outcome { value: conversation, is_replay } =
        chat.begin(&viewer(&caller), body.parse()?, attempt.as_ref()).await?;
    let location = format!("/v1/conversations/{}", conversation.id);
    let answer = tagged(conversation);
    let answer = (StatusCode::CREATED, [(header::LOCATION, location)], answer);
    Ok(if is_replay { replayed(answer) } else { answer.into_response() })
}

async fn read(
    caller: Caller<can::ReadConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Path(id): Path<ConversationId>,
) -> Result<Tagged<Json<WireConversation>>, Problem> {
    let conversation = chat.conversation(&viewer(&caller), id).await?;
    Ok(tagged(conversation))
}

async fn change(
    caller: Caller<can::WriteConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Path(id): Path<ConversationId>,
    if_match: IfMatch,
    Json(body): Json<ConversationPatch>,
) -> Result<Tagged<Json<WireConversation>>, Problem> {
    let condition = |conversation: &chat::Conversation| if_match.check(conversation.version);
    let conversation = chat.change(&viewer(&caller), id, body.parse()?, condition).await?;
    Ok(tagged(conversation))
}

async fn delete(
    caller: Caller<can::WriteConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Path(id): Path<ConversationId>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let condition = |conversation: &chat::Conversation| if_match.check(conversation.version);
    chat.delete(&viewer(&caller), id, condition).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_messages(
    caller: Caller<can::ReadConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Path(id): Path<ConversationId>,
    Query(paging): Query<Paging<i64>>,
) -> Result<Response, Problem> {
    let page = chat.messages(&viewer(&caller), id, paging.after().unwrap_or(0), paging.limit.rows()).await?;
    let MessagePage { messages, has_more, hold } = page;
    let page = Page::ending(messages, has_more, |message| message.position).map(WireMessage::from);
    Ok(holding(Json(page), hold))
}

async fn post_message(
    caller: Caller<can::WriteConversations>,
    State(Conversations { chat, clock }): State<Conversations>,
    Path(id): Path<ConversationId>,
    Keyed { attempt, body }: Keyed<NewMessage>,
) -> Result<Response, Problem> {
    let viewer = viewer(&caller);
    let stream = body.stream;
    let question = body.parse(attempt)?;
    let (answer, is_replay) = if stream {
        let Outcome { value: events, is_replay } = chat.post_streaming(&viewer, caller.call(), id, question).await?;
        (event_stream(clock, events), is_replay)
    } else {
        let Outcome { value: posted, is_replay } = chat.post(&viewer, caller.call(), id, question).await?;
        ((StatusCode::CREATED, Json(WirePosted::from(posted))).into_response(), is_replay)
    };
    Ok(if is_replay { replayed(answer) } else { answer })
}

async fn follow(
    caller: Caller<can::ReadConversations>,
    State(Conversations { chat, clock }): State<Conversations>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    sse::LastEventId(last_event_id): sse::LastEventId,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let after = last_event_id.or(query.after).unwrap_or(0);
    Ok(match chat.follow(&viewer(&caller), id, message, after).await? {
        Follow::Events(events) => event_stream(clock, events),
        // Tells an EventSource that has seen the end not to come back (WHATWG HTML, section 9.2.3).
        Follow::Nothing => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn cancel(
    caller: Caller<can::WriteConversations>,
    State(Conversations { chat, .. }): State<Conversations>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
) -> Result<Json<WireMessage>, Problem> {
    let message = chat.cancel(&viewer(&caller), id, message, caller.call()).await?;
    Ok(Json(message.into()))
}

/// A conversation as an answer. What may be changed has its version; a message makes the answer another, and no change of a title
/// pointless.
fn tagged(conversation: chat::Conversation) -> Tagged<Json<WireConversation>> {
    let updated_at = conversation.updated_at.as_millis();
    Tagged::with_state(conversation.version, updated_at, Json(conversation.into()))
}

fn viewer<A>(caller: &Caller<A>) -> Viewer {
    Viewer {
        workspace: caller.workspace,
        user: caller.user,
        manages_workspace: caller.permissions.contains(Permission::ConversationsManage),
    }
}

/// Live or replayed, an event looks the same on the wire: this is the only place that writes one.
fn event_stream(clock: Arc<dyn Clock>, events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let written = events.map(|event| sse::event(event.seq, event.name.into(), &event.data));
    sse::stream(clock, written.ready_chunks(EVENTS_PER_PIECE).map(|events| events.concat().into()))
}
