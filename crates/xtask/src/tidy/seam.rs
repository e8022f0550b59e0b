//! Other components are called through `host::Peer` alone: nothing else spells their host name or the headers of such a call.

use super::{Finding, Source, is_test};

/// What only `host` may spell, and what to use instead.
const SPELLINGS: [(&str, &str); 2] = [
    (".spin.internal", "another component is called through host::Peer"),
    ("x-kowai-", "the headers of a chained call are written and read by host::chaining"),
];

/// Spellings that are not where they belong. Comments may tell of them.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let may = |path: &str| is_test(path) || path.starts_with("crates/host/") || path.starts_with("crates/xtask/");
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !may(&source.path)) {
        for (line, text) in source.text.lines().enumerate() {
            if text.trim_start().starts_with("//") {
                continue;
            }
            let found = SPELLINGS.iter().filter(|(spelling, _)| text.contains(spelling));
            findings.extend(found.map(|(_, instead)| format!("{}:{}: {instead}", source.path, line + 1)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str) -> Vec<Finding> {
        check(&[Source { path: path.into(), text: text.into() }])
    }

    #[test]
    fn only_host_calls_other_components() {
        let url = r#"let origin = "http://llm.spin.internal";"#;
        let header = r#"request.header("x-kowai-workspace", workspace)"#;
        for text in [url, header] {
            assert_eq!(check_text("crates/chat/src/post.rs", text).len(), 1, "{text}");
            for path in ["crates/host/src/peer.rs", "crates/edge/src/tests/guards.rs", "tests/scenarios/llm.rs"] {
                assert_eq!(check_text(path, text), Vec::<Finding>::new(), "{path}");
            }
        }
        assert_eq!(check_text("crates/llm/src/lib.rs", "//! At `http://llm.spin.internal`."), Vec::<Finding>::new());
    }
}
