//! Envelope encryption: a key for each document, wrapped by a key of the keyring. How something is sealed is the business of
//! [`mesh_keyring`].
//!
//! Whatever is sealed is bound to its place, document and file or page: an object that was moved does not open.

use mesh_keyring::{KEY_BYTES, SecretKey, fresh_bytes, open, seal};
use mesh_types::DocumentId;
use secrecy::{ExposeSecret, SecretBox};

/// The key of one document, which knows whose it is.
pub struct DocumentKey {
    document_id: DocumentId,
    key: SecretKey,
}

/// The key of a document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key of the keyring that wraps it.
    pub key_id: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// What of a document is sealed; the number is from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The bytes of a file.
    File(u32),
    /// What was read on a page.
    Reading(u32),
}

impl DocumentKey {
    /// A new key for a new document.
    pub fn fresh(document_id: DocumentId) -> Self {
        Self {
            document_id,
            key: SecretBox::new(Box::new(fresh_bytes())),
        }
    }

    /// The key as it is kept, wrapped by `wrapping`, whose id is `key_id`.
    pub fn wrap(&self, key_id: &str, wrapping: &[u8; KEY_BYTES]) -> WrappedKey {
        WrappedKey {
            key_id: key_id.to_owned(),
            wrapped: seal(
                wrapping,
                &wrapping_associated_data(self.document_id, key_id),
                self.key.expose_secret(),
            ),
        }
    }

    /// The key of a document out of what was kept; `None` when `wrapping` didn't wrap it or it is another document's.
    pub fn unwrap(document_id: DocumentId, kept: &WrappedKey, wrapping: &[u8; KEY_BYTES]) -> Option<Self> {
        let associated_data = wrapping_associated_data(document_id, &kept.key_id);
        let key = SecretBox::new(Box::new(open(wrapping, &associated_data, &kept.wrapped)?));
        let key = SecretBox::new(Box::new(key.expose_secret().as_slice().try_into().ok()?));
        Some(Self { document_id, key })
    }

    /// Seals a part of the document.
    pub fn seal(&self, part: Part, plain: &[u8]) -> Vec<u8> {
        seal(self.key.expose_secret(), &self.associated_data(part), plain)
    }

    /// Opens a part of the document; `None` when it was changed, or sealed as another part or under another key.
    pub fn open(&self, part: Part, sealed: &[u8]) -> Option<Vec<u8>> {
        open(self.key.expose_secret(), &self.associated_data(part), sealed)
    }

    fn associated_data(&self, part: Part) -> Vec<u8> {
        let (what, number): (&[u8], u32) = match part {
            Part::File(number) => (b"file", number),
            Part::Reading(number) => (b"reading", number),
        };
        [
            what,
            b"\0",
            self.document_id.uuid().as_bytes(),
            number.to_be_bytes().as_slice(),
        ]
        .concat()
    }
}

fn wrapping_associated_data(document_id: DocumentId, key_id: &str) -> Vec<u8> {
    [b"key\0".as_slice(), document_id.uuid().as_bytes(), key_id.as_bytes()].concat()
}
