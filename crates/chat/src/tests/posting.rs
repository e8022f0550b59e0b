use std::collections::HashSet;

use fault::Fault;
use futures::future::join_all;
use llm::ModelError;

use super::*;

#[tokio::test]
async fn a_message_and_its_answer_are_stored_side_by_side() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posted = room.post(conversation, "Hi 🌍").await.unwrap();
        assert_eq!((posted.question.position, posted.answer.position), (1, 2));
        assert_eq!(posted.answer.content, "Hello there!");
        assert_eq!(posted.answer.model.as_deref(), Some("parrot"));
        assert_eq!(posted.answer.usage, Some(crate::Usage { input_tokens: 7, output_tokens: 3, is_estimated: false }));
        let told =
            |message: &Message| format!("{:?}", Message { trail: crate::message::Trail::default(), ..message.clone() });
        assert_eq!(
            room.messages(conversation).await.iter().map(told).collect::<Vec<_>>(),
            [told(&posted.question), told(&posted.answer)]
        );
        let seen = room.chat.conversation(&room.owner, conversation).await.unwrap();
        // A message is no change of what a client's If-Match is compared with.
        assert_eq!((seen.message_count, seen.version), (2, 1));
    }
}

#[tokio::test]
async fn the_model_is_told_what_was_said_before() {
    for room in rooms().await {
        room.fakes.variables.set("assistant_instructions", "Be kind.");
        let conversation = room.conversation().await;
        room.post(conversation, "one").await.unwrap();
        room.stream(conversation, "two").await;
        room.post(conversation, "three").await.unwrap();
        let asked = room.model.was_asked();
        let exchange = |text| vec![format!("user: {text}"), "assistant: Hello there!".to_owned()];
        let before = [vec!["system: Be kind.".to_owned()], exchange("one"), exchange("two")].concat();
        assert_eq!(asked[2], [before, vec!["user: three".to_owned()]].concat());
    }
}

#[tokio::test]
async fn the_model_is_told_of_the_newest_messages_only() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        for number in 0..30 {
            room.post(conversation, &format!("{number}")).await.unwrap();
        }
        let asked = room.model.was_asked().pop().unwrap();
        assert_eq!((asked.len(), &*asked[0], &*asked[50]), (51, "user: 4", "user: 29"));
    }
}

#[tokio::test]
async fn when_the_model_fails_its_error_is_returned_and_question_and_answer_stay() {
    for room in rooms().await {
        for (status, error) in [
            (503, ModelError::RateLimited { retry_after_ms: Some(1500) }),
            (422, ModelError::ContextExceeded),
            (500, ModelError::AuthFailed),
            (500, ModelError::Misconfigured { reason: "no model".into() }),
            (503, ModelError::Timeout { limit_ms: 0 }),
        ] {
            let conversation = room.conversation().await;
            room.model.refuses(status, &error);
            let refused = room.post(conversation, "Hi").await.unwrap_err();
            assert_eq!((refused.code(), refused.retry_after_ms()), (error.code(), error.retry_after_ms()));
            assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant failed "]);
            assert_eq!(room.messages(conversation).await[1].failure.as_deref(), Some(error.code()));
        }
    }
}

#[tokio::test]
async fn an_answer_in_one_piece_is_in_progress_until_then_and_can_be_cancelled() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let (chat, owner, call) = (room.chat.clone(), room.owner, room.call.clone());
        let posting = tokio::spawn(async move { chat.post(&owner, &call, conversation, question("Hi")).await });
        let waiting = async {
            while room.transcript(conversation).await.len() < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        room.with_writers(waiting).await;
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant in_progress "]);
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        let answer = room.messages(conversation).await[1].id;
        room.with_writers(room.cancel(conversation, answer)).await.unwrap();
        let posted = room.while_time_passes(posting).await.unwrap().unwrap();
        assert_eq!((<&str>::from(posted.value.answer.status), &*posted.value.answer.content), ("cancelled", "Well"));
        assert!(lead.is_closed());
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_any_more_is_stored_all_the_same() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let (chat, owner, call) = (room.chat.clone(), room.owner, room.call.clone());
        let posting = tokio::spawn(async move { chat.post(&owner, &call, conversation, question("Hi")).await });
        let tasks = loop {
            let tasks = room.fakes.tasks.take();
            if !tasks.is_empty() {
                break tasks;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        posting.abort();
        let _ = posting.await;
        futures::future::join_all(tasks).await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant completed Hello there!");
    }
}

#[tokio::test]
async fn a_second_message_waits_for_the_answer_to_the_first_only_if_it_says_so() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let _events = room.begin_answer(conversation, "one").await;
        let first = room.messages(conversation).await[1].id;
        let refused = room.post(conversation, "two").await.unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("answer_in_progress", fault::Kind::Conflict));
        assert_eq!(refused.facts().members, [("message_id", first.to_string())]);

        let queued = Question { on_busy: OnBusy::Queue, ..question("two") };
        let queued = room.post_as(conversation, queued);
        let answering = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(room.transcript(conversation).await.len(), 2, "the second message waits");
            say_hello(&lead);
        };
        room.model.was_asked();
        let (posted, ()) = room.while_time_passes(futures::future::join(queued, answering)).await;
        assert_eq!(posted.unwrap().answer.content, "Hello there!");
        assert_eq!(
            room.model.was_asked(),
            [["user: one", "assistant: Hello there!", "user: two"]],
            "the model is asked once, with the first answer"
        );
    }
}

#[tokio::test]
async fn a_message_does_not_wait_for_ever() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let _lead = room.model.is_led();
        let _events = room.begin_answer(conversation, "one").await;
        let _writer = room.writer();
        let chat = room.another_host(0);
        let (owner, call) = (room.owner, room.call.clone());
        let queued = Question { on_busy: OnBusy::Queue, ..question("two") };
        let clock = Arc::new(SetClock::default());
        clock.make_impatient();
        let chat = Chat { host: host::Host { clock, ..chat.host.clone() }, ..chat };
        let refused = chat.post(&owner, &call, conversation, queued).await.unwrap_err();
        assert_eq!(refused.code(), "answer_in_progress");
    }
}

#[tokio::test]
async fn a_message_may_interrupt_the_answer_before_it() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let _events = room.begin_answer(conversation, "one").await;
        let writer = room.writer();
        lead.unbounded_send(Ok(spoken("Well"))).unwrap();
        writer.settles().await;
        let interrupting = Question { on_busy: OnBusy::Interrupt, ..question("two") };
        room.while_time_passes(room.post_as(conversation, interrupting)).await.unwrap();
        assert_eq!(
            room.transcript(conversation).await,
            [
                "1 user completed one",
                "2 assistant cancelled Well",
                "3 user completed two",
                "4 assistant completed Hello there!"
            ]
        );
        assert!(lead.is_closed());
        assert_eq!(room.model.was_asked()[1], ["user: one", "assistant: Well", "user: two"]);
    }
}

#[tokio::test]
async fn a_message_can_be_made_to_depend_on_what_its_author_has_seen() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let first = room.post(conversation, "one").await.unwrap().answer.id;
        let after = |id| Question { expected_last_message: Some(id), ..question("two") };
        let second = room.post_as(conversation, after(first)).await.unwrap().answer.id;
        let refused = room.post_as(conversation, after(first)).await.unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("last_message_differs", fault::Kind::Conflict));
        assert_eq!(refused.facts().members, [("last_message_id", second.to_string())]);
        assert_eq!(room.transcript(conversation).await.len(), 4);
    }
}

#[tokio::test]
async fn a_message_that_no_model_could_read_is_refused_before_it_is_asked() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let refused = room.post(conversation, &"word ".repeat(1000)).await.unwrap_err();
        assert_eq!(refused.code(), "context_exceeded");
        assert_eq!(refused.facts().fields[0].pointer, "/content");
        assert!(room.model.was_asked().is_empty());
    }
}

#[tokio::test]
async fn a_model_that_the_catalogue_lacks_is_a_fault_of_the_deployment() {
    for room in rooms().await {
        room.fakes.variables.set("default_model", "gpt-nine");
        let conversation = room.conversation().await;
        let refused = room.post(conversation, "Hi").await.unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("model_misconfigured", fault::Kind::Internal));
        // Or it lacks it since the agent was looked up.
        room.fakes.variables.set("default_model", "");
        room.post(conversation, "Hi").await.unwrap();
        room.model.refuses(422, &ModelError::UnknownModel);
        assert_eq!(room.post(conversation, "Hi").await.unwrap_err().code(), "model_misconfigured");
        let events = room.stream(conversation, "Hi").await;
        assert_eq!(
            lines(&events)[1..],
            [r#"2 message.failed {"code":"model_misconfigured","for":"c-1","content":""}"#]
        );
    }
}

/// Two hundred clients at once are a scenario of their own; here more posts than there are connections take turns.
#[tokio::test]
async fn posts_at_once_lose_and_double_nothing() {
    const POSTS: i64 = 60;
    for room in rooms().await {
        let conversation = room.conversation().await;
        let posts = (0..POSTS).map(|number| {
            let room = &room;
            async move {
                let queued = Question { on_busy: OnBusy::Queue, ..question(&format!("message {number}")) };
                if number % 2 == 0 {
                    room.chat.post(&room.owner, &room.call, conversation, queued).await.map(|_| ())
                } else {
                    room.chat.post_streaming(&room.owner, &room.call, conversation, queued).await.map(|_| ())
                }
            }
        });
        let posting = room.with_writers(join_all(posts));
        for outcome in room.while_time_passes(posting).await {
            outcome.unwrap();
        }
        room.with_writers(async {
            while room.transcript(conversation).await.iter().any(|line| line.contains("in_progress")) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let messages = room.messages(conversation).await;
        let expected: Vec<i64> = (1..=2 * POSTS).collect();
        assert_eq!(messages.iter().map(|message| message.position).collect::<Vec<_>>(), expected);
        for pair in messages.chunks(2) {
            assert_eq!(pair.iter().map(|message| message.author.into()).collect::<Vec<&str>>(), ["user", "assistant"]);
            assert_eq!(pair[1].content, "Hello there!");
        }
        let said: HashSet<String> = messages.iter().step_by(2).map(|message| message.content.clone()).collect();
        let sent: HashSet<String> = (0..POSTS).map(|number| format!("message {number}")).collect();
        assert_eq!(said, sent, "nothing is lost and nothing is stored twice");
    }
}

#[tokio::test]
async fn of_messages_at_once_one_is_posted_and_the_others_are_told_of_its_answer() {
    for room in rooms().await {
        let conversation = room.conversation().await;
        let _lead = room.model.is_led();
        let posts = (0..20).map(|number| {
            let room = &room;
            async move {
                let text = question(&format!("message {number}"));
                room.chat.post_streaming(&room.owner, &room.call, conversation, text).await.map(|_| ())
            }
        });
        let outcomes = room.while_time_passes(join_all(posts)).await;
        let answer = room.messages(conversation).await[1].id;
        let (posted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((posted.len(), room.transcript(conversation).await.len()), (1, 2));
        for refused in refused.into_iter().filter_map(Result::err) {
            assert_eq!(
                (refused.code(), refused.facts().members),
                ("answer_in_progress", vec![("message_id", answer.to_string())])
            );
        }
    }
}

#[tokio::test]
async fn nothing_can_be_posted_into_a_conversation_that_is_not_there() {
    for room in rooms().await {
        let conversation = room.fakes.host.new_id();
        assert_eq!(room.post(conversation, "Hi").await.unwrap_err().code(), "conversation_not_found");
        assert!(room.model.was_asked().is_empty());
    }
}
