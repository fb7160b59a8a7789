//! From an upload to a stored document, once for each request id.

use crate::cipher::WrappedKey;
use crate::store::{Leftover, NewDocument, NewFile, Recorded, RecordedUpload};
use crate::upload::{Upload, UploadedFile};
use crate::vault::Vault;
use document_reading::Files;
use futures::Stream;
use mesh_proto::document::v1::UploadDocumentRequest;
use mesh_runtime::{Problem, clock};
use mesh_types::{DocumentId, Reason};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Takes uploads in. Clones share the bound on how many at once.
#[derive(Clone)]
pub struct Intake {
    vault: Vault,
    files: Files,
    places: Arc<Semaphore>,
}

impl Intake {
    /// Takes in `concurrency` uploads at once, whose files are opened by `files`.
    pub fn new(vault: Vault, files: Files, concurrency: usize) -> Self {
        Self {
            vault,
            files,
            places: Arc::new(Semaphore::new(concurrency)),
        }
    }

    /// Takes a client's stream to its end and stores the document.
    ///
    /// # Errors
    /// Those of [`Upload::receive`] and [`Intake::store`].
    pub async fn take(
        &self,
        messages: impl Stream<Item = Result<UploadDocumentRequest, tonic::Status>> + Unpin,
    ) -> Result<RecordedUpload, Problem> {
        let _place = self.place().await;
        let upload = Upload::receive(messages, &self.files).await?;
        self.store(upload).await
    }

    /// Waits until there is memory for another upload.
    async fn place(&self) -> SemaphorePermit<'_> {
        self.places.acquire().await.expect("the semaphore is never closed")
    }

    /// The URL that names a stored document.
    pub fn document_url(&self, recorded: &RecordedUpload) -> String {
        self.vault
            .objects()
            .url(recorded.member_id, recorded.document_id)
            .to_string()
    }

    /// Stores a document; the same request id with the same content again returns the document of the first time.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED` when it came with other content; `OBJECT_STORE_UNAVAILABLE`; `DATABASE_UNAVAILABLE`.
    pub async fn store(&self, upload: Upload) -> Result<RecordedUpload, Problem> {
        let store = self.vault.store();
        if let Some(recorded) = store.find_upload(upload.request_id).await? {
            return same(&upload, recorded);
        }
        let document_id = DocumentId::from(clock::new_uuid());
        let (key, wrapped) = self.vault.keyring().new_document_key(document_id);
        let objects = Leftover {
            member_id: upload.member_id,
            document_id,
            file_count: upload.files.len() as u32,
        };
        let files: Vec<_> = upload.files.iter().map(|file| file.bytes.clone()).collect();
        store.insert_leftover(objects, clock::now()).await?;
        if let Err(problem) = self.vault.put_files(objects, key, &files).await {
            self.clear(objects).await;
            return Err(problem);
        }
        let document = new_document(&upload, document_id, wrapped);
        // A failure here leaves the files: it is not known whether the row is there that names them.
        match store.insert_document(&document, clock::now()).await? {
            Recorded::New => Ok(recorded(document)),
            Recorded::RequestIdTaken => {
                self.clear(objects).await;
                let first = store.find_upload(upload.request_id).await?;
                same(
                    &upload,
                    first.ok_or_else(|| Problem::internal("a request id was taken and is free again"))?,
                )
            }
            Recorded::SweptAway => Err(Problem::new(
                Reason::ObjectStoreUnavailable,
                "the object store took too long",
            )),
        }
    }

    /// Removes files that no document names; what stays is left to a sweep.
    async fn clear(&self, objects: Leftover) {
        let cleared = async {
            self.vault.delete_objects(objects).await?;
            self.vault.store().delete_leftover(objects.document_id).await
        };
        if let Err(problem) = cleared.await {
            tracing::warn!(document_id = %objects.document_id, %problem, "files that no document names stay for now");
        }
        self.vault.sweep(clock::now()).await;
    }
}

fn new_document(upload: &Upload, document_id: DocumentId, key: WrappedKey) -> NewDocument {
    let file = |file: &UploadedFile| NewFile {
        media_type: file.media_type,
        size_bytes: file.bytes.len() as i64,
        sha256: file.sha256,
        page_count: file.page_count,
    };
    NewDocument {
        document_id,
        request_id: upload.request_id,
        member_id: upload.member_id,
        kind: upload.kind,
        sha256: upload.sha256,
        files: upload.files.iter().map(file).collect(),
        key,
    }
}

fn recorded(document: NewDocument) -> RecordedUpload {
    RecordedUpload {
        document_id: document.document_id,
        member_id: document.member_id,
        kind: document.kind,
        page_count: document.page_count(),
        size_bytes: document.size_bytes(),
        sha256: document.sha256.to_vec(),
        file_hashes: document.files.iter().map(|file| file.sha256.to_vec()).collect(),
    }
}

/// The document of the first time, if this upload is the same one again.
fn same(upload: &Upload, recorded: RecordedUpload) -> Result<RecordedUpload, Problem> {
    let is_same = recorded.member_id == upload.member_id
        && recorded.kind == upload.kind
        && recorded
            .file_hashes
            .iter()
            .map(Vec::as_slice)
            .eq(upload.files.iter().map(|file| file.sha256.as_slice()));
    if is_same {
        return Ok(recorded);
    }
    let why = "the request id came before with another document";
    Err(Problem::new(Reason::RequestIdReused, why).with_violation("header.request_id", why))
}

#[cfg(test)]
mod tests;
