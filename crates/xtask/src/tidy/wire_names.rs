//! What is called over Temporal has a name that no rename of a function changes, declared in one place.

use std::path::{Path, PathBuf};

use super::{
    Checkout, Violation,
    code::{self, Kind, Token},
};

const CALLED_OVER_TEMPORAL: [&str; 5] = ["run", "activity", "signal", "query", "update"];

pub fn each_is_explicit_and_from_a_contract(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for attribute in attributes(checkout)? {
        let Attribute {
            file,
            line,
            word,
            naming,
        } = &attribute;
        let message = match naming {
            Naming::Absent => format!("#[{word}] has no `name =`: a rename of the function would break what runs"),
            Naming::Literal(_) if !is_contract(file) => {
                format!("#[{word}] spells its name out: the name stands as a constant in contract.rs")
            }
            Naming::Literal(_) | Naming::Constant(_) | Naming::Definition => continue,
        };
        violations.push(Violation {
            file: file.clone(),
            line: *line,
            message,
        });
    }
    Ok(violations)
}

pub fn each_stands_once_in_a_contract(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let attributes = attributes(checkout)?;
    let mut constants = Vec::new();
    let mut literals = Vec::new();
    // What several services' workflows share has its contract there.
    let shared = checkout.rust_below("crates/mesh-workflows");
    let files = checkout.rust_below("services").chain(shared);
    for file in files.filter(|file| !is_test(file)) {
        let tokens = code::tokens(checkout, file)?;
        constants.extend(string_constants(&tokens).map(|(name, text)| (file.clone(), name, text)));
        literals.extend(tokens.into_iter().filter_map(|token| match token.kind {
            Kind::Text(text) => Some((file.clone(), token.line, text)),
            _ => None,
        }));
    }
    let mut violations = Vec::new();
    let mut names = Vec::new();
    for Attribute { file, line, naming, .. } in &attributes {
        match naming {
            Naming::Literal(text) => names.push(text.clone()),
            Naming::Constant(constant) => {
                let declared = |(place, name, _): &&(PathBuf, String, String)| is_contract(place) && name == constant;
                // A constant's name may be used by two services: the nearer contract is meant.
                let nearest = constants
                    .iter()
                    .filter(declared)
                    .max_by_key(|(place, ..)| shared_folders(place, file));
                match nearest {
                    Some((.., text)) => names.push(text.clone()),
                    None => violations.push(Violation {
                        file: file.clone(),
                        line: *line,
                        message: format!("the constant {constant} is not declared in a contract.rs"),
                    }),
                }
            }
            Naming::Absent | Naming::Definition => {}
        }
    }
    names.sort();
    names.dedup();
    for name in names {
        let places: Vec<_> = literals.iter().filter(|(.., text)| *text == name).collect();
        let outside = places.iter().filter(|(file, ..)| !is_contract(file));
        let surplus: Vec<_> = if places.len() > 1 && outside.clone().next().is_none() {
            places.iter().skip(1).collect()
        } else {
            outside.collect()
        };
        violations.extend(surplus.into_iter().map(|(file, line, _)| Violation {
            file: file.clone(),
            line: *line,
            message: format!("the wire name {name:?} stands once, in a contract.rs; use its constant"),
        }));
    }
    Ok(violations)
}

struct Attribute {
    file: PathBuf,
    line: usize,
    word: String,
    naming: Naming,
}

enum Naming {
    Absent,
    Literal(String),
    /// The last word of the path.
    Constant(String),
    /// An activity bound to a definition, which has the name.
    Definition,
}

fn attributes(checkout: &Checkout) -> anyhow::Result<Vec<Attribute>> {
    let mut attributes = Vec::new();
    for file in checkout.rust_below("services") {
        let tokens = code::tokens(checkout, file)?;
        for (at, window) in tokens.windows(3).enumerate() {
            let [
                hash,
                open,
                Token {
                    kind: Kind::Word(word),
                    line,
                },
            ] = window
            else {
                continue;
            };
            let is_attribute = hash.kind == Kind::Mark('#') && open.kind == Kind::Open('[');
            if is_attribute && CALLED_OVER_TEMPORAL.contains(&word.as_str()) {
                let naming = naming(group(&tokens[at + 1..]));
                attributes.push(Attribute {
                    file: file.clone(),
                    line: *line,
                    word: word.clone(),
                    naming,
                });
            }
        }
    }
    Ok(attributes)
}

/// The tokens of the group that opens at the first one.
fn group(tokens: &[Token]) -> &[Token] {
    let mut depth = 0;
    let end = tokens.iter().position(|token| {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &tokens[..end.unwrap_or(tokens.len())]
}

fn naming(attribute: &[Token]) -> Naming {
    let value_of = |key: &str| {
        let at = attribute.windows(2).position(|pair| {
            matches!(&pair[0].kind, Kind::Word(word) if word == key) && pair[1].kind == Kind::Mark('=')
        })?;
        let value = &attribute[at + 2..];
        let end = value
            .iter()
            .position(|token| matches!(token.kind, Kind::Mark(',') | Kind::Close));
        value[..end.unwrap_or(value.len())].last()
    };
    if value_of("definition").is_some() {
        return Naming::Definition;
    }
    match value_of("name").map(|token| &token.kind) {
        Some(Kind::Text(text)) => Naming::Literal(text.clone()),
        Some(Kind::Word(word)) => Naming::Constant(word.clone()),
        _ => Naming::Absent,
    }
}

/// `const NAME: … = "text";`
fn string_constants(tokens: &[Token]) -> impl Iterator<Item = (String, String)> {
    tokens.iter().enumerate().filter_map(|(at, token)| {
        let is_const = token.kind == Kind::Word("const".to_owned());
        let Some(Token {
            kind: Kind::Word(name), ..
        }) = tokens.get(at + 1).filter(|_| is_const)
        else {
            return None;
        };
        let end = tokens[at..].iter().position(|token| token.kind == Kind::Mark(';'))?;
        match &tokens[at..at + end] {
            [
                ..,
                Token {
                    kind: Kind::Mark('='), ..
                },
                Token {
                    kind: Kind::Text(text), ..
                },
            ] => Some((name.clone(), text.clone())),
            _ => None,
        }
    })
}

fn shared_folders(one: &Path, other: &Path) -> usize {
    one.components()
        .zip(other.components())
        .take_while(|(one, other)| one == other)
        .count()
}

fn is_contract(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "contract.rs")
}

/// A test may spell a name out: that is how it shows that the name has not changed.
fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    const CONTRACT: &str = "services/a/workflows/src/contract.rs";
    const WORKFLOW: &str = "services/a/workflows/src/verify.rs";

    #[test]
    fn names_from_a_contract_pass() {
        let files = [
            (
                CONTRACT,
                "pub const VERIFY: &str = \"Verify\";\nimpl X { #[activity(name = \"fetch\")] fn f() {} }",
            ),
            (
                WORKFLOW,
                "// #[run] in a comment is no attribute\n#[run(\n    name = contract::VERIFY,\n)]\nfn run() {}\n\
                 #[activity(definition = contract::Fetch)]\nfn fetch() {}",
            ),
            (
                "services/a/workflows/tests/names.rs",
                "#[test] fn t() { assert_eq!(VERIFY, \"Verify\") }",
            ),
        ];
        assert_eq!(
            findings(each_is_explicit_and_from_a_contract, &files),
            Vec::<String>::new()
        );
        assert_eq!(findings(each_stands_once_in_a_contract, &files), Vec::<String>::new());
    }

    #[test]
    fn an_implicit_wire_name_fails() {
        for attribute in [
            "#[run]",
            "#[activity]",
            "#[signal]",
            "#[query(\n)]",
            "#[update(validator = check)]",
        ] {
            let files = [(
                WORKFLOW,
                format!("impl W {{\n    {attribute}\n    fn run(&self) {{}}\n}}"),
            )];
            let files = files.each_ref().map(|(file, text)| (*file, text.as_str()));
            let found = findings(each_is_explicit_and_from_a_contract, &files);
            assert_one(&found, "verify.rs:2: ");
            assert_one(&found, "has no `name =`");
        }
    }

    #[test]
    fn a_wire_name_spelt_out_beside_its_workflow_fails() {
        let files = [(WORKFLOW, "#[signal(name = \"approved\")]\nfn approved() {}")];
        assert_one(
            &findings(each_is_explicit_and_from_a_contract, &files),
            "constant in contract.rs",
        );
    }

    #[test]
    fn a_wire_name_repeated_anywhere_fails() {
        let contract = (CONTRACT, "pub const VERIFY: &str = \"Verify\";");
        let workflow = (WORKFLOW, "#[run(name = contract::VERIFY)]\nfn run() {}");
        let elsewhere = (
            "services/b/service/src/api.rs",
            "fn f() {\n    start(json!({ \"type\": \"Verify\" }));\n}",
        );
        let found = findings(each_stands_once_in_a_contract, &[contract, workflow, elsewhere]);
        assert_one(&found, "services/b/service/src/api.rs:2: the wire name \"Verify\"");
        let twin = (
            "services/b/workflows/src/contract.rs",
            "pub const ALSO: &str = \"Verify\";",
        );
        assert_one(
            &findings(each_stands_once_in_a_contract, &[contract, workflow, twin]),
            "b/workflows",
        );
    }

    #[test]
    fn a_name_whose_constant_is_not_in_a_contract_fails() {
        let files = [(
            WORKFLOW,
            "const VERIFY: &str = \"Verify\";\n#[run(name = VERIFY)]\nfn run() {}",
        )];
        assert_one(
            &findings(each_stands_once_in_a_contract, &files),
            "VERIFY is not declared in a contract.rs",
        );
    }
}
