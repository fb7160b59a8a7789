//! What documents show, at rest: sealed on its way in, opened on its way out, and gone for ever when it is erased.
//!
//! What is read is what was written: files are compared with their SHA-256 each time.

use crate::cipher::{DocumentKey, Part};
use crate::identity::{Identity, IdentityHash};
use crate::keyring::Keyring;
use crate::objects::Objects;
use crate::store::{Document, OrphanedObjects, Page, Store, StoredKey};
use bytes::Bytes;
use document_reading::PageReading;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use mesh_runtime::{Actor, BATCH, Problem};
use mesh_types::{DocumentId, Reason};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Files of one document that are put into the object store at once.
const PUTS_AT_ONCE: usize = 8;
/// Objects that no document has named for so long are nobody's: no upload takes half of it.
const ORPHAN_AGE: SignedDuration = SignedDuration::from_hours(1);
/// How often objects are deleted that no document names, and words that are old.
pub const CLEANING_INTERVAL: Duration = Duration::from_secs(600);
/// How long what reviewers wrote is kept after a review: a year.
const REVIEW_WORDS_RETENTION: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long a sweep has to delete the objects of one document before another one takes them over.
const DELETION_LEASE: SignedDuration = SignedDuration::from_mins(15);

/// Tables, objects and the keys to both. Clones share them.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    objects: Objects,
    keyring: Keyring,
}

impl Vault {
    /// Over the tables, the object store and the keyring.
    pub fn new(store: Store, objects: Objects, keyring: Keyring) -> Self {
        Self {
            store,
            objects,
            keyring,
        }
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The object store.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The keyring.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Seals the files of a new document and puts them into the object store, up to the first that fails.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`; then some may be there, or come to be there later.
    pub async fn put_files(&self, objects: OrphanedObjects, key: DocumentKey, files: &[Bytes]) -> Result<(), Problem> {
        let key = Arc::new(key);
        let puts = (1..).zip(files).map(|(number, file)| {
            let (key, file) = (key.clone(), file.clone());
            async move {
                let sealed = blocking(move || key.seal(Part::File(number), &file)).await?;
                let put = self
                    .objects
                    .put_file(objects.member_id, objects.document_id, number, sealed.into());
                put.await
            }
            .boxed()
        });
        let puts: Vec<_> = puts.collect();
        stream::iter(puts).buffer_unordered(PUTS_AT_ONCE).try_collect().await
    }

    /// The file that a page is in, exactly as it was uploaded.
    ///
    /// # Errors
    /// `DOCUMENT_UNREADABLE` when it is gone or was changed; `KEY_UNAVAILABLE`;
    /// `OBJECT_STORE_UNAVAILABLE`; `DATABASE_UNAVAILABLE`.
    pub async fn get_file(&self, document: &Document, page: &Page) -> Result<Bytes, Problem> {
        let (number, sha256) = (page.file_number, page.sha256);
        let key = self.find_key(document.document_id).await?;
        let stored = self
            .objects
            .get_file(document.member_id, document.document_id, number)
            .await?;
        let opened = blocking(move || {
            let file = Bytes::from(key.open(Part::File(number), &stored)?);
            (Sha256::digest(&file)[..] == sha256).then_some(file)
        });
        let changed = || {
            let why = format!("file {number} of the document is not what was uploaded");
            Problem::new(Reason::DocumentUnreadable, why)
        };
        opened.await?.ok_or_else(changed)
    }

    /// Stores what was read on a page, sealed. The first reading stays.
    ///
    /// # Errors
    /// `DOCUMENT_ERASED`, `DOCUMENT_UNREADABLE`, `DATABASE_UNAVAILABLE`.
    pub async fn insert_reading(
        &self,
        document_id: DocumentId,
        page_number: u32,
        reading: &PageReading,
        read_at: Timestamp,
    ) -> Result<(), Problem> {
        let plain = serde_json::to_vec(reading).map_err(|_| Problem::internal("a reading can't be written"))?;
        let key = self.find_key(document_id).await?;
        let sealed = key.seal(Part::Reading(page_number), &plain);
        self.store
            .insert_reading(document_id, page_number, &sealed, read_at)
            .await
    }

    /// What was read so far, in the order of the pages.
    ///
    /// # Errors
    /// `DOCUMENT_UNREADABLE` when it was changed; `KEY_UNAVAILABLE`; `DATABASE_UNAVAILABLE`.
    pub async fn list_readings(&self, document_id: DocumentId) -> Result<Vec<PageReading>, Problem> {
        let sealed = self.store.list_readings(document_id).await?;
        if sealed.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.find_key(document_id).await?;
        let readings = sealed.into_iter().map(|(page, sealed)| {
            let opened = key.open(Part::Reading(page), &sealed).ok_or_else(|| {
                let why = format!("what was read on page {page} can't be opened");
                Problem::new(Reason::DocumentUnreadable, why)
            })?;
            // The parser's own error may quote what was read.
            serde_json::from_slice(&opened).map_err(|_| Problem::internal("a reading does not decode"))
        });
        readings.collect()
    }

    /// The hashes of physical documents under every key; none for one that could not be read.
    pub fn identity_hashes<'a>(&self, identities: impl IntoIterator<Item = &'a Identity>) -> Vec<IdentityHash> {
        let each = identities.into_iter();
        each.flat_map(|identity| self.keyring.identity_hashes(identity))
            .collect()
    }

    /// Erases a document, for ever; `None` when there is no such document. Returns when it was erased first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`; `OBJECT_STORE_UNAVAILABLE`, and then the key is gone already and a sweep will delete the
    /// objects, unless the same call comes again before.
    pub async fn erase(
        &self,
        document_id: DocumentId,
        erased_by: &Actor,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Problem> {
        let Some(erased) = self.store.erase_document(document_id, erased_by, now).await? else {
            return Ok(None);
        };
        self.delete_objects(erased.objects).await?;
        self.store.delete_orphaned_objects(document_id).await?;
        Ok(Some(erased.erased_at))
    }

    /// Removes objects that no document names.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`; then some may still be there.
    pub async fn delete_objects(&self, objects: OrphanedObjects) -> Result<(), Problem> {
        for number in 1..=objects.file_count {
            self.objects
                .delete_file(objects.member_id, objects.document_id, number)
                .await?;
        }
        Ok(())
    }

    /// Deletes what nobody needs any more: objects that no document names, and what people wrote in reviews of long ago.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`, `DATABASE_UNAVAILABLE`; what stays is left to a later round.
    pub async fn clean(&self, now: Timestamp) -> Result<(), Problem> {
        let before = now - REVIEW_WORDS_RETENTION;
        let forgotten = async {
            while self.store.forget_words(before, BATCH).await? >= BATCH.unsigned_abs() {}
            Ok(())
        };
        let forgotten = forgotten.await;
        self.sweep(now).await.and(forgotten)
    }

    /// Removes objects that clients or processes left behind that went away in the middle.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`, `DATABASE_UNAVAILABLE`; what stays is left to a later sweep.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Problem> {
        let claim = || {
            self.store
                .claim_orphaned_objects(now - ORPHAN_AGE, now, now + DELETION_LEASE)
        };
        let mut all = Ok(());
        while let Some(objects) = claim().await? {
            // One that can't be deleted is claimed for now, and holds up none of the others.
            match self.delete_objects(objects).await {
                Ok(()) => self.store.delete_orphaned_objects(objects.document_id).await?,
                failed => all = failed,
            }
        }
        all
    }

    /// The key of a document. Without its key nothing of a document is read or written.
    async fn find_key(&self, document_id: DocumentId) -> Result<DocumentKey, Problem> {
        match self.store.find_key(document_id).await? {
            StoredKey::Wrapped(wrapped) => self.keyring.unwrap_key(document_id, &wrapped),
            StoredKey::Erased => Err(erased()),
            StoredKey::Missing => Err(Problem::new(
                Reason::DocumentUnreadable,
                "the document's key is missing, though it was not erased",
            )),
        }
    }
}

pub(crate) fn erased() -> Problem {
    Problem::new(Reason::DocumentErased, "the document was erased")
}

/// Twenty megabytes take long enough to seal that other work should not wait for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
