//! The endpoints of the application, as people are told of them. `cargo xtask tidy` holds the list against the routes of every
//! component, and the table of README.md against the list.

use serde::Serialize;

/// One endpoint in each line: method and path, who may call it, and what it does.
const LIST: &str = include_str!("endpoints.txt");

/// An endpoint.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// Parameters in braces.
    pub(crate) path: &'static str,
    /// `public`, `signed in`, or the permission that the caller has to hold.
    pub(crate) guard: &'static str,
    /// What it does, in one sentence.
    pub(crate) summary: &'static str,
}

/// All endpoints, in the order in which somebody new meets them.
pub(crate) fn all() -> impl Iterator<Item = Endpoint> {
    LIST.lines().filter_map(parse)
}

fn parse(line: &'static str) -> Option<Endpoint> {
    let mut columns = line.splitn(3, " | ");
    let (method, path) = columns.next()?.split_once(' ')?;
    Some(Endpoint { method, path, guard: columns.next()?, summary: columns.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_endpoint() {
        assert_eq!(all().count(), LIST.lines().count());
        for endpoint in all() {
            assert!(endpoint.path.starts_with('/') && endpoint.summary.ends_with('.'), "{endpoint:?}");
        }
    }
}
