//! A database that fails at the worst moment: before a statement, or after it was carried out and before it said so.

use std::collections::VecDeque;

use super::*;

/// What happens to the next write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outage {
    /// It is not carried out.
    Before,
    /// It is carried out, but its answer is lost.
    After,
}

type Outages = Arc<Mutex<VecDeque<Outage>>>;

/// A database whose writes fail as a test wants: those that are carried out together, and commits of transactions.
struct Shaky {
    sql: Arc<dyn Sql>,
    outages: Outages,
}

fn lost() -> SqlError {
    SqlError::Unavailable { reason: "the connection was lost".into() }
}

fn next(outages: &Outages) -> Option<Outage> {
    outages.lock().unwrap().pop_front()
}

/// `write`, or what `outage` makes of it.
async fn shaken<T>(outage: Option<Outage>, write: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
    match outage {
        None => write.await,
        Some(Outage::Before) => Err(lost()),
        Some(Outage::After) => write.await.and(Err(lost())),
    }
}

#[async_trait::async_trait]
impl Sql for Shaky {
    fn dialect(&self) -> Dialect {
        self.sql.dialect()
    }

    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        match statement.text().starts_with("INSERT") {
            true => shaken(next(&self.outages), self.sql.query(statement)).await,
            false => self.sql.query(statement).await,
        }
    }

    async fn execute(&self, statement: Statement) -> Result<(), SqlError> {
        self.sql.execute(statement).await
    }

    async fn affected(&self, statement: Statement) -> Result<u64, SqlError> {
        self.sql.affected(statement).await
    }

    async fn all_or_none(&self, statements: Vec<Statement>) -> Result<bool, SqlError> {
        shaken(next(&self.outages), self.sql.all_or_none(statements)).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, SqlError> {
        let transaction = self.sql.begin().await?;
        Ok(Box::new(ShakyTransaction { transaction, outages: self.outages.clone() }))
    }
}

struct ShakyTransaction {
    transaction: Box<dyn Transaction>,
    outages: Outages,
}

#[async_trait::async_trait]
impl Transaction for ShakyTransaction {
    async fn query(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.transaction.query(statement).await
    }

    async fn execute(&mut self, statement: Statement) -> Result<(), SqlError> {
        self.transaction.execute(statement).await
    }

    async fn affected(&mut self, statement: Statement) -> Result<u64, SqlError> {
        self.transaction.affected(statement).await
    }

    fn set_deadline(&mut self, limit: Duration) {
        self.transaction.set_deadline(limit);
    }

    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        shaken(next(&self.outages), self.transaction.commit()).await
    }

    async fn rollback(self: Box<Self>) -> Result<(), SqlError> {
        self.transaction.rollback().await
    }
}

#[tokio::test]
async fn an_outage_while_an_answer_is_written_loses_and_doubles_nothing() {
    use Outage::{After, Before};

    // The first write after the beginning is the first delta, the second is the end.
    for outages in [vec![Before], vec![After], vec![Before, Before, Before], vec![Before, After], vec![After, After]] {
        for database in databases().await {
            let shaken = Outages::default();
            let room = Room::on(database, |sql| Arc::new(Shaky { sql, outages: shaken.clone() }));
            let conversation = room.conversation().await;
            let lead = room.model.is_led();
            let mut events = room.begin_answer(conversation, "Hi").await;
            let writer = room.writer();
            shaken.lock().unwrap().extend(outages.clone());
            lead.unbounded_send(Ok(spoken("Hello"))).unwrap();
            writer.after(Duration::from_millis(100)).await;
            // The model goes on while the database is away, and people see what it says.
            lead.unbounded_send(Ok(spoken(" there"))).unwrap();
            writer.settles().await;
            let mut seen: Vec<Event> = events.by_ref().take(3).collect().await;
            lead.unbounded_send(Ok(last_words())).unwrap();
            seen.extend(room.while_time_passes(events.collect::<Vec<_>>()).await);
            assert_eq!(
                lines(&seen)[1..],
                [
                    r#"2 message.delta {"text":"Hello"}"#,
                    r#"3 message.delta {"text":" there"}"#,
                    r#"4 message.completed {"status":"completed","content":"Hello there"}"#,
                ]
            );
            let answer = room.messages(conversation).await.remove(1);
            assert_eq!(room.follow(conversation, answer.id, 0).await.unwrap(), seen, "{outages:?}");
            assert!(shaken.lock().unwrap().is_empty(), "{outages:?} happened");
        }
    }
}

#[tokio::test]
async fn an_outage_at_the_end_of_an_answer_ends_it_once() {
    for outage in [Outage::Before, Outage::After] {
        for database in databases().await {
            let shaken = Outages::default();
            let room = Room::on(database, |sql| Arc::new(Shaky { sql, outages: shaken.clone() }));
            let conversation = room.conversation().await;
            let lead = room.model.is_led();
            let events = room.begin_answer(conversation, "Hi").await;
            let writer = room.writer();
            lead.unbounded_send(Ok(spoken("Well"))).unwrap();
            writer.settles().await;
            shaken.lock().unwrap().push_back(outage);
            lead.unbounded_send(Ok(last_words())).unwrap();
            let events: Vec<Event> = room.while_time_passes(events.collect()).await;
            assert_eq!(
                lines(&events).last().unwrap(),
                r#"3 message.completed {"status":"completed","content":"Well"}"#
            );
            assert_eq!(room.transcript(conversation).await[1], "2 assistant completed Well", "{outage:?}");
            assert!(shaken.lock().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_database_that_stays_away_leaves_the_end_to_the_lease() {
    for database in databases().await {
        let shaken = Outages::default();
        let room = Room::on(database, |sql| Arc::new(Shaky { sql, outages: shaken.clone() }));
        let conversation = room.conversation().await;
        let lead = room.model.is_led();
        let events = room.begin_answer(conversation, "Hi").await;
        shaken.lock().unwrap().extend([Outage::Before; 20]);
        say_hello(&lead);
        let began = now(&room);
        room.while_time_passes(room.fakes.tasks.run()).await;
        assert!(now(&room).since(began) < crate::answer::LEASE, "it is given up while the lease lasts");
        let events: Vec<Event> = events.collect().await;
        assert!(events.iter().all(|event| !event.name.is_last()), "an end that is not stored is not shown: {events:?}");
        shaken.lock().unwrap().clear();
        room.let_leases_run_out().await;
        assert_eq!(room.transcript(conversation).await[1], "2 assistant failed ");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_ended_keeps_nobody_from_reading() {
    for database in databases().await {
        let shaken = Outages::default();
        let room = Room::on(database, |sql| Arc::new(Shaky { sql, outages: shaken.clone() }));
        let conversation = room.conversation().await;
        drop(room.begin_answer(conversation, "Hi").await);
        room.fakes.tasks.take();
        room.let_leases_run_out().await;
        shaken.lock().unwrap().extend([Outage::Before; 100]);
        assert_eq!(room.transcript(conversation).await, ["1 user completed Hi", "2 assistant failed "]);
        let answer = room.messages(conversation).await[1].id;
        let events = room.follow(conversation, answer, 0).await.unwrap();
        assert_eq!(<&str>::from(events.last().unwrap().name), "message.failed");
        shaken.lock().unwrap().clear();
        assert_eq!(room.follow(conversation, answer, 0).await.unwrap(), events, "it ends as it was shown");
    }
}
