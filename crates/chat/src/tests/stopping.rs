//! Answers that somebody stops, and answers whose writer dies.

use fault::Fault;

use super::*;

#[tokio::test]
async fn cancelling_keeps_what_was_shown_and_stops_the_model() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.settles().await;
        assert_eq!(room.number("SELECT COUNT(*) FROM message_events").await, 0, "it is shown and not stored");
        let answer = room.messages(conversation).await[1].id;
        let cancelled = room.cancel(conversation, answer).await.unwrap();
        assert_eq!((<&str>::from(cancelled.status), &*cancelled.content), ("cancelled", "Well"));
        let usage = cancelled.usage.unwrap();
        assert!(usage.is_estimated && usage.input_tokens > 0 && usage.output_tokens == 1, "{usage:?}");
        assert!(writer.settles().await, "the writer stops");
        assert!(lead.is_closed(), "nobody reads the model any more");
        let events: Vec<Event> = events.collect().await;
        assert_eq!(
            lines(&events)[1..],
            [r#"2 message.delta {"text":"Well"}"#, r#"3 message.cancelled {"status":"cancelled","content":"Well"}"#]
        );
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), events);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant cancelled Well");
    }
}

#[tokio::test]
async fn a_silent_model_is_let_go_within_200_ms_whichever_instance_cancels() {
    for room in rooms().await {
        for elsewhere in [false, true] {
            let conversation = room.conversation().await;
            let lead = room.model.is_led();
            let events = room.begin_answer(conversation, "Hi").await;
            let writer = room.writer();
            // Some time into the answer, at no round moment.
            for _ in 0..7 {
                writer.after(Duration::from_millis(33)).await;
            }
            let answer = room.messages(conversation).await[1].id;
            let chat = if elsewhere { room.another_host(0) } else { room.chat.clone() };
            let (owner, call) = (room.owner, room.call.clone());
            let cancelling = tokio::spawn(async move { chat.cancel(&owner, conversation, answer, &call).await });
            let asked =
                "SELECT COUNT(*) FROM messages WHERE cancel_requested_at IS NOT NULL AND status = 'in_progress'";
            while room.number(asked).await == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let began = now(&room);
            while !lead.is_closed() {
                writer.after(Duration::from_millis(10)).await;
            }
            let took = now(&room).since(began);
            assert!(took <= Duration::from_millis(200), "{took:?}, elsewhere: {elsewhere}");
            writer.settles().await;
            cancelling.abort();
            let events: Vec<Event> = events.collect().await;
            assert_eq!(lines(&events)[1..], [r#"2 message.cancelled {"status":"cancelled","content":""}"#]);
        }
    }
}

#[tokio::test]
async fn an_answer_whose_writer_is_dead_can_be_cancelled() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let _lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        room.fakes.tasks.take();
        let unwritten = room.messages(conversation).await.remove(1);
        let first = room.cancel(conversation, unwritten.id).await.unwrap();
        let again = room.cancel(conversation, unwritten.id).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(<&str>::from(first.status), "cancelled");
    }
}

#[tokio::test]
async fn only_an_answer_that_is_being_written_can_be_cancelled() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posted = room.post(conversation, "Hi").await.unwrap();
        for message in [posted.question.id, posted.answer.id] {
            let refused = room.cancel(conversation, message).await.unwrap_err();
            assert_eq!((refused.code(), refused.kind()), ("answer_ended", fault::Kind::Conflict));
        }
    }
}

#[tokio::test]
async fn an_answer_whose_writer_is_killed_ends_as_interrupted_above_all_that_was_shown() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let mut live = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.after(Duration::from_millis(100)).await;
        lead.unbounded_send(Ok(spoken(", I think"))).unwrap();
        writer.settles().await;
        let seen: Vec<Event> = live.by_ref().take(3).collect().await;
        assert_eq!(lines(&seen)[2], r#"3 message.delta {"text":", I think"}"#);
        writer.kill().await;
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(<&str>::from(answer.status), "in_progress");

        // The last words were shown and are lost. Who saw them is not refused, and is told how the answer stands.
        let Follow::Events(resumed) = room.chat.follow(&room.owner, conversation, answer.id, 3).await.unwrap() else {
            panic!("there is more to come");
        };
        let invented = room.follow(conversation, answer.id, crate::generation::BLOCK + 1).await.unwrap_err();
        assert_eq!(invented.code(), "event_not_found");
        room.let_leases_run_out().await;
        let resumed: Vec<Event> = room.while_time_passes(resumed.collect()).await;
        let end =
            format!(r#"4097 message.failed {{"code":"answer_interrupted","for":"{}","content":"Well"}}"#, answer.id);
        assert_eq!(lines(&resumed), [end]);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed Well");
        let events = room.follow(conversation, answer.id, 0).await.unwrap();
        assert_eq!(events, [&seen[..2], &resumed].concat());
        for (after, rest) in [(2, 1), (3, 1), (4000, 1), (4097, 0)] {
            assert_eq!(room.follow(conversation, answer.id, after).await.unwrap().len(), rest, "{after}");
        }
        assert_eq!(room.follow(conversation, answer.id, 4098).await.unwrap_err().code(), "event_not_found");
        let usage = room.messages(conversation).await.remove(1).usage.unwrap();
        assert!(usage.is_estimated && usage.output_tokens == 1, "{usage:?}");
    }
}

#[tokio::test]
async fn a_writer_that_was_held_up_beyond_its_lease_changes_nothing() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        room.let_leases_run_out().await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed ");

        say_hello(&lead);
        room.fakes.tasks.run().await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed ");
        let events: Vec<Event> = events.collect().await;
        // What it has shown meanwhile is taken back by the end, which has what is stored.
        let end = lines(&events).pop().unwrap();
        assert!(end.starts_with(r#"4097 message.failed {"code":"answer_interrupted""#), "{end}");
    }
}
