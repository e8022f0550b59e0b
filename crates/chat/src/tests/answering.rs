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
        assert_eq!(answer.usage, Some(crate::Usage { input_tokens: 7, output_tokens: 3, is_estimated: false }));
        assert_eq!(answer.finish_reason, Some(crate::FinishReason::Stop));
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events);
    }
}

#[tokio::test]
async fn question_and_answer_are_stored_before_anybody_is_told_while_the_model_is_asked_already() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let _lead = room.model.is_led();
        let mut events = room.begin_answer(conversation, "Hi").await;
        assert_eq!(room.model.was_asked(), [["user: Hi"]]);
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant in_progress "]);
        let started = events.next().now_or_never().flatten().unwrap();
        assert_eq!(lines(&[started]), [r#"1 message.started {"asked":"Hi","status":"in_progress","begins":""}"#]);
    }
}

#[tokio::test]
async fn what_comes_together_is_one_event() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        lead.unbounded_send(Ok([spoken("Hel"), spoken("lo")].concat().into())).unwrap();
        lead.unbounded_send(Ok(spoken("!"))).unwrap();
        lead.unbounded_send(Ok(last_words())).unwrap();
        let events: Vec<Event> = room.with_writers(events.collect()).await;
        assert_eq!(
            lines(&events)[1..],
            [
                r#"2 message.delta {"text":"Hello!"}"#,
                r#"3 message.completed {"status":"completed","content":"Hello!"}"#,
            ]
        );
        // The text of the answer says what its one delta says.
        assert_eq!(room.number("SELECT COUNT(*) FROM message_events").await, 0);
        let answer = room.messages(conversation).await[1].id;
        for (after, event) in events.iter().enumerate() {
            assert_eq!(room.follow(conversation, answer, after as u64).await.unwrap()[0], *event);
        }
    }
}

#[tokio::test]
async fn a_word_is_shown_at_once_and_stored_soon_after() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let mut events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        let started = events.next().await.unwrap();
        let answer = room.messages(conversation).await[1].id;
        let mut seen = vec![started];
        for word in ["Well", ", ", "yes"] {
            lead.unbounded_send(Ok(spoken(word))).unwrap();
            writer.settles().await;
            // No time has passed.
            seen.push(events.next().now_or_never().flatten().expect("a word is shown when it comes"));
            writer.after(Duration::from_millis(100)).await;
            // The instance may die here: nothing of it is left but the database.
            let stored = stored(&room, conversation, answer).await.take(seen.len()).collect::<Vec<_>>().await;
            assert_eq!(stored, seen);
        }
    }
}

#[tokio::test]
async fn words_that_come_close_together_are_stored_together() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let _events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        for number in 0..20 {
            lead.unbounded_send(Ok(spoken(&format!("{number} ")))).unwrap();
            writer.after(Duration::from_millis(20)).await;
        }
        let rows = room.number("SELECT COUNT(*) FROM message_events").await;
        assert!((5..=8).contains(&rows), "400 ms are {rows} writes");
    }
}

async fn stored(
    room: &Room,
    conversation: ConversationId,
    answer: MessageId,
) -> impl Stream<Item = Event> + Send + use<> {
    match room.chat.follow(&room.owner, conversation, answer, 0).await.unwrap() {
        Follow::Events(events) => events,
        Follow::Nothing => panic!("a follower from the beginning sees something"),
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
async fn a_client_that_does_not_read_is_cut_off_and_can_come_back_for_the_rest() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let words: Vec<String> = (0..2000).map(|number| format!("{number} ")).collect();
        room.model.says(&words.iter().map(|word| &**word).collect::<Vec<_>>());
        let events = room.begin_answer(conversation, "Count").await;
        room.with_writers(async {
            while room.transcript(conversation).await[1].contains("in_progress") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let seen: Vec<Event> = events.collect().await;
        assert!(seen.len() < 1100 && seen.iter().all(|event| !event.name.is_last()), "{} events", seen.len());
        let answer = room.messages(conversation).await[1].id;
        let rest = room.follow(conversation, answer, seen.last().unwrap().seq).await.unwrap();
        assert_eq!([seen, rest].concat().len(), 2002);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_fails_with_what_it_said() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        room.model.breaks_off_after(&["Let me", " th"]);
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(
            lines(&events).last().unwrap(),
            r#"4 message.failed {"code":"model_stream_broken","for":"c-1","content":"Let me th"}"#
        );
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed Let me th");
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.failure.as_deref(), Some("model_stream_broken"));
        let usage = answer.usage.unwrap();
        assert!(usage.is_estimated && usage.input_tokens > 0 && usage.output_tokens == 3, "{usage:?}");
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
        room.model.refuses(503, &llm::ModelError::RateLimited { retry_after_ms: Some(1500) });
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(
            lines(&events)[1..],
            [r#"2 message.failed {"code":"model_rate_limited","wait":1500,"for":"c-1","content":""}"#]
        );
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant failed "]);
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.usage, None, "the model did nothing");
        assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events);
    }
}

#[tokio::test]
async fn why_the_model_stopped_is_stored_with_the_answer() {
    let chunk = |delta: &str, reason: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n")
    };
    let text = chunk(r#"{"content":"Well"}"#, "null");
    let done = "data: [DONE]\n\n".to_owned();
    let end = |reason: &str| chunk("{}", reason) + &done;
    for room in rooms().await {
        for (sent, line, reason) in [
            (text.clone() + &end(r#""length""#), "completed Well", Some("length")),
            (text.clone() + &end(r#""content_filter""#), "completed Well", Some("content_filter")),
            (end(r#""content_filter""#), "completed ", Some("content_filter")),
            (
                chunk(r#"{"refusal":"I will not."}"#, "null") + &end(r#""stop""#),
                "completed I will not.",
                Some("refusal"),
            ),
            (
                chunk(r#"{"tool_calls":[{"index":0}]}"#, "null") + &end(r#""tool_calls""#),
                "completed ",
                Some("tool_calls"),
            ),
            (text.clone() + &end(r#""error""#), "failed Well", Some("error")),
            (text.clone() + &done, "failed Well", None),
            (chunk("{}", "null") + &done, "failed ", None),
            (done.clone(), "failed ", None),
            ("data: {\"choices\":[]}\n\n".to_owned() + &done, "failed ", None),
            (text.clone() + &end(r#""whatever""#), "completed Well", None),
        ] {
            let conversation = room.conversation().await;
            room.model.sends(&[&sent]);
            let events = room.stream(conversation, "Hi").await;
            assert_eq!(room.transcript(conversation).await[1], format!("2 assistant {line}"), "{sent}");
            let answer = room.messages(conversation).await.remove(1);
            assert_eq!(answer.finish_reason.map(<&str>::from), reason, "{sent}");
            assert!(answer.usage.is_some_and(|usage| usage.is_estimated), "the provider told none: {sent}");
            assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), events, "{sent}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_where_it_is_too_long_to_be_stored() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        // Characters of three bytes, so that the limit is within one.
        let piece = "\u{20ac}".repeat(100_000);
        for _ in 0..20 {
            lead.unbounded_send(Ok(spoken(&piece))).unwrap();
        }
        let events: Vec<Event> = room.while_time_passes(room.with_writers(events.collect())).await;
        assert!(lead.is_closed(), "the model is let go");
        assert_eq!(<&str>::from(events.last().unwrap().name), "message.completed");
        let answer = room.messages(conversation).await.remove(1);
        assert_eq!(answer.finish_reason, Some(crate::FinishReason::Length));
        assert_eq!(answer.content.len(), (4 << 20) / 3 * 3);
        assert!(answer.usage.is_some_and(|usage| usage.is_estimated && usage.output_tokens > 1_000_000));
    }
}

#[tokio::test]
async fn a_long_answer_keeps_its_lease() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        drop(room.begin_answer(conversation, "Hi").await);
        let writer = room.writer();
        let lease = || room.number("SELECT MAX(lease_until) FROM messages");
        let first = lease().await;
        let began = now(&room);
        while now(&room).since(began) < Duration::from_secs(9) {
            writer.after(Duration::from_millis(500)).await;
        }
        assert_eq!(lease().await, first, "it is not renewed all the time");
        tokio::time::sleep(Duration::from_millis(2)).await;
        writer.after(Duration::from_secs(1)).await;
        assert!(lease().await > first);
        lead.unbounded_send(Ok(last_words())).unwrap();
        assert!(writer.settles().await);
        assert_eq!(room.transcript(conversation).await[1], "2 assistant completed ");
    }
}

#[tokio::test]
async fn hosts_whose_clocks_differ_agree_on_who_is_alive() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.after(Duration::from_millis(100)).await;
        for skew_ms in [-40_000_i64, 40_000] {
            let other = room.another_host(skew_ms);
            let messages = other.messages(&room.owner, conversation, 0, 10).await.unwrap().messages;
            assert_eq!(<&str>::from(messages[1].status), "in_progress", "{skew_ms} ms");
            let Follow::Events(seen) = other.follow(&room.owner, conversation, messages[1].id, 0).await.unwrap() else {
                panic!("there is something to see");
            };
            assert_eq!(seen.take(2).count().await, 2);
        }
        lead.unbounded_send(Ok(last_words())).unwrap();
        writer.settles().await;
        let events: Vec<Event> = events.collect().await;
        assert_eq!(lines(&events).last().unwrap(), r#"3 message.completed {"status":"completed","content":"Well"}"#);
    }
}

#[tokio::test]
async fn what_the_answers_of_an_instance_show_is_stored_in_one_statement() {
    for database in databases().await {
        let statements = Arc::new(std::sync::OnceLock::<Arc<CountedSql>>::new());
        let room = Room::on(database, |sql| statements.get_or_init(|| Arc::new(CountedSql::new(sql))).clone());
        let statements = statements.get().unwrap();
        let mut answers = Vec::new();
        for _ in 0..5 {
            let (conversation, lead) = (room.conversation().await, room.model.is_led());
            let events = room.begin_answer(conversation, "Hi").await;
            answers.push((conversation, lead, events, room.writer()));
        }
        let settle = async || {
            for (.., writer) in &answers {
                writer.settles().await;
            }
        };
        settle().await;
        for (number, (_, lead, ..)) in answers.iter().enumerate() {
            lead.unbounded_send(Ok(spoken(&format!("word {number}")))).unwrap();
        }
        statements.take_statements();
        settle().await;
        for _ in 0..3 {
            room.fakes.clock.advance(Duration::from_millis(100));
            settle().await;
        }
        let is_of_events = |statement: &&String| statement.starts_with("INSERT INTO message_events");
        let statements = statements.take_statements();
        let inserts = statements.iter().filter(is_of_events).count();
        assert!((1..=2).contains(&inserts), "{statements:#?}");
        for (number, (conversation, ..)) in answers.iter().enumerate() {
            let answer = room.messages(*conversation).await[1].id;
            let seen: Vec<Event> = stored(&room, *conversation, answer).await.take(2).collect().await;
            assert_eq!(lines(&seen)[1], format!(r#"2 message.delta {{"text":"word {number}"}}"#));
        }
    }
}
