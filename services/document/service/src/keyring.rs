//! The keys that everything at rest hangs on, and what is done with them; the file is that of [`mesh_keyring`].
//!
//! - `encryption` wraps the key of each document (see [`crate::cipher`]).
//! - `identity` is for keyed hashes of documents (see [`crate::identity`]).

use crate::cipher::{DocumentKey, WrappedKey};
use crate::identity::{Identity, IdentityHash};
use crate::objects::StoreUrl;
use anyhow::Context;
use mesh_keyring::UsedKeys;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, Reason};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};

/// The keys of documents. Clones share them.
#[derive(Clone, Debug)]
pub struct Keyring(mesh_keyring::Keyring);

/// Where the keyring of a store lies unless it is said: beside the folder. A bucket has no such place.
pub fn default_path(store: &StoreUrl) -> Option<PathBuf> {
    store
        .as_str()
        .strip_prefix("file://")
        .map(|folder| PathBuf::from(format!("{folder}.keyring.json")))
}

impl Keyring {
    /// Reads the keyring of a store. Where no path is given and the store is a folder of this machine, one that isn't
    /// there is made, but only where nothing lies under any key yet: `used` has the keys that the database names.
    ///
    /// # Errors
    /// Those of [`mesh_keyring::Keyring::open`].
    pub fn open(path: Option<&Path>, store: &StoreUrl, used: &UsedKeys) -> anyhow::Result<Self> {
        let default = default_path(store);
        let has_no_place = path.is_none() && default.is_none();
        let opened = mesh_keyring::Keyring::open(path, default, used);
        if has_no_place {
            return opened.map(Self).context("documents in a bucket need a keyring");
        }
        opened.map(Self)
    }

    /// A new key for a new document, and what is kept of it.
    pub fn new_document_key(&self, document_id: DocumentId) -> (DocumentKey, WrappedKey) {
        let keys = self.0.encryption();
        let key = DocumentKey::fresh(document_id);
        let wrapped = key.wrap(keys.current_id(), keys.current().expose_secret());
        (key, wrapped)
    }

    /// The key of a document.
    ///
    /// # Errors
    /// `KEY_UNAVAILABLE` when it was wrapped by a key that is not in the keyring; `DOCUMENT_UNREADABLE` when it is another
    /// document's or was changed.
    pub fn unwrap_key(&self, document_id: DocumentId, wrapped: &WrappedKey) -> Result<DocumentKey, Problem> {
        let key = self.0.encryption().get(&wrapped.key_id).ok_or_else(|| {
            tracing::error!(key_id = %wrapped.key_id, "a document was encrypted under a key that the keyring lacks");
            Problem::new(
                Reason::KeyUnavailable,
                "this instance does not have the key of the document",
            )
        })?;
        DocumentKey::unwrap(document_id, wrapped, key.expose_secret())
            .ok_or_else(|| Problem::new(Reason::DocumentUnreadable, "the key of the document can't be opened"))
    }

    /// The hashes of a physical document under every key, those of the current key first.
    pub fn identity_hashes(&self, identity: &Identity) -> Vec<IdentityHash> {
        let keys = self.0.identity();
        let mut hashes: Vec<_> = keys
            .iter()
            .flat_map(|(key_id, key)| identity.hashes(key_id, key.expose_secret()))
            .collect();
        hashes.sort_by_key(|hash| hash.key_id != keys.current_id());
        hashes
    }
}

#[cfg(test)]
pub(crate) mod tests;
