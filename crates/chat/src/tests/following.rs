use fault::Fault;

use super::*;
use crate::streams::{FOLLOWED_AT_ONCE, LONGEST};

#[tokio::test]
async fn a_stream_cut_at_any_event_goes_on_with_the_next_byte() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let words: Vec<String> = (0..150).map(|number| format!("{number} ")).collect();
        room.model.says(&words.iter().map(|word| &**word).collect::<Vec<_>>());
        let live = room.stream(conversation, "Count").await;
        assert_eq!(live.len(), 152);
        let answer = room.messages(conversation).await[1].id;
        for cut in 0..live.len() {
            let rest = room.follow(conversation, answer, live[cut].seq).await.unwrap();
            assert_eq!(rest, live[cut + 1..], "cut after event {}", live[cut].seq);
        }
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), live);
    }
}

#[tokio::test]
async fn a_follower_sees_events_as_they_come() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let live = room.begin_answer(conversation, "Hi").await;
        let _writer = room.writer();
        let answer = room.messages(conversation).await[1].id;
        let Follow::Events(follower) = room.chat.follow(&room.owner, conversation, answer, 1).await.unwrap() else {
            panic!("there is more to come");
        };
        let mut follower = Box::pin(follower);
        for (text, seq) in [("a", 2), ("b", 3)] {
            lead.unbounded_send(Ok(spoken(text))).unwrap();
            let event = room.while_time_passes(follower.next()).await.unwrap();
            assert_eq!((event.seq, <&str>::from(event.name)), (seq, "message.delta"));
        }
        lead.unbounded_send(Ok(last_words())).unwrap();
        let rest = room.while_time_passes(follower.collect::<Vec<_>>()).await;
        let live: Vec<Event> = live.collect().await;
        assert_eq!(rest, live[3..]);
        assert_eq!(<&str>::from(rest.last().unwrap().name), "message.completed");
    }
}

#[tokio::test]
async fn a_follower_finds_out_that_the_writer_is_dead() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let _lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        room.fakes.tasks.take();
        let answer = room.messages(conversation).await[1].id;
        let Follow::Events(follower) = room.chat.follow(&room.owner, conversation, answer, 1).await.unwrap() else {
            panic!("there is more to come");
        };
        room.let_leases_run_out().await;
        let events: Vec<Event> = room.while_time_passes(follower.collect()).await;
        let end = format!(r#"4097 message.failed {{"code":"answer_interrupted","for":"{answer}","content":""}}"#);
        assert_eq!(lines(&events), [end]);
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_has_events_too() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posted = room.post(conversation, "Hi").await.unwrap();
        let events = room.follow(conversation, posted.answer.id, 0).await.unwrap();
        assert_eq!(
            lines(&events),
            [
                r#"1 message.started {"asked":"Hi","status":"in_progress","begins":""}"#,
                r#"2 message.delta {"text":"Hello there!"}"#,
                r#"3 message.completed {"status":"completed","content":"Hello there!"}"#,
            ]
        );
        assert_eq!(room.follow(conversation, posted.answer.id, 2).await.unwrap(), events[2..]);
    }
}

#[tokio::test]
async fn who_has_seen_the_end_is_told_that_there_is_nothing() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let one_piece = room.post(conversation, "Hi").await.unwrap().answer.id;
        room.stream(conversation, "Hi").await;
        let streamed = room.messages(conversation).await[3].id;
        for (message, last) in [(one_piece, 3), (streamed, 5)] {
            let follow = room.chat.follow(&room.owner, conversation, message, last).await.unwrap();
            assert!(matches!(follow, Follow::Nothing));
        }
    }
}

#[tokio::test]
async fn events_may_be_asked_for_after_the_last_one() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.stream(conversation, "Hi").await;
        let answer = room.messages(conversation).await[1].id;
        let Follow::Events(events) = room.chat.follow(&room.owner, conversation, answer, 0).await.unwrap() else {
            panic!("there is something to follow");
        };
        let mut events = Box::pin(events);
        assert_eq!(events.by_ref().count().await, 5);
        for _ in 0..3 {
            assert!(events.next().await.is_none());
        }
    }
}

#[tokio::test]
async fn a_number_that_was_never_sent_is_a_mistake() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let one_piece = room.post(conversation, "Hi").await.unwrap().answer.id;
        room.stream(conversation, "Hi").await;
        let _lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        let messages = room.messages(conversation).await;
        let reserved = crate::generation::BLOCK;
        for (message, number) in
            [(one_piece, 4), (messages[3].id, 6), (messages[5].id, reserved + 1), (messages[3].id, u64::MAX)]
        {
            let refused = room.follow(conversation, message, number).await.unwrap_err();
            assert_eq!((refused.code(), refused.kind()), ("event_not_found", fault::Kind::Invalid), "{number}");
        }
        let question = room.follow(conversation, messages[0].id, 0).await.unwrap_err();
        assert_eq!(question.code(), "message_not_found");
    }
}

#[tokio::test]
async fn a_person_follows_so_many_answers_and_no_more() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.stream(conversation, "Hi").await;
        let answer = room.messages(conversation).await[1].id;
        let follow = async || match room.chat.follow(&room.owner, conversation, answer, 0).await? {
            Follow::Events(events) => Ok(events),
            Follow::Nothing => panic!("there are events"),
        };
        let mut held = Vec::new();
        for _ in 0..FOLLOWED_AT_ONCE {
            // Each on an instance of its own, as far as that counts what it holds.
            let elsewhere = room.another_host(0);
            let Follow::Events(events) = elsewhere.follow(&room.owner, conversation, answer, 0).await.unwrap() else {
                panic!("there are events");
            };
            held.push(events);
        }
        let refused: ChatError = follow().await.err().unwrap();
        assert_eq!((refused.code(), refused.retry_after_ms()), ("too_many_streams", Some(5000)));
        let colleague = Viewer { user: room.fakes.host.new_id(), manages_workspace: true, ..room.owner };
        assert!(room.chat.follow(&colleague, conversation, answer, 0).await.is_ok(), "it is one person's limit");

        drop(held.pop());
        room.fakes.tasks.run().await;
        let events: Vec<Event> = follow().await.unwrap().collect().await;
        assert!(events.last().unwrap().name.is_last());
        drop(room.fakes.tasks.take()); // The instance is killed before it gives the place back.
        assert!(follow().await.is_err());
        let over = "UPDATE followers SET taken_until = 1 WHERE place IN (3, 4)";
        room.fakes.host.sql.execute(Statement::new(over)).await.unwrap();
        let (one, two) = (follow().await.unwrap(), follow().await.unwrap());
        assert!(follow().await.is_err());
        drop((one, two));
        drop(held);
        room.fakes.tasks.run().await;
        let left = room.number("SELECT COUNT(*) FROM followers").await;
        assert_eq!(left, 1, "the one that was killed; whose lease was over gives nothing of others back");
    }
}

#[tokio::test]
async fn following_ends_with_its_lease_and_goes_on_where_it_ended() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.stream(conversation, "Hi").await;
        let answer = room.messages(conversation).await[1].id;
        let Follow::Events(events) = room.chat.follow(&room.owner, conversation, answer, 0).await.unwrap() else {
            panic!("there are events");
        };
        let mut events = Box::pin(events);
        let first = events.next().await.unwrap();
        // Its reader takes an event, and then nothing for longer than any answer is written.
        room.fakes.clock.advance(LONGEST);
        assert_eq!(events.next().await, None);
        let rest = room.follow(conversation, answer, first.seq).await.unwrap();
        assert!(rest.last().unwrap().name.is_last());
    }
}

#[tokio::test]
async fn what_retention_has_taken_of_an_answer_is_gone_and_the_rest_is_told() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let live = room.stream(conversation, "Hi").await;
        assert_eq!(live.len(), 5);
        let [question, answer] = room.messages(conversation).await.try_into().unwrap();
        let sql = &*room.fakes.host.sql;
        sql.execute(Statement::new("DELETE FROM message_events")).await.unwrap();
        for seen in [2, 3] {
            let gone = room.follow(conversation, answer.id, seen).await.unwrap_err();
            assert_eq!((gone.code(), gone.kind()), ("no_longer_kept", fault::Kind::Gone), "{seen} were seen");
        }
        // What the row tells: the text as one delta, and the end.
        let end = r#"5 message.completed {"status":"completed","content":"Hello there!"}"#;
        let whole = [r#"2 message.delta {"text":"Hello there!"}"#, end];
        assert_eq!(lines(&room.follow(conversation, answer.id, 1).await.unwrap()), whole);
        assert_eq!(lines(&room.follow(conversation, answer.id, 0).await.unwrap())[1..], whole);
        assert_eq!(lines(&room.follow(conversation, answer.id, 4).await.unwrap()), [end]);

        sql.execute(Statement::new("DELETE FROM messages WHERE id = ?").bind(question.id)).await.unwrap();
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap_err().code(), "no_longer_kept");
        assert_eq!(lines(&room.follow(conversation, answer.id, 1).await.unwrap()), whole);
        let unknown = room.fakes.host.new_id();
        assert_eq!(room.follow(conversation, unknown, 0).await.unwrap_err().code(), "message_not_found");
    }
}
