//! From an upload to a stored document, once for each request id.

use crate::objects::Objects;
use crate::store::{NewDocument, NewPage, Recorded, RecordedUpload, Store};
use crate::upload::{Upload, UploadedPage};
use futures::{FutureExt, StreamExt, stream};
use mesh_runtime::{Problem, clock};
use mesh_types::{DocumentId, Reason};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Pages of one document that are put into the object store at once.
const PUTS_AT_ONCE: usize = 8;

/// Takes uploads in. Clones share the bound on how many at once.
#[derive(Clone)]
pub struct Intake {
    store: Store,
    objects: Objects,
    places: Arc<Semaphore>,
}

impl Intake {
    /// Takes in `concurrency` uploads at once.
    pub fn new(store: Store, objects: Objects, concurrency: usize) -> Self {
        Self {
            store,
            objects,
            places: Arc::new(Semaphore::new(concurrency)),
        }
    }

    /// Waits until there is memory for another upload.
    pub async fn place(&self) -> SemaphorePermit<'_> {
        self.places.acquire().await.expect("the semaphore is never closed")
    }

    /// The URL that names a stored document.
    pub fn document_url(&self, recorded: &RecordedUpload) -> String {
        self.objects.url(recorded.member_id, recorded.document_id).to_string()
    }

    /// Stores a document; the same request id with the same content again returns the document of the first time.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED` when it came with other content; `OBJECT_STORE_UNAVAILABLE`; `DATABASE_UNAVAILABLE`.
    pub async fn store(&self, upload: Upload) -> Result<RecordedUpload, Problem> {
        if let Some(recorded) = self.store.find_upload(upload.request_id).await? {
            return same(&upload, recorded);
        }
        let document = new_document(&upload);
        self.put_pages(&document, &upload.pages).await?;
        // A failure here leaves the pictures: it is not known whether the row is there that names them.
        match self.store.insert_document(&document, clock::now()).await? {
            Recorded::New => Ok(recorded(document)),
            Recorded::RequestIdTaken => {
                self.delete_pages(&document).await;
                let first = self.store.find_upload(upload.request_id).await?;
                same(
                    &upload,
                    first.ok_or_else(|| Problem::internal("a request id was taken and is free again"))?,
                )
            }
        }
    }

    async fn put_pages(&self, document: &NewDocument, pages: &[UploadedPage]) -> Result<(), Problem> {
        let puts = (1..).zip(pages).map(|(number, page)| {
            let put = self
                .objects
                .put_page(document.member_id, document.document_id, number, page.picture.clone());
            put.boxed()
        });
        let puts: Vec<_> = puts.collect();
        // All of them to their end, so that none is still being written while they are deleted.
        let results: Vec<_> = stream::iter(puts).buffer_unordered(PUTS_AT_ONCE).collect().await;
        let put: Result<Vec<()>, Problem> = results.into_iter().collect();
        if let Err(problem) = put {
            self.delete_pages(document).await;
            return Err(problem);
        }
        Ok(())
    }

    /// Removes pictures that no row names. One that stays is never read again, so a failure only costs its space.
    async fn delete_pages(&self, document: &NewDocument) {
        for (number, _) in (1..).zip(&document.pages) {
            if let Err(problem) = self
                .objects
                .delete_page(document.member_id, document.document_id, number)
                .await
            {
                tracing::warn!(document_id = %document.document_id, page = number, %problem, "a picture that no document names stays");
            }
        }
    }
}

fn new_document(upload: &Upload) -> NewDocument {
    let page = |page: &UploadedPage| NewPage {
        media_type: page.format.media_type(),
        size_bytes: page.picture.len() as i64,
        sha256: page.sha256,
    };
    NewDocument {
        document_id: DocumentId::from(clock::new_uuid()),
        request_id: upload.request_id,
        member_id: upload.member_id,
        kind: upload.kind,
        sha256: upload.sha256,
        pages: upload.pages.iter().map(page).collect(),
    }
}

fn recorded(document: NewDocument) -> RecordedUpload {
    RecordedUpload {
        document_id: document.document_id,
        member_id: document.member_id,
        kind: document.kind,
        page_count: document.pages.len() as i32,
        size_bytes: document.size_bytes(),
        sha256: document.sha256.to_vec(),
        page_hashes: document.pages.iter().map(|page| page.sha256.to_vec()).collect(),
    }
}

/// The document of the first time, if this upload is the same one again.
fn same(upload: &Upload, recorded: RecordedUpload) -> Result<RecordedUpload, Problem> {
    let is_same = recorded.member_id == upload.member_id
        && recorded.kind == upload.kind
        && recorded
            .page_hashes
            .iter()
            .map(Vec::as_slice)
            .eq(upload.pages.iter().map(|page| page.sha256.as_slice()));
    if is_same {
        return Ok(recorded);
    }
    let why = "the request id came before with another document";
    Err(Problem::new(Reason::RequestIdReused, why).with_violation("header.request_id", why))
}

#[cfg(test)]
mod tests;
