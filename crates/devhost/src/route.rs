//! The router: which component answers a path. Patterns and precedence are Spin's, down to the same matching crate.

use std::borrow::Cow;

use anyhow::{Result, anyhow};

use crate::manifest::{StaticResponse, Trigger, TriggerRoute};

/// Who answers.
#[derive(Debug)]
pub(crate) enum Target {
    /// The component with this id.
    Component(String),
    /// The host, with what the manifest says.
    Static(StaticResponse),
}

/// One route of the manifest.
#[derive(Debug)]
pub(crate) struct Route {
    /// As the manifest has it.
    pub(crate) raw: String,
    /// Absolute and without a slash at the end.
    pub(crate) based: String,
    pub(crate) target: Target,
}

/// All routes that are reachable from outside.
#[derive(Debug)]
pub(crate) struct Router(routefinder::Router<Route>);

/// A path that a route matches.
pub(crate) struct Match<'a> {
    /// The route that matches.
    pub(crate) raw_route: &'a str,
    pub(crate) based_route: &'a str,
    /// What `...` stands for, with its first slash; empty for other routes.
    pub(crate) path_info: Cow<'a, str>,
    /// What `:name` stands for.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Router {
    /// Builds the router. Of two triggers with the same route the later one is used, as in Spin, and the fact is printed.
    pub(crate) fn new(triggers: &[Trigger]) -> Result<Self> {
        let mut routes: Vec<Route> = Vec::new();
        for trigger in triggers {
            let TriggerRoute::Path(raw) = &trigger.route else { continue };
            let target = match (&trigger.component, &trigger.static_response) {
                (Some(id), _) => Target::Component(id.clone()),
                (None, Some(response)) => Target::Static(response.clone()),
                (None, None) => return Err(anyhow!("the trigger of route {raw} has no destination")),
            };
            let route = Route { raw: raw.clone(), based: absolute(raw), target };
            match routes.iter_mut().find(|earlier| earlier.raw == route.raw) {
                Some(earlier) => {
                    eprintln!("The route {raw} is there twice; the earlier trigger will never be used.");
                    *earlier = route;
                }
                None => routes.push(route),
            }
        }
        let mut router = routefinder::Router::new();
        for route in routes {
            let pattern = match route.based.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => route.based.clone(),
            };
            let raw = route.raw.clone();
            router.add(pattern, route).map_err(|error| anyhow!("the route {raw} cannot be used: {error}"))?;
        }
        Ok(Self(router))
    }

    /// Finds who answers `path`: the exact route before wildcards, among these the one with the longest prefix.
    pub(crate) fn find<'a>(&'a self, path: &'a str) -> Option<(&'a Target, Match<'a>)> {
        let best = self.0.best_match(path)?;
        let route = best.handler();
        let captures = best.captures();
        // The crate swallows slashes at the ends of what a wildcard stands for; Spin's components see them.
        let path_info = match captures.wildcard() {
            None => Cow::Borrowed(""),
            Some("") if !path.ends_with('/') => Cow::Borrowed(""),
            Some("") => Cow::Borrowed("/"),
            Some(_) => {
                let prefix = captures.wildcard().map_or(0, |rest| path.trim_end_matches('/').len() - rest.len() - 1);
                Cow::Borrowed(&path[prefix..])
            }
        };
        let parameters = captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some((&route.target, Match { raw_route: &route.raw, based_route: &route.based, path_info, parameters }))
    }

    /// The routes in the order in which they are tried, as (shown path, who answers).
    pub(crate) fn routes(&self) -> impl Iterator<Item = (String, &Target)> {
        self.0.iter().map(|(_, route)| {
            let prefix = route.based.strip_suffix("/...").or_else(|| route.based.strip_suffix("/*"));
            let path = prefix.unwrap_or(&route.based);
            let path = if path.is_empty() { "/" } else { path };
            let wildcard = if prefix.is_some() { " (wildcard)" } else { "" };
            (format!("{path}{wildcard}"), &route.target)
        })
    }
}

impl Match<'_> {
    /// The match of a request that comes over service chaining: every path, under `/...`.
    pub(crate) fn chained(path: &str) -> Match<'_> {
        Match { raw_route: "/...", based_route: "/...", path_info: Cow::Borrowed(path), parameters: Vec::new() }
    }
}

fn absolute(route: &str) -> String {
    let route = route.strip_suffix('/').unwrap_or(route);
    if route.starts_with('/') || route.is_empty() { route.to_owned() } else { format!("/{route}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router {
        let trigger =
            |route: &&str| toml::from_str::<Trigger>(&format!("route = {route:?}\ncomponent = {route:?}\n")).unwrap();
        Router::new(&routes.iter().map(trigger).collect::<Vec<_>>()).unwrap()
    }

    /// Shows a match as `route path-info name=value`.
    fn find(router: &Router, path: &str) -> String {
        let Some((Target::Component(id), found)) = router.find(path) else { return "nobody".to_owned() };
        let parameters: String = found.parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        assert_eq!(id, found.raw_route);
        format!("{id} {:?}{parameters}", found.path_info)
    }

    #[test]
    fn the_most_specific_route_answers() {
        for order in [
            ["/one/...", "/one/two/...", "/one/two", "/...", "/users/:id", "/users/:id/posts/...", "/users/me"],
            ["/users/me", "/users/:id/posts/...", "/users/:id", "/...", "/one/two", "/one/two/...", "/one/..."],
        ] {
            let router = router(&order);
            for (path, found) in [
                ("/one/two", r#"/one/two """#),
                ("/one/two/three", r#"/one/two/... "/three""#),
                ("/one/other/", r#"/one/... "/other/""#),
                ("/one", r#"/one/... """#),
                ("/one/", r#"/one/... "/""#),
                ("/", r#"/... "/""#),
                ("/a/b", r#"/... "/a/b""#),
                ("/users/me", r#"/users/me """#),
                ("/users/7", r#"/users/:id "" id=7"#),
                ("/users/7/posts/a/b", r#"/users/:id/posts/... "/a/b" id=7"#),
            ] {
                assert_eq!(find(&router, path), found, "{path}");
            }
        }
    }

    #[test]
    fn without_a_route_nobody_answers() {
        let router = router(&["/a", "/b/..."]);
        assert_eq!(find(&router, "/c"), "nobody");
        assert_eq!(find(&router, "/a/x"), "nobody");
        assert_eq!(find(&router, "/bx"), "nobody");
    }

    #[test]
    fn private_routes_are_not_reachable() {
        let trigger: Trigger = toml::from_str("route = { private = true }\ncomponent = \"llm\"").unwrap();
        let router = Router::new(&[trigger]).unwrap();
        assert_eq!(find(&router, "/"), "nobody");
        assert_eq!(router.routes().count(), 0);
    }

    #[test]
    fn routes_are_listed_as_spin_lists_them() {
        let shown: Vec<String> = router(&["/", "/v1/...", "/health"]).routes().map(|(path, _)| path).collect();
        for path in ["/", "/v1 (wildcard)", "/health"] {
            assert!(shown.iter().any(|s| s == path), "{path} in {shown:?}");
        }
    }
}
