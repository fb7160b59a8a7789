//! What the bytes of a PDF (ISO 32000-2) tell before any program opens it.

use super::inflate::Tally;
use crate::error::ReadError;

/// A reader looks for the header in so many bytes from the start, and for the end marker in so many from the end.
const EDGE_BYTES: usize = 1024;

/// Whether a file begins like a PDF.
pub(super) fn begins(file: &[u8]) -> bool {
    find(&file[..file.len().min(EDGE_BYTES)], b"%PDF-").is_some()
}

/// Refuses what is cut short, encrypted, or unpacks to too much. Programs repair a file that is cut short; a document of
/// which pages may be missing is none to be read.
///
/// # Errors
/// [`ReadError::Damaged`], [`ReadError::Encrypted`], [`ReadError::ExpandsTooMuch`].
pub(super) fn check(file: &[u8]) -> Result<(), ReadError> {
    if find(&file[file.len().saturating_sub(EDGE_BYTES)..], b"%%EOF").is_none() {
        return Err(ReadError::Damaged);
    }
    if names(file, b"/Encrypt") {
        return Err(ReadError::Encrypted);
    }
    // Each stream on its own, also one that lies in another's bytes: which of them counts is the reader's choice.
    let mut tally = Tally::default();
    let mut rest = file;
    while let Some(at) = find(rest, b"stream") {
        rest = &rest[at + b"stream".len()..];
        tally.add(match rest {
            [b'\r', b'\n', data @ ..] | [b'\n' | b'\r', data @ ..] => data,
            data => data,
        });
        if tally.is_too_much() {
            return Err(ReadError::ExpandsTooMuch);
        }
    }
    Ok(())
}

/// Whether a name stands anywhere, and not only as the beginning of a longer one.
fn names(file: &[u8], name: &[u8]) -> bool {
    let mut rest = file;
    while let Some(at) = find(rest, name) {
        rest = &rest[at + name.len()..];
        if !rest.first().is_some_and(u8::is_ascii_alphanumeric) {
            return true;
        }
    }
    false
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, others) = wanted.split_first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        if bytes[from + at + 1..].starts_with(others) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_the_beginning_of_a_longer_one() {
        assert!(names(b"<</Encrypt 5 0 R>>", b"/Encrypt"));
        assert!(names(b"<</EncryptMetadata true/Encrypt<<>>", b"/Encrypt"));
        assert!(!names(b"<</EncryptMetadata true>>", b"/Encrypt"));
    }

    #[test]
    fn bytes_are_found_where_they_first_stand() {
        assert_eq!(find(b"endstream stream", b"stream"), Some(3));
        assert_eq!(find(b"strstream", b"stream"), Some(3));
        assert_eq!(find(b"strea", b"stream"), None);
    }
}
