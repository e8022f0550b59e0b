//! Python's `str` methods that depend on what it takes for space and for the end of a line.

use super::unicode::is_space;

/// `str.strip()`.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.lstrip()`.
#[must_use]
pub fn strip_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// `str.rstrip()`.
#[must_use]
pub fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.splitlines()`: lines end at `\n`, `\r`, `\r\n`, VT, FF, FS, GS, RS, NEL, U+2028 and U+2029; a final line end
/// starts no further line.
pub fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((at, end)) = rest.char_indices().find(|(_, ch)| is_line_end(*ch)) else {
            return Some(std::mem::take(&mut rest));
        };
        let width = if rest[at..].starts_with("\r\n") { 2 } else { end.len_utf8() };
        let line = &rest[..at];
        rest = &rest[at + width..];
        Some(line)
    })
}

fn is_line_end(ch: char) -> bool {
    matches!(ch, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `str.expandtabs()` with columns of 8; `\n` and `\r` start a new count.
#[must_use]
pub fn expand_tabs(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut column = 0;
    for ch in text.chars() {
        match ch {
            '\t' => {
                let spaces = 8 - column % 8;
                expanded.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            '\n' | '\r' => {
                expanded.push(ch);
                column = 0;
            }
            _ => {
                expanded.push(ch);
                column += 1;
            }
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_python_ends_them() {
        let lines: Vec<_> = split_lines("a\r\nb\u{2028}c\u{c}d\u{85}\ne\n").collect();
        assert_eq!(lines, ["a", "b", "c", "d", "", "e"]);
        assert_eq!(split_lines("").count(), 0);
    }

    #[test]
    fn stripping_knows_the_information_separators() {
        assert_eq!(strip("\u{1f}\u{a0} a b \u{3000}\n"), "a b");
    }

    #[test]
    fn tabs_reach_the_next_column_of_eight() {
        assert_eq!(expand_tabs("a\tb\n\tc"), "a       b\n        c");
    }
}
