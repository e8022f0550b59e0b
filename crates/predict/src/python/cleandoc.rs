//! `inspect.cleandoc`: how docstrings lose their indentation.

use super::text::expand_tabs;

/// Expands tabs, strips the first line on the left, removes the common margin of the later lines and drops blank lines
/// at both ends. Lines end at `\n` only; spaces at the end of a line stay.
#[must_use]
pub fn cleandoc(doc: &str) -> String {
    let expanded = expand_tabs(doc);
    let lines: Vec<&str> = expanded.split('\n').collect();
    let (first, rest) = lines.split_first().expect("split yields at least one piece");
    let indent = |line: &str| line.chars().count() - line.trim_start_matches(super::unicode::is_space).chars().count();
    let is_blank = |line: &str| super::text::strip(line).is_empty();
    let margin = rest.iter().filter(|line| !is_blank(line)).map(|line| indent(line)).min();
    let mut cleaned: Vec<String> = vec![super::text::strip_start(first).to_owned()];
    cleaned.extend(rest.iter().map(|line| line.chars().skip(margin.unwrap_or(0)).collect()));
    // Python drops lines that are empty after the margin is gone, not lines of leftover spaces.
    let start = cleaned.iter().position(|line| !line.is_empty()).unwrap_or(cleaned.len());
    let end = cleaned.iter().rposition(|line| !line.is_empty()).map_or(start, |last| last + 1);
    cleaned[start..end].join("\n")
}

#[cfg(test)]
mod tests {
    use super::cleandoc;

    #[test]
    fn the_margin_of_later_lines_goes() {
        assert_eq!(cleandoc("First.\n    Second.\n      Third.\n\n    "), "First.\nSecond.\n  Third.");
        assert_eq!(cleandoc("\n\n  a\n\tb\n"), "a\n      b");
        assert_eq!(cleandoc(""), "");
    }
}
