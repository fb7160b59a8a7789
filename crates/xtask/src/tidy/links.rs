//! Links in the pages of a checkout.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Checkout, Violation};

/// A reader who follows a link to a file finds it.
pub fn each_leads_to_a_file(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for page in pages(&checkout.root)? {
        let text = std::fs::read_to_string(checkout.root.join(&page))
            .with_context(|| format!("cannot read {}", page.display()))?;
        let folder = checkout.root.join(page.parent().unwrap_or(Path::new("")));
        for (at, line) in text.lines().enumerate() {
            let broken = targets(line).filter(|target| !folder.join(target).exists());
            violations.extend(broken.map(|target| Violation {
                file: page.clone(),
                line: at + 1,
                message: format!("no file {target}: correct the link"),
            }));
        }
    }
    Ok(violations)
}

/// The Markdown files of the root and of `docs`, relative to the root.
fn pages(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for folder in [root.to_owned(), root.join("docs")] {
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if super::has_extension(&path, &["md"]) {
                pages.push(path.strip_prefix(root)?.to_owned());
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// The files that the inline links of a line name, without addresses of other places and without anchors.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after_texts = line.split("](").skip(1);
    let targets = after_texts.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    #[test]
    fn a_link_to_a_file_or_folder_that_is_there_passes() {
        let page = "See [here](docs/a.md#part), [there](crates), [that](https://example.org/x) and [below](#below).";
        let found = findings(
            each_leads_to_a_file,
            &[
                ("README.md", page),
                ("docs/a.md", "[up](../README.md)"),
                ("crates/a.rs", ""),
            ],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_link_to_nothing_fails_with_its_line() {
        let found = findings(each_leads_to_a_file, &[("docs/a.md", "Hello.\n[gone](../b.rs)")]);
        assert_one(&found, "docs/a.md:2: no file ../b.rs");
    }
}
