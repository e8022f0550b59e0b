use fault::Fault;
use futures::FutureExt;

use super::*;

#[tokio::test]
async fn a_streamed_answer_comes_piece_by_piece_and_is_then_complete() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(
            lines(&events),
            [
                r#"1 message.started {"asked":"Hi","status":"in_progress","begins":""}"#,
                r#"2 message.delta {"text":"Hello"}"#,
                r#"3 message.delta {"text":" there"}"#,
                r#"4 message.delta {"text":"!"}"#,
                r#"5 message.completed {"status":"completed","content":"Hello there!"}"#,
            ]
        );
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant completed Hello there!"]);
        let answer = &room.messages(conversation).await[1];
        assert_eq!(answer.usage, Some(crate::Usage { input_tokens: 7, output_tokens: 3 }));
    }
}

#[tokio::test]
async fn an_answer_that_is_there_at_once_is_stored_with_its_question() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let events: Vec<Event> = room.begin_answer(conversation, "Hi").await.collect().await;
        assert!(room.fakes.tasks.take().is_empty(), "nothing is left to do");
        assert_eq!(room.transcript(conversation).await[1], "2 assistant completed Hello there!");
        let answer = room.messages(conversation).await[1].id;
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), events);
        assert_eq!(room.follow(conversation, answer, 3).await.unwrap(), events[3..]);
    }
}

#[tokio::test]
async fn the_first_words_are_stored_with_the_question_and_the_rest_as_it_comes() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        lead.unbounded_send(Ok(spoken("Hello"))).unwrap();
        let mut events = Box::pin(room.begin_answer(conversation, "Hi").await);
        let begun = [events.next().await.unwrap(), events.next().await.unwrap()];
        assert_eq!(lines(&begun)[1], r#"2 message.delta {"text":"Hello"}"#);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant in_progress ");
        lead.unbounded_send(Ok(spoken(" again"))).unwrap();
        lead.unbounded_send(Ok(last_words())).unwrap();
        room.while_time_passes(room.fakes.tasks.run()).await;
        let rest: Vec<Event> = events.collect().await;
        assert_eq!(
            lines(&rest),
            [
                r#"3 message.delta {"text":" again"}"#,
                r#"4 message.completed {"status":"completed","content":"Hello again"}"#,
            ]
        );
        let answer = room.messages(conversation).await[1].id;
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), [begun.to_vec(), rest].concat());
    }
}

#[tokio::test]
async fn an_answer_of_more_words_than_a_row_holds_is_there_at_once_all_the_same() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.model.says(&["word "; 150]);
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(events.len(), 152);
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.content, "word ".repeat(150));
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events);
    }
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_the_answer() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        drop(room.begin_answer(conversation, "Hi").await);
        room.fakes.tasks.run().await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant completed Hello there!");
    }
}

#[tokio::test]
async fn what_a_client_sees_is_stored_already() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let mut events = Box::pin(room.begin_answer(conversation, "Hi").await);
        let writer = room.writer();
        let started = events.next().await.unwrap();
        let answer = room.messages(conversation).await[1].id;
        for (number, word) in ["Well", ", ", "yes"].into_iter().enumerate() {
            lead.unbounded_send(Ok(spoken(word))).unwrap();
            writer.settles().await;
            room.fakes.clock.advance(Duration::from_millis(100));
            writer.settles().await;
            let seen = events.next().now_or_never().flatten().expect("a delta is sent within 100 ms");
            // The instance dies here: nothing of it is left but the database.
            let mut replayed = Box::pin(stored(&room, conversation, answer).await);
            assert_eq!(replayed.next().await.unwrap(), started);
            let replayed = replayed.skip(number).next().await.unwrap();
            assert_eq!(replayed, seen);
        }
    }
}

async fn stored(
    room: &Room,
    conversation: ConversationId,
    answer: MessageId,
) -> impl Stream<Item = Event> + Send + use<> {
    match room.chat.follow(&room.owner, conversation, answer, 0, &room.call).await.unwrap() {
        Follow::Events(events) => events,
        Follow::Nothing => panic!("a follower from the beginning sees something"),
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_fails_with_what_it_said() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.model.breaks_off_after(&["Let me", " th"]);
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(lines(&events).last().unwrap(), r#"4 message.failed {"code":"model_stream_broken"}"#);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed Let me th");
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.failure.as_deref(), Some("model_stream_broken"));
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events);
        // The model is not told of it later.
        room.model.says(&["Yes"]);
        room.model.was_asked();
        room.post(conversation, "Again").await.unwrap();
        assert_eq!(room.model.was_asked(), [["user: Again"]]);
    }
}

#[tokio::test]
async fn a_model_that_refuses_a_stream_is_an_event_of_it() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.model.refuses(503, &llm::ModelError::RateLimited { retry_after_ms: None });
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(lines(&events)[1..], [r#"2 message.failed {"code":"model_rate_limited"}"#]);
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant failed "]);
    }
}

#[tokio::test]
async fn cancelling_keeps_what_was_said_and_stops_the_model() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.settles().await;
        let answer = room.messages(conversation).await[1].id;
        let cancelled = room.chat.cancel(&room.owner, conversation, answer, &room.call).await.unwrap();
        assert_eq!((cancelled.status.as_str(), &*cancelled.content), ("cancelled", "Well"));

        // The model goes on talking, and its next words find nobody.
        lead.unbounded_send(Ok(spoken(", I think"))).unwrap();
        writer.settles().await;
        room.fakes.clock.advance(Duration::from_millis(100));
        assert!(writer.settles().await, "the writer stops");
        assert!(lead.is_closed(), "nobody reads the model any more");

        let events: Vec<Event> = events.collect().await;
        assert_eq!(
            lines(&events)[1..],
            [r#"2 message.delta {"text":"Well"}"#, r#"3 message.cancelled {"status":"cancelled","content":"Well"}"#,]
        );
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), events);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant cancelled Well");
    }
}

#[tokio::test]
async fn a_silent_model_is_stopped_within_a_second() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        writer.settles().await;
        let answer = room.messages(conversation).await[1].id;
        room.chat.cancel(&room.owner, conversation, answer, &room.call).await.unwrap();
        room.fakes.clock.advance(Duration::from_secs(1));
        assert!(writer.settles().await, "the writer stops");
        assert!(lead.is_closed());
        let events: Vec<Event> = events.collect().await;
        assert_eq!(lines(&events)[1..], [r#"2 message.cancelled {"status":"cancelled","content":""}"#]);
    }
}

#[tokio::test]
async fn only_an_answer_that_is_being_written_can_be_cancelled() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posted = room.post(conversation, "Hi").await.unwrap();
        for message in [posted.question.id, posted.answer.id] {
            let refused = room.chat.cancel(&room.owner, conversation, message, &room.call).await.unwrap_err();
            assert_eq!((refused.code(), refused.kind()), ("answer_ended", fault::Kind::Conflict));
        }
        let _lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        room.fakes.tasks.take();
        let unwritten = room.messages(conversation).await.remove(3);
        let first = room.chat.cancel(&room.owner, conversation, unwritten.id, &room.call).await.unwrap();
        let again = room.chat.cancel(&room.owner, conversation, unwritten.id, &room.call).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(first.status.as_str(), "cancelled");
    }
}

#[tokio::test]
async fn an_answer_whose_writer_is_killed_ends_as_interrupted() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.settles().await;
        writer.kill().await;
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.status.as_str(), "in_progress");

        room.fakes.clock.advance(crate::generation::LEASE + Duration::from_millis(1));
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed Well");
        let events = room.follow(conversation, answer.id, 0).await.unwrap();
        assert_eq!(
            lines(&events)[1..],
            [r#"2 message.delta {"text":"Well"}"#, r#"3 message.failed {"code":"answer_interrupted"}"#,]
        );
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events);
    }
}

#[tokio::test]
async fn a_long_answer_keeps_its_lease() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        let writer = room.writer();
        let began = now(&room);
        while now(&room).since(began) < crate::generation::LEASE * 2 {
            writer.settles().await;
            room.fakes.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(room.transcript(conversation).await[1], "2 assistant in_progress ");
        lead.unbounded_send(Ok(last_words())).unwrap();
        assert!(writer.settles().await);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant completed ");
    }
}

#[tokio::test]
async fn a_writer_that_was_held_up_beyond_its_lease_changes_nothing() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        room.fakes.clock.advance(crate::generation::LEASE + Duration::from_millis(1));
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed ");

        say_hello(&lead);
        room.fakes.tasks.run().await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed ");
        let events: Vec<Event> = events.collect().await;
        assert_eq!(lines(&events)[1..], [r#"2 message.failed {"code":"answer_interrupted"}"#]);
    }
}
