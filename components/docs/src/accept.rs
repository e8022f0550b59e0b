//! Which of two forms a client wants.

use axum::http::{HeaderMap, header};

/// True where `Accept` wants JSON more than HTML (RFC 9110, section 12.5.1). Who takes anything gets the page.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let said: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let said = said.join(",");
    weight(&said, "application", "json") > weight(&said, "text", "html")
}

/// How much the media type is wanted, in thousandths: by the most particular range that names it.
fn weight(accept: &str, kind: &str, subtype: &str) -> u16 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (named_kind, named_subtype) = parts.next()?.split_once('/')?;
        let precision = match (named_kind, named_subtype) {
            ("*", "*") => 0,
            (named, "*") if named.eq_ignore_ascii_case(kind) => 1,
            (named, name) if named.eq_ignore_ascii_case(kind) && name.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse().ok())?;
        Some((precision, (f64::clamp(quality, 0.0, 1.0) * 1000.0) as u16))
    });
    ranges.max_by_key(|(precision, _)| *precision).map_or(0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_page_and_a_program_that_asks_for_it_json() {
        for (accept, json) in [
            ("", false),
            ("*/*", false),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
            ("application/json", true),
            ("application/json, */*;q=0.5", true),
            ("text/html;q=0.5, application/json", true),
            ("application/*", true),
            ("application/json;q=0.2, text/html;q=0.8", false),
            ("application/json;q=0, */*", false),
            ("nonsense, ;;;, application/json;q=x", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_json(&headers), json, "{accept}");
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }
}
