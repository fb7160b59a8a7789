//! A workflow crate's time limits and retries stand in one file.

use super::{
    Checkout, Violation,
    code::{self, Kind},
};

const OPTIONS: [&str; 3] = ["ActivityOptions", "LocalActivityOptions", "ChildWorkflowOptions"];

pub fn each_stands_in_timeouts(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let workflows = checkout
        .rust_below("services")
        .filter(|file| file.components().any(|part| part.as_os_str() == "workflows"));
    for file in workflows.filter(|file| !file.ends_with("timeouts.rs")) {
        let tokens = code::tokens(checkout, file)?;
        // A type may be named anywhere; what is built of it begins with its name and `::`.
        let built = tokens.windows(2).filter(|pair| {
            matches!(&pair[0].kind, Kind::Word(word) if OPTIONS.contains(&word.as_str())) && pair[1].kind == Kind::Path
        });
        violations.extend(
            built.map(|pair| Violation {
                file: file.clone(),
                line: pair[0].line,
                message: "options of a step are built here: build them in timeouts.rs, beside the table of all limits"
                    .to_owned(),
            }),
        );
    }
    Ok(violations)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    #[test]
    fn options_are_built_in_timeouts_alone_and_named_anywhere() {
        let builds = "fn f() -> ActivityOptions { ActivityOptions::builder().build() }";
        let names = "fn f(options: ActivityOptions) { run(options) }";
        let found = |file: &str, text: &str| findings(each_stands_in_timeouts, &[(file, text)]);
        assert_one(
            &found("services/a/workflows/src/a.rs", builds),
            "a.rs:1: options of a step",
        );
        for (file, text) in [
            ("services/a/workflows/src/timeouts.rs", builds),
            ("services/a/workflows/src/a.rs", names),
            ("services/a/service/src/a.rs", builds),
        ] {
            assert_eq!(found(file, text), Vec::<String>::new());
        }
    }
}
