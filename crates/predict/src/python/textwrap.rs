//! `textwrap.dedent`: removing what all lines have in common on the left.

/// Empties lines of blanks and tabs, then removes the longest common leading run of blanks and tabs from every line.
#[must_use]
pub fn dedent(text: &str) -> String {
    let is_margin = |ch: char| matches!(ch, ' ' | '\t');
    let lines: Vec<&str> = text.split('\n').map(|line| if line.chars().all(is_margin) { "" } else { line }).collect();
    let margins = lines.iter().filter(|line| !line.is_empty()).map(|line| {
        let body = line.trim_start_matches(is_margin);
        &line[..line.len() - body.len()]
    });
    let margin = margins.reduce(common_prefix).unwrap_or("");
    let dedented: Vec<&str> = lines.iter().map(|line| line.strip_prefix(margin).unwrap_or(line)).collect();
    dedented.join("\n")
}

/// The longest common start of two margins; they are ASCII, so that bytes are characters.
fn common_prefix<'a>(left: &'a str, right: &'a str) -> &'a str {
    let len = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    &left[..len]
}

#[cfg(test)]
mod tests {
    use super::dedent;

    #[test]
    fn only_the_common_margin_goes() {
        assert_eq!(dedent("  a\n    b\n   \n  c"), "a\n  b\n\nc");
        assert_eq!(dedent("\ta\n  b"), "\ta\n  b");
    }
}
