//! Rules over the length of files.

use std::path::Path;

use super::{Checkout, Violation, has_extension};

const FILE_LINES: usize = 500;
const SERVICE_LIB_LINES: usize = 150;

pub fn no_file_passes_500_lines(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    longer_than(FILE_LINES, "split it by what it knows", checkout, |file| {
        has_extension(file, &["rs", "proto"]) && !file.starts_with("proto/buf")
    })
}

pub fn no_service_lib_passes_150_lines(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    longer_than(
        SERVICE_LIB_LINES,
        "it only constructs; logic has a module of its own",
        checkout,
        |file| file.starts_with("services") && file.ends_with("service/src/lib.rs"),
    )
}

fn longer_than(
    limit: usize,
    advice: &str,
    checkout: &Checkout,
    concerns: fn(&Path) -> bool,
) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for file in checkout.files.iter().filter(|file| concerns(file)) {
        let lines = checkout.text(file)?.lines().count();
        if lines > limit {
            let message = format!("{lines} lines, {limit} at most: {advice}");
            violations.push(Violation {
                file: file.clone(),
                line: 0,
                message,
            });
        }
    }
    Ok(violations)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    #[test]
    fn a_source_of_500_lines_passes_and_one_of_501_fails() {
        for file in ["crates/a/src/lib.rs", "proto/voluntier/a/v1/a.proto"] {
            let found = |lines: usize| findings(no_file_passes_500_lines, &[(file, &"\n".repeat(lines))]);
            assert_eq!(found(500), Vec::<String>::new());
            assert_one(&found(501), "501 lines, 500 at most");
        }
        // Copied as it is from those who keep it.
        assert_eq!(
            findings(
                no_file_passes_500_lines,
                &[("proto/buf/validate/validate.proto", &"\n".repeat(999))]
            ),
            Vec::<String>::new()
        );
        assert_eq!(
            findings(no_file_passes_500_lines, &[("target/x.rs", &"\n".repeat(999))]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_service_lib_of_150_lines_passes_and_one_of_151_fails() {
        let found = |lines: usize| {
            findings(
                no_service_lib_passes_150_lines,
                &[("services/a/service/src/lib.rs", &"\n".repeat(lines))],
            )
        };
        assert_eq!(found(150), Vec::<String>::new());
        assert_one(&found(151), "151 lines, 150 at most");
    }
}
