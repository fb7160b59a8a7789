//! Files of a crate that import each other in a circle can only be understood together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    Checkout, Violation,
    code::{self, Kind, Token},
};

/// The path of a module within its crate, without the crate.
type Module = Vec<String>;

/// The modules that each module imports from.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Reports each circle once, at its first file. Parent and child modules may import each other, and tests anything.
pub fn none_between_the_files_of_a_crate(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for (folder, modules) in crates(checkout) {
        let mut imports = Imports::new();
        let exports = match modules.get(&Module::new()) {
            Some(root) => exports(&code::tokens(checkout, root)?, &modules),
            None => BTreeMap::new(),
        };
        for (module, file) in &modules {
            let tokens = code::tokens(checkout, file)?;
            let paths = paths(without_tests(&tokens), module);
            let named = paths.filter_map(|path| match exports.get(path.first()?) {
                Some(exporting) => Some(exporting.clone()),
                None => nearest(&path, &modules),
            });
            let apart = named.filter(|other| !other.starts_with(module) && !module.starts_with(other));
            imports.insert(module.clone(), apart.collect());
        }
        for circle in circles(&imports) {
            let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
            violations.push(Violation {
                file: modules.get(&circle[0]).unwrap_or(&folder).clone(),
                line: 0,
                message: format!(
                    "{} import each other: move what they share into a file below both",
                    names.join(", ")
                ),
            });
        }
    }
    Ok(violations)
}

/// The modules of each crate by its source folder, without those of tests.
fn crates(checkout: &Checkout) -> BTreeMap<PathBuf, BTreeMap<Module, PathBuf>> {
    let mut crates: BTreeMap<PathBuf, BTreeMap<Module, PathBuf>> = BTreeMap::new();
    let files = checkout.rust_below("crates").chain(checkout.rust_below("services"));
    for file in files {
        let Some(src) = file.ancestors().find(|folder| folder.ends_with("src")) else {
            continue;
        };
        let within = file.strip_prefix(src).unwrap_or(file).with_extension("");
        let module: Module = within.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.iter().any(|part| part == "tests") {
            continue;
        }
        let root = matches!(module.as_slice(), [name] if name == "lib" || name == "main");
        let module = if root { Module::new() } else { module };
        crates.entry(src.to_owned()).or_default().insert(module, file.clone());
    }
    crates
}

/// The tokens without the modules below `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<&Kind> {
    let word = |text: &str| Kind::Word(text.to_owned());
    let start = [
        Kind::Mark('#'),
        Kind::Open('['),
        word("cfg"),
        Kind::Open('('),
        word("test"),
        Kind::Close,
        Kind::Close,
        word("mod"),
    ];
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let begins = tokens[at..]
            .iter()
            .map(|token| &token.kind)
            .take(start.len())
            .eq(start.iter());
        let body = at + start.len() + 1;
        if begins && tokens.get(body).is_some_and(|token| token.kind == Kind::Open('{')) {
            at = after_group(tokens, body);
        } else {
            kept.push(&token.kind);
            at += 1;
        }
    }
    kept
}

/// The place after the group that opens at `at`.
fn after_group(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// The paths that begin with `crate`, `self` or `super`, from the crate's root on, each branch of a `{}` by itself.
fn paths(tokens: Vec<&Kind>, module: &Module) -> impl Iterator<Item = Module> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = at == 0 || *tokens[at - 1] != Kind::Path;
        let base = match tokens[at] {
            Kind::Word(word) if starts && word == "crate" => Some(Module::new()),
            Kind::Word(word) if starts && word == "self" => Some(module.clone()),
            Kind::Word(word) if starts && word == "super" => Some(parent(module)),
            _ => None,
        };
        match base {
            Some(base) if tokens.get(at + 1).is_some_and(|kind| **kind == Kind::Path) => {
                at = branches(&tokens, at + 2, base, &mut found);
            }
            _ => at += 1,
        }
    }
    found.into_iter()
}

/// Reads what follows a `::`; returns the place after it.
fn branches(tokens: &[&Kind], mut at: usize, mut path: Module, found: &mut Vec<Module>) -> usize {
    while let Some(kind) = tokens.get(at) {
        match kind {
            Kind::Word(word) if word == "super" => path = parent(&path),
            Kind::Word(word) => path.push(word.clone()),
            Kind::Open('{') => {
                at += 1;
                while tokens.get(at).is_some_and(|kind| **kind != Kind::Close) {
                    at = match tokens[at] {
                        Kind::Word(_) => branches(tokens, at, path.clone(), found),
                        _ => at + 1,
                    };
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|kind| **kind != Kind::Path) {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

fn parent(module: &Module) -> Module {
    module
        .split_last()
        .map_or_else(Module::new, |(_, above)| above.to_vec())
}

/// The module that a path leads into: what the rest names is an item of it.
fn nearest(path: &[String], modules: &BTreeMap<Module, PathBuf>) -> Option<Module> {
    let prefixes = (0..=path.len()).rev().map(|length| &path[..length]);
    prefixes
        .map(<[String]>::to_vec)
        .find(|prefix| modules.contains_key(prefix))
}

/// What the crate's root makes public of its modules (`pub use a::Thing;`), by name: whoever imports it from the root imports
/// from that module.
fn exports(root: &[Token], modules: &BTreeMap<Module, PathBuf>) -> BTreeMap<String, Module> {
    let kinds: Vec<_> = root.iter().map(|token| &token.kind).collect();
    let mut found = Vec::new();
    for at in 0..kinds.len() {
        if matches!(kinds[at], Kind::Word(word) if word == "use") {
            branches(&kinds, at + 1, Module::new(), &mut found);
        }
    }
    let names = found
        .into_iter()
        .filter_map(|path| Some((path.last()?.clone(), nearest(&path, modules)?)));
    names
        .filter(|(name, module)| !module.is_empty() && module.last() != Some(name))
        .collect()
}

/// The groups of modules that lead to each other.
fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let reached: BTreeMap<_, _> = imports.keys().map(|module| (module, reach(module, imports))).collect();
    let mut circles: Vec<Vec<Module>> = Vec::new();
    for (module, leads_to) in &reached {
        if circles.iter().flatten().any(|known| known == *module) {
            continue;
        }
        let leads_back = |other: &&Module| reached.get(other).is_some_and(|from| from.contains(*module));
        let circle: Vec<_> = leads_to.iter().filter(leads_back).cloned().collect();
        if !circle.is_empty() {
            circles.push(circle);
        }
    }
    circles
}

/// All that a module imports, and all that those import.
fn reach(module: &Module, imports: &Imports) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open = vec![module];
    while let Some(next) = open.pop() {
        let new = imports.get(next).into_iter().flatten();
        open.extend(new.filter(|other| reached.insert((*other).clone())));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (format!("crates/a/src/{name}"), *text))
            .collect();
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        findings(none_between_the_files_of_a_crate, &files)
    }

    #[test]
    fn a_circle_is_found_whichever_way_it_is_imported() {
        for import in [
            "use crate::b::Thing;",
            "use super::b::Thing;",
            "use crate::{c, b::{One, Two}};",
            "fn f() -> crate::b::Thing { todo() }",
        ] {
            let files = [
                ("a.rs", import),
                ("b.rs", "use crate::c;"),
                ("c.rs", "use crate::a::X;"),
            ];
            assert_one(&found(&files), "a.rs: a, b, c import each other");
        }
    }

    #[test]
    fn a_circle_through_what_the_root_makes_public_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::{One, Two}; pub use b::Three;"),
            ("a.rs", "use crate::Three;"),
            ("b.rs", "use crate::{Two, a};"),
        ];
        assert_one(&found(&files), "a.rs: a, b import each other");
    }

    #[test]
    fn parents_children_and_tests_may_import_each_other() {
        let files = [
            ("lib.rs", "mod a; mod b; use a::X;"),
            (
                "a.rs",
                "mod part; use self::part::Y; #[cfg(test)] mod tests { use crate::b::Z; }",
            ),
            ("a/part.rs", "use super::X; use crate::b::Z;"),
            ("a/tests.rs", "use crate::b::Z;"),
            ("b.rs", "use crate::a::X;"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }
}
