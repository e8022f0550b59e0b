//! A migration file taken apart into statements.

/// The statements of `script` without comments (`-- …`, `/* … */`): what stands between semicolons that are neither in a
/// quoted text nor in a comment.
pub(super) fn statements(script: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
                current.push(' ');
                continue;
            }
            ';' => {
                statements.push(std::mem::take(&mut current));
                rest = &rest[1..];
                continue;
            }
            '\'' | '"' | '`' => quoted(rest, first),
            _ => first.len_utf8(),
        };
        current.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    statements.push(current);
    statements.iter().map(|statement| statement.trim().to_owned()).filter(|statement| !statement.is_empty()).collect()
}

/// How long the text in `quote`s is with which `rest` begins. A doubled quote is two texts side by side, which is as good.
fn quoted(rest: &str, quote: char) -> usize {
    rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
}

/// True of a statement that changes rows, which MariaDB can do and record in one transaction; data definition commits by
/// itself.
pub(super) fn changes_rows(statement: &str) -> bool {
    let word = statement.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    ["INSERT", "UPDATE", "DELETE", "REPLACE"].iter().any(|verb| word.eq_ignore_ascii_case(verb))
}

/// True of a statement that may be carried out a second time on MariaDB without an error.
#[cfg(test)]
pub(super) fn may_run_twice(statement: &str) -> bool {
    let upper = statement.to_uppercase();
    let is_guarded = |clause: &str| clause.contains(" IF EXISTS ") || clause.contains(" IF NOT EXISTS ");
    match upper.strip_prefix("ALTER TABLE ") {
        // Each clause that adds or drops something stands for itself; what changes a column does so as often as one likes.
        Some(clauses) => clauses
            .split(" ADD ")
            .flat_map(|part| part.split(" DROP "))
            .skip(1)
            .all(|clause| is_guarded(&format!(" {clause} "))),
        None => changes_rows(statement) || is_guarded(&upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_texts_and_comments_do_not_end_a_statement() {
        let script = "-- one; two\nCREATE TABLE a (b TEXT DEFAULT 'x;''y');\n/* ; */ INSERT INTO a VALUES (\";\");\n\n;\
                      UPDATE `a;b` SET c = 'é -- no comment' -- and; this is\nWHERE 1;";
        assert_eq!(
            statements(script),
            [
                "CREATE TABLE a (b TEXT DEFAULT 'x;''y')",
                "INSERT INTO a VALUES (\";\")",
                "UPDATE `a;b` SET c = 'é -- no comment' \nWHERE 1",
            ]
        );
    }

    #[test]
    fn a_script_without_a_last_semicolon_or_with_an_open_text_loses_nothing() {
        assert_eq!(statements("SELECT 1; SELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(statements("SELECT 'open; "), ["SELECT 'open;"]);
        assert!(statements("  -- nothing\n;;").is_empty());
    }

    #[test]
    fn unguarded_definitions_are_found() {
        for guarded in [
            "CREATE TABLE IF NOT EXISTS a (b INT)",
            "CREATE UNIQUE INDEX IF NOT EXISTS i ON a (b)",
            "ALTER TABLE a ADD COLUMN IF NOT EXISTS c INT, ADD INDEX IF NOT EXISTS i (c)",
            "DROP TABLE IF EXISTS a",
            "ALTER TABLE a MODIFY COLUMN c BIGINT",
            "UPDATE a SET b = 1",
        ] {
            assert!(may_run_twice(guarded), "{guarded}");
        }
        for bare in [
            "CREATE TABLE a (b INT)",
            "CREATE INDEX i ON a (b)",
            "ALTER TABLE a ADD COLUMN c INT",
            "ALTER TABLE a ADD COLUMN IF NOT EXISTS c INT, ADD INDEX i (c)",
        ] {
            assert!(!may_run_twice(bare), "{bare}");
        }
    }
}
