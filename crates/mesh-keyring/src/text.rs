//! Texts that a service keeps sealed under a key of the ring itself, such as words of a person.

use crate::keyring::Keyring;
use crate::sealing::{open, seal};
use mesh_runtime::Problem;
use mesh_types::Reason;
use secrecy::ExposeSecret;

/// A text as it is kept. How long it is shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key that it is sealed under.
    pub key_id: String,
    /// The sealed text.
    pub bytes: Vec<u8>,
}

impl Keyring {
    /// Seals a text under the current key of `encryption`. `place` says where it belongs, for example table, column and the
    /// row's id; the text opens at no other.
    pub fn seal_text(&self, place: &[u8], text: &str) -> Sealed {
        let keys = self.encryption();
        let associated_data = associated_data(keys.current_id(), place);
        Sealed {
            key_id: keys.current_id().to_owned(),
            bytes: seal(keys.current().expose_secret(), &associated_data, text.as_bytes()),
        }
    }

    /// Opens a text that was sealed for this place.
    ///
    /// # Errors
    /// `KEY_UNAVAILABLE` when it was sealed under a key that is not in the keyring; `INTERNAL` when it was changed or belongs
    /// to another place.
    pub fn open_text(&self, place: &[u8], sealed: &Sealed) -> Result<String, Problem> {
        let key = self.encryption().get(&sealed.key_id).ok_or_else(|| {
            tracing::error!(key_id = %sealed.key_id, "a text was sealed under a key that the keyring lacks");
            Problem::new(
                Reason::KeyUnavailable,
                "this instance does not have the key of what is asked for",
            )
        })?;
        let associated_data = associated_data(&sealed.key_id, place);
        open(key.expose_secret(), &associated_data, &sealed.bytes)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| Problem::internal("a sealed text was changed or belongs to another place"))
    }
}

/// No id holds the separator, so no two pairs of key and place give the same; and nothing else that is sealed under a key
/// of the ring begins like this.
fn associated_data(key_id: &str, place: &[u8]) -> Vec<u8> {
    [b"text\0".as_slice(), key_id.as_bytes(), b"\0", place].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::tests::keyring;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;

    const PLACE: &[u8] = b"appointments\0note\0one";
    const TEXT: &str = "the bell says Müller";

    #[test]
    fn a_text_comes_back_as_it_was_and_is_never_sealed_alike() {
        let keyring = keyring(&["one"]);
        for text in ["", TEXT] {
            let sealed = keyring.seal_text(PLACE, text);
            assert_eq!(keyring.open_text(PLACE, &sealed).expect("opened"), text);
            assert_ne!(sealed, keyring.seal_text(PLACE, text));
        }
        let sealed = keyring.seal_text(PLACE, TEXT);
        let shows = |bytes: &[u8]| bytes.windows(4).any(|run| run == b"bell");
        assert!(shows(TEXT.as_bytes()) && !shows(&sealed.bytes));
    }

    #[test]
    fn a_text_that_was_changed_moved_or_ascribed_to_another_key_is_a_fault_of_ours() {
        let keyring = keyring(&["one", "two"]);
        let sealed = keyring.seal_text(PLACE, TEXT);
        let is_refused = |place: &[u8], sealed: &Sealed| {
            let refused = keyring.open_text(place, sealed).expect_err("must not open");
            assert_eq!(refused.reason(), Reason::Internal);
            assert!(!format!("{refused} {refused:?}").contains("bell"), "{refused:?}");
        };
        is_refused(b"appointments\0note\0two", &sealed);
        is_refused(b"", &sealed);
        let key_id = "one".to_owned();
        is_refused(
            PLACE,
            &Sealed {
                key_id,
                ..sealed.clone()
            },
        );
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            is_refused(PLACE, &changed);
            changed.bytes.truncate(at);
            is_refused(PLACE, &changed);
        }
    }

    /// Made by another implementation.
    #[test]
    fn what_was_sealed_in_the_first_form_opens() {
        let bytes = BASE64.decode("AUBBQkNERUZHSElKS0xNTk9QUVJTVFVWVySQi4lEjezMdTRWLJRWUeUrf6ts");
        let sealed = Sealed {
            key_id: "one".to_owned(),
            bytes: bytes.expect("Base64"),
        };
        assert_eq!(keyring(&["one"]).open_text(b"place", &sealed).expect("opened"), "word");
    }

    #[test]
    fn after_a_rotation_old_texts_open_until_their_key_is_gone() {
        let (before, after, without) = (keyring(&["one"]), keyring(&["one", "two"]), keyring(&["two"]));
        let sealed = before.seal_text(PLACE, TEXT);
        assert_eq!(sealed.key_id, "one");
        assert_eq!(after.open_text(PLACE, &sealed).expect("still there"), TEXT);
        assert_eq!(after.seal_text(PLACE, TEXT).key_id, "two");
        let refused = without.open_text(PLACE, &sealed).expect_err("the key is gone");
        assert_eq!(refused.reason(), Reason::KeyUnavailable);
    }
}
