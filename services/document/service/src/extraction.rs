//! Reading the pages of a document, one after the other, each once.
//!
//! What was read belongs to the document: a retry, or a later verification of the same document, goes on after the last
//! page that was read. Dropping the work at any point loses at most the page that is being read.

use crate::store::{Document, NewSubmission, Page, Store, WorkflowRun};
use crate::vault::{Vault, erased};
use bytes::Bytes;
use document_reading::{Fault, OpenFile, PageReading, ReadError, Reader, holding};
use document_workflows::contract::{Extraction, ExtractionProgress, ExtractionRequest};
use mesh_runtime::{Problem, clock};
use mesh_types::{DocumentId, DocumentUrl, MemberId, Reason};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

/// How often programs may run into their limits or break off on a page before that is the picture's fault.
const ENGINE_LIMITS: u32 = 2;

/// How often a process may die while it reads a page before that is the picture's fault, such as one that takes all memory.
const UNENDED_READINGS: u32 = 3;

/// How long a page waits to be read before the log says so.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// How long a reading that breaks off may take to say so.
const BREAK_TIMEOUT: Duration = Duration::from_secs(2);

/// What is kept of a page that begins like a picture and cannot be decoded: nothing was found on it. It is the member's
/// picture that is at fault, so no failure and no retry.
pub(crate) const NOTHING_READ: PageReading = PageReading {
    width: 0,
    height: 0,
    mrz: None,
    visas: Vec::new(),
    printed: None,
    barcode: None,
    barcode_unreadable: false,
    quality: None,
};

/// The file whose pages are read: a PDF of fifty pages is fetched and opened once.
struct CurrentFile {
    number: u32,
    bytes: Bytes,
    open: Option<OpenFile>,
}

impl CurrentFile {
    fn new(number: u32, bytes: Bytes) -> Self {
        Self {
            number,
            bytes,
            open: None,
        }
    }

    async fn read_page(&mut self, reader: &Reader, page_in_file: u32) -> Result<PageReading, ReadError> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(reader.open(&self.bytes).await?),
        };
        reader.read_page_of(open, page_in_file).await
    }
}

/// Reads documents.
#[derive(Clone)]
pub struct Extractor {
    vault: Vault,
    reader: Reader,
    slots: Arc<Semaphore>,
    concurrency: u32,
    /// By which this process knows its own readings.
    process: Uuid,
}

impl Extractor {
    /// Reads as many pages at once as there are `slots`, whatever the number of documents. All clones of the semaphore's owner
    /// are of one process.
    pub fn new(vault: Vault, reader: Reader, slots: Arc<Semaphore>) -> Self {
        Self {
            vault,
            reader,
            concurrency: u32::try_from(slots.available_permits()).unwrap_or(u32::MAX).max(1),
            slots,
            process: clock::new_uuid(),
        }
    }

    /// Reads every page that was not read yet, and says after each one how far it is. `run` is the workflow's that asks.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND` when the URL names none of this store, or another member's; `DOCUMENT_ERASED`; `DOCUMENT_UNREADABLE`
    /// when a picture is gone or changed; `KEY_UNAVAILABLE`; `OCR_FAILED`,
    /// `OCR_BUSY`, `NEWER_VERSION_NEEDED`, `OBJECT_STORE_UNAVAILABLE` and `DATABASE_UNAVAILABLE`, after which another try can help.
    pub async fn extract(
        &self,
        request: &ExtractionRequest,
        run: WorkflowRun,
        progress: &watch::Sender<ExtractionProgress>,
    ) -> Result<Extraction, Problem> {
        let document = self.named_document(request).await?;
        // Also of one that was erased: by it the next document finds the workflow that asks for it.
        let submission = NewSubmission {
            verification_id: request.verification_id,
            submission: request.submission,
            document_id: document.document_id,
            run,
            submitted_at: clock::now(),
        };
        self.vault.store().record_submission(&submission).await?;
        if document.erased_at.is_some() {
            return Err(erased());
        }
        let pages = self.vault.store().list_pages(document.document_id).await?;
        let mut read = pages.iter().filter(|page| page.is_read).count() as u32;
        progress.send_replace(progress_of(read, document.page_count));
        let mut current = None;
        for page in pages.iter().filter(|page| !page.is_read) {
            self.read(&document, page, &mut current).await?;
            read += 1;
            progress.send_replace(progress_of(read, document.page_count));
        }
        let readings = self.vault.list_readings(document.document_id).await?;
        if readings.len() != pages.len() {
            // Whoever erases a document does not wait for its reader.
            own_document(self.vault.store(), document.document_id, request.member_id).await?;
        }
        Ok(Extraction {
            document_id: document.document_id,
            page_count: document.page_count,
            mrz_pages: readings.iter().filter(|reading| reading.mrz.is_some()).count() as u32,
        })
    }

    async fn named_document(&self, request: &ExtractionRequest) -> Result<Document, Problem> {
        let url = DocumentUrl::parse(&request.document_url).map_err(|error| not_found().with_source(error))?;
        if !self.vault.objects().holds(&url) {
            return Err(not_found());
        }
        members_document(self.vault.store(), url.document_id(), request.member_id).await
    }

    #[tracing::instrument(name = "read page", skip_all, fields(page = page.number, total_pages = document.page_count))]
    async fn read(&self, document: &Document, page: &Page, current: &mut Option<CurrentFile>) -> Result<(), Problem> {
        // A page in whose reading a process died is read alone: if it is at fault, it takes no other page with it.
        let slots = if page.unended > 0 { self.concurrency } else { 1 };
        let slots = self.take(slots, document.document_id).await;
        holding(slots, self.read_in_slot(document, page, current)).await
    }

    /// Waits for slots, and says so when that takes long: a thread that never ends keeps its slot.
    async fn take(&self, slots: u32, document_id: DocumentId) -> OwnedSemaphorePermit {
        let taken = self.slots.clone().acquire_many_owned(slots);
        tokio::pin!(taken);
        loop {
            match tokio::time::timeout(LONG_WAIT, &mut taken).await {
                Ok(taken) => return taken.expect("the semaphore is never closed"),
                Err(_) => tracing::warn!(%document_id, slots, "a page has waited for {LONG_WAIT:?} to be read"),
            }
        }
    }

    async fn read_in_slot(
        &self,
        document: &Document,
        page: &Page,
        current: &mut Option<CurrentFile>,
    ) -> Result<(), Problem> {
        let store = self.vault.store();
        let unended = store
            .record_attempt(document.document_id, page.number, self.process)
            .await?;
        if unended >= UNENDED_READINGS {
            tracing::error!(document_id = %document.document_id, unended, "readings of a page never ended; it is given up");
            return self.keep(document, page, &NOTHING_READ).await;
        }
        let file = match current {
            Some(file) if file.number == page.file_number => file,
            other => {
                *other = None;
                let bytes = self.vault.get_file(document, page).await?;
                other.insert(CurrentFile::new(page.file_number, bytes))
            }
        };
        let reading = loop {
            match file.read_page(&self.reader, page.page_in_file).await {
                Ok(reading) => break reading,
                // Another look at once: an attempt of the activity for each such page would soon use up all of them.
                Err(error) if ran_into_a_limit(&error) => {
                    let limits = store.record_engine_limit(document.document_id, page.number).await?;
                    if limits >= ENGINE_LIMITS {
                        break NOTHING_READ;
                    }
                }
                Err(error) if error.fault() == Fault::Picture => break NOTHING_READ,
                Err(error) => return Err(engine_failed(error)),
            }
        };
        self.keep(document, page, &reading).await
    }

    async fn keep(&self, document: &Document, page: &Page, reading: &PageReading) -> Result<(), Problem> {
        self.vault
            .insert_reading(document.document_id, page.number, reading, clock::now())
            .await
    }

    /// Says that a reading ended without a result: it failed, or was cancelled. One that a crash ends says nothing, and so
    /// is held against its page when another process reads it. A failure to say so matters only then.
    pub async fn record_break(&self, request: &ExtractionRequest) {
        let Ok(url) = DocumentUrl::parse(&request.document_url) else {
            return;
        };
        let recorded = self.vault.store().record_break(url.document_id(), self.process);
        match tokio::time::timeout(BREAK_TIMEOUT, recorded).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => tracing::warn!(%problem, "a reading that broke off counts as one that never ended"),
            Err(_) => tracing::warn!("a reading that broke off counts as one that never ended"),
        }
    }
}

/// Whether a program was stopped at a limit or broke off, which may be the picture's doing or that of a busy machine.
fn ran_into_a_limit(error: &ReadError) -> bool {
    use document_reading::RunError;
    matches!(
        error,
        ReadError::BrokeOff { .. }
            | ReadError::EngineKilled { .. }
            | ReadError::EngineTimedOut { .. }
            | ReadError::TooCostly {
                source: RunError::TimedOut { .. } | RunError::Killed { .. }
            }
    )
}

fn engine_failed(error: ReadError) -> Problem {
    let reason = match error {
        // The program was replaced beside this process. One that is started anew fits it.
        ReadError::AnotherVersion => Reason::NewerVersionNeeded,
        ReadError::Crowded { .. } => Reason::OcrBusy,
        _ => Reason::OcrFailed,
    };
    Problem::new(reason, "the OCR engine could not read a page").with_source(error)
}

/// The document that a URL names, if it is the member's.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, also for a URL of another store; `DOCUMENT_OF_ANOTHER_MEMBER` where the URL says so, whether or not there
/// is such a document; `DOCUMENT_ERASED`, `DATABASE_UNAVAILABLE`.
pub(crate) async fn named_document(vault: &Vault, url: &DocumentUrl, member_id: MemberId) -> Result<Document, Problem> {
    if !vault.objects().holds(url) {
        return Err(not_found());
    }
    if url.member_id() != member_id {
        let message = "the URL names another member's document";
        return Err(Problem::new(Reason::DocumentOfAnotherMember, message));
    }
    own_document(vault.store(), url.document_id(), member_id).await
}

/// The document, if it is the member's and can be read.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, also for another member's; `DOCUMENT_ERASED`; `DATABASE_UNAVAILABLE`.
pub(crate) async fn own_document(
    store: &Store,
    document_id: DocumentId,
    member_id: MemberId,
) -> Result<Document, Problem> {
    match members_document(store, document_id, member_id).await? {
        document if document.erased_at.is_some() => Err(erased()),
        document => Ok(document),
    }
}

/// The same, also if it was erased. Another member's is answered as a missing one: a URL is quickly made up of one's own number
/// and any document's id, and its maker must not learn that there is such a document. The log tells operators.
async fn members_document(store: &Store, document_id: DocumentId, member_id: MemberId) -> Result<Document, Problem> {
    let document = store.find_document(document_id).await?.ok_or_else(not_found)?;
    if document.member_id != member_id {
        let (named_for, owner) = (member_id.get(), document.member_id.get());
        tracing::warn!(%document_id, named_for, owner, "a document was named for a member who does not own it");
        return Err(not_found());
    }
    Ok(document)
}

pub(crate) fn not_found() -> Problem {
    Problem::new(Reason::DocumentNotFound, "no document of this service has this name")
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
