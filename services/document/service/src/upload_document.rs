//! `UploadDocument`: from a client's stream to a stored document, once for each request.

use crate::api::render;
use crate::cipher::WrappedKey;
use crate::store::{NewDocument, NewFile, OrphanedObjects, insert_document};
use crate::upload::{Upload, UploadedFile};
use crate::upload_limits::UploadLimits;
use crate::vault::Vault;
use document_reading::Files;
use futures::Stream;
use mesh_proto::document::v1::{UploadDocumentRequest, UploadDocumentResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Access, Problem, clock};
use mesh_types::{DocumentId, MemberId};
use prost::Message;
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/UploadDocument";

/// What an upload says, by which a repeat is known: its header, and a hash instead of the bytes of each file.
#[derive(Clone, PartialEq, Message)]
struct UploadDigest {
    #[prost(int64, tag = "1")]
    member_id: i64,
    #[prost(string, tag = "2")]
    kind: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    sha256: Vec<Vec<u8>>,
}

/// Takes uploads. Clones share the bound on how many at once.
#[derive(Clone)]
pub struct Uploads {
    vault: Vault,
    idempotency: IdempotencyStore,
    files: Files,
    limits: UploadLimits,
}

impl Uploads {
    /// Takes `concurrency` uploads at once, whose files are opened by `files`.
    pub fn new(vault: Vault, idempotency: IdempotencyStore, files: Files, concurrency: usize) -> Self {
        Self {
            vault,
            idempotency,
            files,
            limits: UploadLimits::new(concurrency),
        }
    }

    /// Takes a client's stream to its end and stores the document, if the caller may upload for the member that it names.
    ///
    /// # Errors
    /// `OBJECT_NOT_FOUND` when the caller may not; those of [`Upload::receive`] and [`Uploads::store`].
    pub async fn take(
        &self,
        messages: impl Stream<Item = Result<UploadDocumentRequest, tonic::Status>> + Unpin,
        access: &Access,
    ) -> Result<UploadDocumentResponse, Problem> {
        let admits = |member_id: MemberId| access.check_owner_named(member_id.get());
        let upload = Upload::receive(messages, admits, &self.files, &self.limits).await?;
        self.store(upload).await
    }

    /// Stores a document, once for each request. Its files are put before the transaction that names them, and cleared again
    /// when the same request was answered meanwhile.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`; those of [`IdempotencyStore::in_transaction`].
    pub async fn store(&self, upload: Upload) -> Result<UploadDocumentResponse, Problem> {
        let digest = UploadDigest {
            member_id: upload.member_id.get(),
            kind: upload.kind.as_str().to_owned(),
            sha256: upload.files.iter().map(|file| file.sha256.to_vec()).collect(),
        };
        let request_id = upload.request_id;
        if let Some(answer) = self.idempotency.find_answer(RPC, request_id, &digest).await? {
            return Ok(answer);
        }
        let document_id = DocumentId::from(clock::new_uuid());
        let (key, wrapped) = self.vault.keyring().new_document_key(document_id);
        let objects = OrphanedObjects {
            member_id: upload.member_id,
            document_id,
            file_count: upload.files.len() as u32,
        };
        let files: Vec<_> = upload.files.iter().map(|file| file.bytes.clone()).collect();
        self.vault
            .store()
            .insert_orphaned_objects(objects, clock::now())
            .await?;
        // What a failure leaves is for the sweep: a file whose answer was lost may still come to be there.
        self.vault.put_files(objects, key, &files).await?;
        let document = new_document(&upload, document_id, wrapped);
        let now = clock::now();
        let document_url = self.document_url(upload.member_id, document_id);
        let work = async |connection: &mut PgConnection, _: ResourceId| {
            insert_document(connection, &document, now).await?;
            Ok(render::uploaded(&document, document_url.clone()))
        };
        // A failure leaves the files: it is not known whether the row is there that names them.
        let answer = self
            .idempotency
            .in_transaction(RPC, request_id, &digest, now, work)
            .await?;
        if answer.document_id != document_id.to_string() {
            self.clear(objects).await;
        }
        Ok(answer)
    }

    fn document_url(&self, member_id: MemberId, document_id: DocumentId) -> String {
        self.vault.objects().url(member_id, document_id).to_string()
    }

    /// Removes files that no document names. A sweep removes what stays.
    async fn clear(&self, objects: OrphanedObjects) {
        let cleared = async {
            self.vault.delete_objects(objects).await?;
            self.vault.store().delete_orphaned_objects(objects.document_id).await
        };
        if let Err(problem) = cleared.await {
            tracing::warn!(document_id = %objects.document_id, %problem, "files that no document names stay for now");
        }
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
        member_id: upload.member_id,
        kind: upload.kind,
        sha256: upload.sha256,
        files: upload.files.iter().map(file).collect(),
        key,
    }
}

#[cfg(test)]
mod tests;
