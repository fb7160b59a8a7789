//! Rules over single words.

use super::{
    Checkout, Violation,
    code::{self, Kind},
};

/// What a service of the mesh is about; the kit serves any of them, and so knows none.
const BUSINESS: [&str; 21] = [
    "appointment",
    "badge",
    "community",
    "document",
    "evidence",
    "member",
    "mrz",
    "ocr",
    "opportunity",
    "orchestrator",
    "passport",
    "quorum",
    "reputation",
    "reviewer",
    "validator",
    "verification",
    "verifier",
    "volunteer",
    "vote",
    "vouch",
    "voucher",
];

/// Names that rustls gives to what checks certificates.
const OF_RUSTLS: [&str; 6] = [
    "ClientCertVerifier",
    "ServerCertVerifier",
    "WebPkiClientVerifier",
    "signature_verification_algorithms",
    "with_client_cert_verifier",
    "with_custom_certificate_verifier",
];

pub fn the_kit_knows_no_business_word(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for file in checkout.rust_below("crates/mesh-runtime/src") {
        for (at, line) in checkout.text(file)?.lines().enumerate() {
            let ours = OF_RUSTLS
                .iter()
                .fold(line.to_owned(), |line, name| line.replace(name, ""));
            let found = words(&ours)
                .into_iter()
                .find(|word| BUSINESS.contains(&singular(word).as_str()));
            violations.extend(found.map(|word| Violation {
                file: file.clone(),
                line: at + 1,
                message: format!("{word:?} is a word of the business; the kit serves any service"),
            }));
        }
    }
    Ok(violations)
}

pub fn nobody_sleeps(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for file in checkout
        .rust_below("")
        .filter(|file| !file.starts_with("crates/mesh-testkit"))
    {
        let sleeps = code::tokens(checkout, file)?
            .into_iter()
            .filter(|token| matches!(&token.kind, Kind::Word(word) if word == "sleep"));
        violations.extend(sleeps.map(|token| {
            Violation {
                file: file.clone(),
                line: token.line,
                message: "a sleep waits too long or too short: wait for a condition with a deadline \
                      (mesh_testkit::eventually in tests, tokio::time::timeout or interval in services)"
                    .to_owned(),
            }
        }));
    }
    Ok(violations)
}

/// The words of a line, those within identifiers too (`member_id`, `MemberId`), in lower case.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_lower_case = false;
    for c in line.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && after_lower_case) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        after_lower_case = c.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    #[test]
    fn the_kit_fails_when_it_learns_a_business_word() {
        let found = |line: &str| {
            findings(
                the_kit_knows_no_business_word,
                &[("crates/mesh-runtime/src/lib.rs", &format!("\n{line}"))],
            )
        };
        assert_eq!(
            found("fn serve(remembered: u8) {} // --help gives the documentation"),
            Vec::<String>::new()
        );
        assert_eq!(found("impl ClientCertVerifier for Callers {"), Vec::<String>::new());
        for line in [
            "// for a member",
            "struct MemberId;",
            "let passports = 1;",
            "fn f(document_id: u8) {}",
            "struct Verifier(ClientCertVerifier);",
        ] {
            assert_one(&found(line), "lib.rs:2: ");
        }
        let elsewhere = [("crates/mesh-types/src/lib.rs", "struct MemberId;")];
        assert_eq!(
            findings(the_kit_knows_no_business_word, &elsewhere),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_sleep_outside_the_testkit_fails() {
        let found = |file: &str, text: &str| findings(nobody_sleeps, &[(file, text)]);
        let good = "// sleep\nfn f() { program(\"sleep\") }";
        assert_eq!(found("services/a/service/src/lib.rs", good), Vec::<String>::new());
        assert_eq!(
            found("crates/mesh-testkit/src/waiting.rs", "tokio::time::sleep(d)"),
            Vec::<String>::new()
        );
        for bad in [
            "tokio::time::sleep(d)",
            "std::thread::sleep(d)",
            "use tokio::time::{interval, sleep};",
        ] {
            assert_one(&found("tests/tests/mesh.rs", bad), "mesh.rs:1: a sleep waits");
        }
    }
}
