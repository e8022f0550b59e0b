use super::*;

#[test]
fn names_in_rows_read_back_and_others_do_not() {
    let statuses = [Status::InProgress, Status::Completed, Status::Cancelled, Status::Failed];
    assert_eq!(statuses.map(<&str>::from), ["in_progress", "completed", "cancelled", "failed"]);
    assert_eq!([Author::User, Author::Assistant].map(<&str>::from), ["user", "assistant"]);
    assert_eq!("in_progress".parse(), Ok(Status::InProgress));
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
        assert_eq!(Failure::from_code(failure.code(), None), failure);
    }
    let busy = Failure::Model(ModelError::RateLimited { retry_after_ms: Some(70) });
    assert_eq!(Failure::from_code(busy.code(), Some(70)), busy);
    assert_eq!(Failure::from_code("model_stream_broken", None).code(), "model_stream_broken");
}
