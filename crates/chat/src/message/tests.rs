use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn answer(status: Status, lease_until: Option<i64>) -> Message {
    Message {
        id: ids::Id::new(NOW, [1; 10]),
        conversation: ids::Id::new(NOW, [2; 10]),
        position: 2,
        author: Author::Assistant,
        status,
        content: String::new(),
        model: None,
        usage: None,
        failure: None,
        created_at: NOW,
        updated_at: NOW,
        lease_until: lease_until.map(Timestamp::from_millis),
    }
}

#[test]
fn only_an_unfinished_answer_whose_lease_is_over_is_abandoned() {
    let now = NOW.as_millis();
    for (status, lease_until, abandoned) in [
        (Status::InProgress, Some(now + 1), false),
        (Status::InProgress, Some(now), false),
        (Status::InProgress, Some(now - 1), true),
        (Status::InProgress, None, true),
        (Status::Completed, Some(now - 1), false),
        (Status::Cancelled, None, false),
        (Status::Failed, None, false),
    ] {
        assert_eq!(answer(status, lease_until).is_abandoned(NOW), abandoned, "{status:?} {lease_until:?}");
    }
}

#[test]
fn names_in_rows_read_back_and_others_do_not() {
    for status in [Status::InProgress, Status::Completed, Status::Cancelled, Status::Failed] {
        assert_eq!(status.as_str().parse::<Status>().unwrap(), status);
    }
    for author in [Author::User, Author::Assistant] {
        assert_eq!(author.as_str().parse::<Author>().unwrap(), author);
    }
    assert!("done".parse::<Status>().is_err());
    assert!("system".parse::<Author>().is_err());
}

#[test]
fn a_message_says_something_and_is_kept_as_it_is() {
    for (text, accepted) in [
        (" hello\n", true),
        ("\u{0}", true),
        ("", false),
        (" \n\t\u{a0}", false),
        (&*"é".repeat(100_000), true),
        (&*"é".repeat(100_001), false),
    ] {
        let content = Content::parse(text.to_owned());
        assert_eq!(content.is_ok(), accepted, "{} characters", text.chars().count());
        if let Ok(content) = content {
            assert_eq!(content.as_str(), text);
        }
    }
}

#[test]
fn a_failure_reads_back_from_its_code() {
    for failure in
        [Failure::Interrupted, Failure::Model(ModelError::AuthFailed), Failure::Model(ModelError::ContextExceeded)]
    {
        assert_eq!(Failure::from_code(failure.code()), failure);
    }
    assert_eq!(Failure::from_code("model_stream_broken").code(), "model_stream_broken");
}

#[tokio::test]
async fn a_pair_for_a_conversation_that_was_deleted_leaves_no_trace() {
    for database in host::fake::databases().await {
        let workspace: ids::WorkspaceId = ids::Id::new(NOW, [3; 10]);
        let mut question = Message { author: Author::User, ..answer(Status::Completed, None) };
        let mut answer = Message { id: ids::Id::new(NOW, [4; 10]), ..answer(Status::Completed, None) };
        let mut transaction = database.sql.begin().await.unwrap();
        let (dialect, pair) = (database.sql.dialect(), [&mut question, &mut answer]);
        let stored = repo::append_pair(&mut *transaction, dialect, workspace, pair).await.unwrap();
        assert!(!stored);
        transaction.rollback().await.unwrap();
        let rows = database.sql.query("SELECT COUNT(*) FROM messages", Vec::new()).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0);
    }
}
