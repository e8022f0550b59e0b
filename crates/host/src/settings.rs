//! Settings of the deployment that are not what the program can work with: said by their name, never by their value.

use std::borrow::Cow;

use fault::faults;

use crate::{
    Host,
    sql::{MariaDbAddress, Synchronous},
};

/// A setting that the program cannot work with. Its value, which may be a secret, is nowhere in this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} {problem}")]
pub struct InvalidSetting {
    /// Which setting.
    pub name: &'static str,
    /// What is wrong with it, as the end of a sentence: "must be true or false".
    pub problem: Cow<'static, str>,
}

impl InvalidSetting {
    /// The setting `name` has the `problem`.
    pub fn new(name: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { name, problem: problem.into() }
    }
}

faults! { InvalidSetting {
    _ => Internal "misconfigured",
} }

/// What is wrong with the settings that the ports themselves read. Capabilities have a function of this name for theirs.
pub async fn check_settings(host: &Host) -> Vec<InvalidSetting> {
    let database = |text: Option<&str>| match text.map(MariaDbAddress::parse) {
        Some(Err(problem)) => Err(Cow::from(format!("is no address of a database: {problem}"))),
        Some(Ok(_)) | None => Ok(()),
    };
    let mut problems = Vec::new();
    problems.extend(check(host, "database_url", database).await);
    problems
        .extend(check(host, "sqlite_synchronous", |text| text.map_or(Ok(()), |it| synchronous(it).map(drop))).await);
    problems.extend(check(host, "auto_migrate", |text| auto_migrate(text).map(drop)).await);
    problems.extend(check(host, "retention_months", |text| retention_months(text).map(drop)).await);
    problems
}

/// What is wrong with the setting `name`, as `read` finds; `None` stands for an empty one.
pub async fn check<P: Into<Cow<'static, str>>>(
    host: &Host,
    name: &'static str,
    read: impl FnOnce(Option<&str>) -> Result<(), P> + Send,
) -> Option<InvalidSetting> {
    match host.variables.get(name).await {
        Ok(value) => read(value.as_deref()).err().map(|problem| InvalidSetting::new(name, problem)),
        Err(error) => {
            tracing::warn!(%error, "a setting could not be read");
            Some(InvalidSetting::new(name, "cannot be read"))
        }
    }
}

/// Whether this program may bring the schema up to date by itself, as `auto_migrate` says: yes, unless it says no.
pub(crate) fn auto_migrate(text: Option<&str>) -> Result<bool, &'static str> {
    match text.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err("must be true or false"),
    }
}

/// After how many months partitions are dropped, as `retention_months` says; never where it is empty.
pub(crate) fn retention_months(text: Option<&str>) -> Result<Option<u32>, &'static str> {
    let parse = |text: &str| text.trim().parse().ok().filter(|months| (1..=1200).contains(months));
    match text {
        None => Ok(None),
        Some(text) => parse(text).map(Some).ok_or("must be a number of months from 1 to 1200, or empty"),
    }
}

/// How much a commit of SQLite waits for the disk, as `sqlite_synchronous` says.
pub(crate) fn synchronous(text: &str) -> Result<Synchronous, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "full" => Ok(Synchronous::Full),
        "normal" => Ok(Synchronous::Normal),
        _ => Err("must be full or normal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fakes;

    #[test]
    fn auto_migrate_is_what_is_documented_and_nothing_else() {
        for yes in [None, Some("true"), Some("TRUE"), Some(" True ")] {
            assert_eq!(auto_migrate(yes), Ok(true), "{yes:?}");
        }
        for no in ["false", "False", "FALSE", " false", "false\n"] {
            assert_eq!(auto_migrate(Some(no)), Ok(false), "{no:?}");
        }
        for wrong in ["0", "1", "no", "off", "yes", " ", "falsch", "tru"] {
            assert!(auto_migrate(Some(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn retention_is_a_number_of_months_or_none() {
        assert_eq!(retention_months(None), Ok(None));
        assert_eq!(retention_months(Some(" 12 ")), Ok(Some(12)));
        for wrong in ["0", "-1", "1.5", "1201", "twelve", ""] {
            assert!(retention_months(Some(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_deployment_says_how_much_a_commit_waits_for_the_disk() {
        assert_eq!(synchronous("FULL"), Ok(Synchronous::Full));
        assert_eq!(synchronous(" normal"), Ok(Synchronous::Normal));
        assert!(synchronous("off").is_err() && synchronous("").is_err());
    }

    #[tokio::test]
    async fn every_wrong_setting_is_named_and_none_of_their_values() {
        let fakes = Fakes::without_database();
        assert_eq!(check_settings(&fakes.host).await, []);
        for name in ["database_url", "sqlite_synchronous", "auto_migrate", "retention_months"] {
            fakes.variables.set(name, "hunter2");
        }
        let problems = check_settings(&fakes.host).await;
        let names: Vec<&str> = problems.iter().map(|problem| problem.name).collect();
        assert_eq!(names, ["database_url", "sqlite_synchronous", "auto_migrate", "retention_months"]);
        assert!(problems.iter().all(|problem| !problem.to_string().contains("hunter2")), "{problems:?}");
    }
}
