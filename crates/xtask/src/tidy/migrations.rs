//! Rules of migrations after the first: they run while an older version works on the same tables.

use super::{Checkout, Violation};

/// What a statement may not say, unless it has one of the words that make it harmless.
const RULES: &[(&str, &[&str], &str)] = &[
    (
        "CREATE INDEX",
        &["CONCURRENTLY"],
        "an index is built with CONCURRENTLY, in a file that begins with `-- no-transaction`: otherwise nobody writes \
         meanwhile",
    ),
    (
        "CREATE UNIQUE INDEX",
        &["CONCURRENTLY"],
        "an index is built with CONCURRENTLY, in a file that begins with `-- no-transaction`: otherwise nobody writes \
         meanwhile",
    ),
    (
        "ADD CONSTRAINT",
        &["NOT VALID"],
        "a constraint is added with NOT VALID and validated by another migration: otherwise the table is locked while all \
         rows are read",
    ),
    (
        "NOT NULL",
        &["DEFAULT", "CREATE TABLE", "SET NOT NULL", "DROP NOT NULL"],
        "a column is added with a DEFAULT, or may be NULL: the version before writes rows without it",
    ),
    ("SET NOT NULL", &[], CONTRACTS),
    ("DROP COLUMN", &[], CONTRACTS),
    ("DROP TABLE", &[], CONTRACTS),
    ("RENAME", &[], CONTRACTS),
    ("ALTER COLUMN", &["SET DEFAULT", "DROP NOT NULL"], CONTRACTS),
];

/// A file that begins like this takes away what no version that still runs needs.
const CONTRACT: &str = "-- contract:";
const CONTRACTS: &str = "an older version still needs it; a file that only cleans up when none runs begins with \
                         `-- contract: ` and says since which version";

pub fn later_ones_leave_room_for_the_version_before(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for file in &checkout.migrations {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("0001_") {
            continue;
        }
        let text = checkout.text(file)?;
        let is_contract = text.starts_with(CONTRACT);
        let mut first_line = 1;
        for statement in text.split_inclusive(';') {
            // A statement begins where its first word is: blank lines and comments before it are not its own.
            let lines = || {
                statement
                    .lines()
                    .map(|line| line.split("--").next().unwrap_or_default())
            };
            let blank = lines().take_while(|line| line.trim().is_empty()).count();
            let words = lines().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
            let words = words.to_uppercase();
            let is_excused = |excused_by: &[&str], message: &str| {
                excused_by.iter().any(|excuse| words.contains(excuse))
                    || (is_contract && message == CONTRACTS)
                    || is_of_a_new_table(&words, &text)
            };
            let broken = RULES
                .iter()
                .find(|(pattern, excused_by, message)| words.contains(pattern) && !is_excused(excused_by, message));
            violations.extend(broken.map(|(_, _, message)| Violation {
                file: file.clone(),
                line: first_line + blank,
                message: (*message).to_owned(),
            }));
            first_line += statement.matches('\n').count();
        }
    }
    Ok(violations)
}

/// Whether a statement builds an index on a table that the same file creates, which nobody uses yet.
fn is_of_a_new_table(statement: &str, file: &str) -> bool {
    let table = statement
        .split(" ON ")
        .nth(1)
        .and_then(|rest| rest.split([' ', '(']).next());
    table.is_some_and(|table| file.to_uppercase().contains(&format!("CREATE TABLE {table} ")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::later_ones_leave_room_for_the_version_before as rule;

    const FIRST: &str = "services/x/service/migrations/0001_x.sql";
    const LATER: &str = "services/x/service/migrations/0002_more.sql";

    #[test]
    fn the_first_migration_may_do_anything() {
        assert_eq!(
            findings(rule, &[(FIRST, "CREATE INDEX a ON b (c);")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_later_one_locks_nothing_for_long_and_takes_nothing_away() {
        for wrong in [
            "CREATE UNIQUE INDEX a ON b (c);",
            "ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0);",
            "ALTER TABLE b\n  DROP COLUMN c;",
            "ALTER TABLE b RENAME COLUMN c TO d;",
            "ALTER TABLE b ALTER COLUMN c TYPE bigint;",
            "ALTER TABLE b ADD COLUMN c bigint NOT NULL;",
        ] {
            let text = format!("-- Adds something.\n{wrong}\n");
            let found = findings(rule, &[(LATER, text.as_str())]);
            assert_one(&found, "0002_more.sql:2");
        }
        for right in [
            "-- no-transaction\nCREATE INDEX CONCURRENTLY a ON b (c);",
            "CREATE TABLE b (c bigint);\nCREATE INDEX a ON b (c);",
            "ALTER TABLE b ADD CONSTRAINT c CHECK (d > 0) NOT VALID;",
            "ALTER TABLE b ADD COLUMN c bigint;\nALTER TABLE b ALTER COLUMN c SET DEFAULT 0;",
            "-- contract: since 1.4 nobody reads it\nALTER TABLE b DROP COLUMN c;",
        ] {
            assert_eq!(findings(rule, &[(LATER, right)]), Vec::<String>::new(), "{right}");
        }
    }
}
