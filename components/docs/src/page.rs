//! The page: one document, whole without scripts and without anything from elsewhere.

use std::fmt::Write as _;

use crate::endpoints;

/// What stands around the table of endpoints, which takes the place of the mark.
const FRAME: &str = include_str!("page.html");
const MARK: &str = "<!-- endpoints -->\n";

/// How it looks, on light and on dark screens.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The page in HTML.
pub(crate) fn html() -> String {
    let mut rows = String::new();
    for endpoint in endpoints::all() {
        // Writing to a string does not fail.
        let _ = writeln!(
            rows,
            "<tr><td><code>{}</code></td><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
            endpoint.method,
            escaped(endpoint.path),
            escaped(endpoint.guard),
            with_code(endpoint.summary)
        );
    }
    FRAME.replace("VERSION", env!("CARGO_PKG_VERSION")).replace(MARK, &rows)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `text` in which what stands in backquotes is code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| match index % 2 {
            0 => escaped(part),
            _ => format!("<code>{}</code>", escaped(part)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_in_the_table() {
        let page = html();
        for endpoint in endpoints::all() {
            assert!(page.contains(&format!("<code>{}</code></th>", endpoint.path)), "{endpoint:?}");
        }
        assert!(!page.contains(MARK) && !page.contains("VERSION"), "{page}");
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_nothing_that_its_policy_forbids() {
        let page = html();
        for forbidden in
            ["<script", "<style", " style=", " src=", "http:", "https:", "javascript:", " onclick", " onload"]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    #[test]
    fn code_is_marked_and_nothing_else_passes_as_markup() {
        assert_eq!(with_code("a `b<c>` & \"d\""), "a <code>b&lt;c&gt;</code> &amp; &quot;d&quot;");
    }
}
