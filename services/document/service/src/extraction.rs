//! Reading the pages of a document, one after the other, each once.
//!
//! What was read belongs to the document: a retry, or a later verification of the same document, goes on after the last
//! page that was read. Dropping the work at any point loses at most the page that is being read.

use crate::objects::Objects;
use crate::store::{Document, Page, Store};
use document_reading::{Fault, PageReading, Reader};
use document_workflows::contract::{Extraction, ExtractionProgress, ExtractionRequest};
use mesh_runtime::{Problem, clock};
use mesh_types::{DocumentId, DocumentUrl, MemberId, Reason};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// What is kept of a page that begins like a picture and cannot be decoded: nothing was found on it. It is the member's
/// picture that is at fault, so no failure and no retry.
const NOTHING_READ: PageReading = PageReading {
    width: 0,
    height: 0,
    mrz: None,
    visas: Vec::new(),
    printed: None,
};

/// Reads documents.
#[derive(Clone)]
pub struct Extractor {
    store: Store,
    objects: Objects,
    reader: Reader,
    slots: Arc<Semaphore>,
}

impl Extractor {
    /// Reads `concurrency` pages at once, whatever the number of documents.
    pub fn new(store: Store, objects: Objects, reader: Reader, concurrency: usize) -> Self {
        Self {
            store,
            objects,
            reader,
            slots: Arc::new(Semaphore::new(concurrency)),
        }
    }

    /// Reads every page that was not read yet, and says after each one how far it is.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND` when the URL names none of this store; `DOCUMENT_OF_ANOTHER_MEMBER`; `DOCUMENT_UNREADABLE`
    /// when a picture is gone or changed; `OCR_FAILED`, `OBJECT_STORE_UNAVAILABLE` and `DATABASE_UNAVAILABLE`, after
    /// which another try can help.
    pub async fn extract(
        &self,
        request: &ExtractionRequest,
        progress: &watch::Sender<ExtractionProgress>,
    ) -> Result<Extraction, Problem> {
        let document = self.named_document(request).await?;
        self.store
            .bind_verification(document.document_id, request.verification_id)
            .await?;
        let pages = self.store.list_pages(document.document_id).await?;
        let mut read = pages.iter().filter(|page| page.is_read).count() as u32;
        progress.send_replace(progress_of(read, document.page_count));
        for page in pages.iter().filter(|page| !page.is_read) {
            self.read(&document, page).await?;
            read += 1;
            progress.send_replace(progress_of(read, document.page_count));
        }
        let readings = self.store.list_readings(document.document_id).await?;
        Ok(Extraction {
            document_id: document.document_id,
            page_count: document.page_count,
            mrz_pages: readings.iter().filter(|reading| reading.mrz.is_some()).count() as u32,
        })
    }

    async fn named_document(&self, request: &ExtractionRequest) -> Result<Document, Problem> {
        let url = DocumentUrl::parse(&request.document_url).map_err(|error| not_found().with_source(error))?;
        if !self.objects.holds(&url) {
            return Err(not_found());
        }
        if url.member_id() != request.member_id {
            return Err(of_another_member());
        }
        own_document(&self.store, url.document_id(), request.member_id).await
    }

    #[tracing::instrument(name = "read page", skip_all, fields(page = page.number, total_pages = document.page_count))]
    async fn read(&self, document: &Document, page: &Page) -> Result<(), Problem> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        self.store.record_attempt(document.document_id, page.number).await?;
        let picture = self
            .objects
            .get_page(document.member_id, document.document_id, page.number, &page.sha256)
            .await?;
        let reading = match self.reader.read_page(&picture).await {
            Ok(reading) => reading,
            Err(error) if error.fault() == Fault::Picture => NOTHING_READ,
            Err(error) => {
                return Err(Problem::new(Reason::OcrFailed, "the OCR engine could not read a page").with_source(error));
            }
        };
        self.store
            .insert_reading(document.document_id, page.number, &reading, clock::now())
            .await
    }
}

/// The document, if it is the member's.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, `DOCUMENT_OF_ANOTHER_MEMBER`, `DATABASE_UNAVAILABLE`.
pub(crate) async fn own_document(
    store: &Store,
    document_id: DocumentId,
    member_id: MemberId,
) -> Result<Document, Problem> {
    let document = store.find_document(document_id).await?.ok_or_else(not_found)?;
    if document.member_id == member_id {
        Ok(document)
    } else {
        Err(of_another_member())
    }
}

pub(crate) fn not_found() -> Problem {
    Problem::new(Reason::DocumentNotFound, "no document of this service has this name")
}

fn of_another_member() -> Problem {
    Problem::new(Reason::DocumentOfAnotherMember, "the document is another member's")
}

fn progress_of(page: u32, total_pages: u32) -> ExtractionProgress {
    ExtractionProgress {
        page,
        total_pages,
        progress_pct: (page * 100 / total_pages.max(1)) as u8,
    }
}

#[cfg(test)]
mod tests;
