//! Rust source as a flat list of tokens: comments are gone, and what stands in a macro is seen like the rest.

use std::path::Path;

use anyhow::anyhow;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::Checkout;

/// One token, with the line where it begins, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

/// As much of a token as the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Word(String),
    /// The content of a plain string literal.
    Text(String),
    Mark(char),
    /// `::`
    Path,
    Open(char),
    Close,
    /// Any other literal.
    Other,
}

pub fn tokens(checkout: &Checkout, file: &Path) -> anyhow::Result<Vec<Token>> {
    let text = checkout.text(file)?;
    let stream: TokenStream = text
        .parse()
        .map_err(|error| anyhow!("{} is not Rust: {error}", file.display()))?;
    let mut flat = Vec::new();
    flatten(stream, &mut flat);
    Ok(flat)
}

fn flatten(stream: TokenStream, flat: &mut Vec<Token>) {
    let mut stream = stream.into_iter().peekable();
    while let Some(tree) = stream.next() {
        let line = tree.span().start().line;
        let kind = match tree {
            TokenTree::Group(group) => {
                let open = match group.delimiter() {
                    Delimiter::Parenthesis => '(',
                    Delimiter::Brace => '{',
                    Delimiter::Bracket => '[',
                    Delimiter::None => ' ',
                };
                flat.push(Token {
                    kind: Kind::Open(open),
                    line,
                });
                flatten(group.stream(), flat);
                flat.push(Token {
                    kind: Kind::Close,
                    line: group.span_close().start().line,
                });
                continue;
            }
            TokenTree::Ident(word) => Kind::Word(word.to_string()),
            TokenTree::Punct(mark) if mark.as_char() == ':' && mark.spacing() == Spacing::Joint => {
                let second = stream.next_if(|next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':'));
                if second.is_some() { Kind::Path } else { Kind::Mark(':') }
            }
            TokenTree::Punct(mark) => Kind::Mark(mark.as_char()),
            TokenTree::Literal(literal) => plain_text(&literal.to_string()).map_or(Kind::Other, Kind::Text),
        };
        flat.push(Token { kind, line });
    }
}

/// The content of `"…"` or `r#"…"#`; names hold no escapes, so none are undone.
fn plain_text(literal: &str) -> Option<String> {
    let raw = literal.strip_prefix('r').unwrap_or(literal).trim_matches('#');
    Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}
