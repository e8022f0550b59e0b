//! Reports of the devhost's strict mode: what would have hung or panicked Spin.

/// What a report begins with.
const MARK: &str = "devhost: strict: component ";

/// All reports in what the host said, each with the indented lines that explain it.
pub(crate) fn all(host_log: &str) -> Vec<String> {
    let lines: Vec<&str> = host_log.lines().collect();
    let begins = (0..lines.len()).filter(|&at| lines[at].starts_with(MARK));
    let whole = |at: usize| {
        let rest = lines[at + 1..].iter().take_while(|line| line.starts_with("    "));
        rest.fold(lines[at].to_owned(), |report, line| report + "\n" + line)
    };
    begins.map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_ends_where_its_indentation_does() {
        let log = "Serving http://127.0.0.1:3000\n    /hello\n\
                   worker failed: first\n\
                   devhost: strict: component probe: first\n    thread panicked\n    as asked\n\
                   worker failed: second\n    0: its backtrace\n\
                   devhost: strict: component private: second\n\
                   devhost: strict: 2 violation(s)\n";
        let first = "devhost: strict: component probe: first\n    thread panicked\n    as asked";
        assert_eq!(all(log), [first, "devhost: strict: component private: second"]);
        assert!(all("Serving http://127.0.0.1:3000\n").is_empty());
    }
}
