//! What is checked: the database, its schema and the settings.

use std::time::Duration;

use host::{Host, InvalidSetting, MigrateError, ReadyError, SchemaState, within};
use serde::Serialize;

/// How long the database has for its answer: a probe gives up soon after.
const LIMIT: Duration = Duration::from_secs(2);

/// The outcome of each check, by name.
#[derive(Serialize)]
pub(crate) struct Checks {
    database: Check,
    schema: Check,
    settings: Settings,
}

/// An outcome. What failed exactly is in the log; a reason holds neither addresses nor secrets.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Check {
    Passed,
    /// The schema is older than the program, and the next request brings it up to date. Requests can be sent: were they held
    /// back, nothing ever would.
    Pending,
    Failed {
        reason: String,
    },
    Skipped,
}

/// What is wrong with the settings, each by its name and none with its value.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Settings {
    Passed,
    Failed { problems: Vec<Problem> },
}

#[derive(Serialize)]
struct Problem {
    setting: String,
    problem: String,
}

impl From<InvalidSetting> for Problem {
    fn from(invalid: InvalidSetting) -> Self {
        Self { setting: invalid.name.to_owned(), problem: invalid.problem.into_owned() }
    }
}

impl Checks {
    /// Checks everything, and changes nothing.
    pub(crate) async fn run(host: &Host) -> Self {
        let ((database, schema), settings) = futures::join!(database(host), settings(host));
        Self { database, schema, settings }
    }

    pub(crate) fn is_passed(&self) -> bool {
        let can_work = |check: &Check| matches!(check, Check::Passed | Check::Pending);
        can_work(&self.database) && can_work(&self.schema) && matches!(self.settings, Settings::Passed)
    }
}

/// The database and its schema, which a probe never changes.
async fn database(host: &Host) -> (Check, Check) {
    match within(host.clock.as_ref(), LIMIT, host::schema_state(host)).await {
        Ok(Ok(SchemaState::Current)) => (Check::Passed, Check::Passed),
        Ok(Ok(SchemaState::Pending)) => (Check::Passed, Check::Pending),
        Ok(Err(ReadyError::Migrate(MigrateError::Sql(error)))) => (failed("database", &error), Check::Skipped),
        Ok(Err(error)) => (Check::Passed, failed("schema", &error)),
        Err(elapsed) => (failed("database", &elapsed), Check::Skipped),
    }
}

fn failed(name: &str, error: &(impl std::error::Error + 'static)) -> Check {
    tracing::warn!(check = name, cause = ?error, "a health check failed");
    Check::Failed { reason: error.to_string() }
}

/// Each capability checks its own settings.
async fn settings(host: &Host) -> Settings {
    let mut problems: Vec<Problem> = host::check_settings(host).await.into_iter().map(Problem::from).collect();
    match auth::check_settings(host).await {
        Ok(wrong) => problems.extend(wrong.into_iter().map(Problem::from)),
        Err(error) => {
            tracing::warn!(cause = ?error, "a health check failed");
            problems.push(Problem { setting: error.name, problem: "cannot be read".to_owned() });
        }
    }
    problems.extend(llm::check_settings(host).await.into_iter().map(Problem::from));
    for Problem { setting, problem } in &problems {
        tracing::warn!(setting, problem, "a setting is wrong");
    }
    if problems.is_empty() { Settings::Passed } else { Settings::Failed { problems } }
}
