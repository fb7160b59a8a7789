//! An upload, taken in message by message: what can't be right is refused at the first byte that shows it.

use crate::api::parse::kind;
use crate::upload_limits::{UploadLimits, UploadPlace};
use bytes::Bytes;
use document_reading::{Files, MAX_PIXELS, ReadError};
use futures::{Stream, StreamExt};
use mesh_proto::document::v1::UploadDocumentRequest;
use mesh_proto::document::v1::upload_document_request::{Header, Part};
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_types::{DocumentKind, MemberId, Reason, RequestId};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The largest chunk, in bytes: 1 MiB.
pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// The largest document, in bytes: 20 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 20 << 20;
/// The most pages of a document.
pub const MAX_PAGES: usize = 50;

/// The bytes that an upload may bring before it takes a place: 256 KiB.
const WITHOUT_PLACE: usize = 256 << 10;

/// A whole upload, every file of which begins like one that is read here.
#[derive(Debug)]
pub struct Upload {
    /// What the caller chose, so that a retry does nothing twice.
    pub request_id: RequestId,
    /// Whose document it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Its files in their order, 1 to 50, with 1 to 50 pages in all.
    pub files: Vec<UploadedFile>,
    /// Over the bytes of all files in their order.
    pub sha256: [u8; 32],
    /// Its place, which ends with it.
    pub place: Option<UploadPlace>,
}

/// One file of an upload.
#[derive(Debug)]
pub struct UploadedFile {
    /// What its bytes say it is.
    pub media_type: &'static str,
    /// Its pages, from 1.
    pub page_count: u32,
    /// All of its bytes.
    pub bytes: Bytes,
    /// Over its bytes.
    pub sha256: [u8; 32],
}

impl Upload {
    /// Takes a client's stream to its end, or to the first message that can't be right. `admits` says whether the caller may
    /// upload for the member that the header names.
    ///
    /// # Errors
    /// Those of `admits`;
    /// `INVALID_REQUEST`, `DOCUMENT_EMPTY`, `DOCUMENT_TOO_LARGE`, `DOCUMENT_TOO_MANY_PAGES`, `DOCUMENT_NOT_A_PICTURE`,
    /// `DOCUMENT_DAMAGED`, `DOCUMENT_ENCRYPTED`, `DOCUMENT_EXPANDS_TOO_MUCH`, `DOCUMENT_TOO_MANY_PIXELS`, each with the
    /// path of the field; `TOO_MANY_UPLOADS`; `DEADLINE_EXCEEDED` when the client is silent; `CANCELLED` when it went away;
    /// `OCR_FAILED` when a file could not be looked at.
    pub async fn receive(
        mut messages: impl Stream<Item = Result<UploadDocumentRequest, tonic::Status>> + Unpin,
        admits: impl FnOnce(MemberId) -> Result<(), Problem>,
        opener: &Files,
        limits: &UploadLimits,
    ) -> Result<Self, Problem> {
        let mut taking = match next(&mut messages, limits.idle_timeout).await? {
            Some(Part::Header(header)) => Taking::begin(&header, opener, limits)?,
            Some(Part::Page(_)) => return Err(Problem::invalid_field("page", "the first message must be the header")),
            Some(Part::Chunk(_)) => {
                return Err(Problem::invalid_field("chunk", "the first message must be the header"));
            }
            None => return Err(Problem::invalid_field("header", "the stream must begin with it")),
        };
        admits(taking.member_id)?;
        while let Some(part) = next(&mut messages, limits.idle_timeout).await? {
            match part {
                Part::Header(_) => return Err(Problem::invalid_field("header", "only the first message may be one")),
                Part::Page(_) => taking.begin_file().await?,
                Part::Chunk(chunk) => taking.add(chunk.as_ref()).await?,
            }
        }
        taking.finish().await
    }
}

async fn next(
    messages: &mut (impl Stream<Item = Result<UploadDocumentRequest, tonic::Status>> + Unpin),
    idle_timeout: Duration,
) -> Result<Option<Part>, Problem> {
    let next = tokio::time::timeout(idle_timeout, messages.next()).await;
    match next.map_err(|_| idle(idle_timeout))? {
        None => Ok(None),
        Some(Ok(UploadDocumentRequest { part: Some(part) })) => Ok(Some(part)),
        Some(Ok(UploadDocumentRequest { part: None })) => {
            Err(Problem::invalid_field("part", "must be a header, a page or a chunk"))
        }
        Some(Err(status)) => Err(broken_stream(status)),
    }
}

fn idle(timeout: Duration) -> Problem {
    let message = format!("nothing came for {timeout:?}; send the document again, without pauses");
    Problem::new(Reason::DeadlineExceeded, message)
}

/// A stream that ends without its end: the client's doing, or a message over the limit of every message.
fn broken_stream(status: tonic::Status) -> Problem {
    let reason = match status.code() {
        tonic::Code::OutOfRange | tonic::Code::ResourceExhausted => Reason::MessageTooLarge,
        _ => Reason::Cancelled,
    };
    Problem::new(reason, "the stream of the upload broke off").with_source(status)
}

/// An upload under way. Holds at most [`MAX_DOCUMENT_BYTES`] of files.
struct Taking<'a> {
    request_id: RequestId,
    member_id: MemberId,
    kind: DocumentKind,
    opener: &'a Files,
    limits: &'a UploadLimits,
    place: Option<UploadPlace>,
    files: Vec<UploadedFile>,
    /// The bytes so far of the file that was begun last.
    open: Option<Vec<u8>>,
    size: usize,
    all: Sha256,
}

impl<'a> Taking<'a> {
    fn begin(header: &Header, opener: &'a Files, limits: &'a UploadLimits) -> Result<Self, Problem> {
        Ok(Self {
            request_id: fields::id("header.request_id", &header.request_id)?,
            member_id: fields::member_id("header.member_id", header.member_id)?,
            kind: kind("header.document_type", header.document_type())?,
            opener,
            limits,
            place: None,
            files: Vec::new(),
            open: None,
            size: 0,
            all: Sha256::new(),
        })
    }

    async fn begin_file(&mut self) -> Result<(), Problem> {
        self.end_file().await?;
        if self.page_count() >= MAX_PAGES {
            return Err(too_many_pages("page"));
        }
        self.open = Some(Vec::new());
        Ok(())
    }

    fn page_count(&self) -> usize {
        self.files.iter().map(|file| file.page_count as usize).sum()
    }

    async fn add(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let Some(open) = &mut self.open else {
            return Err(Problem::invalid_field("chunk", "a page must be begun first"));
        };
        if chunk.len() > MAX_CHUNK_BYTES {
            return Err(Problem::invalid_field(
                "chunk",
                format!("must be at most {MAX_CHUNK_BYTES} bytes long"),
            ));
        }
        if self.size + chunk.len() > MAX_DOCUMENT_BYTES {
            let limit = format!("a document has at most {MAX_DOCUMENT_BYTES} bytes");
            return Err(Problem::new(Reason::DocumentTooLarge, &limit).with_violation("chunk", limit));
        }
        if self.place.is_none() && self.size + chunk.len() > WITHOUT_PLACE {
            self.place = Some(self.limits.take(self.member_id).await?);
        }
        open.extend_from_slice(chunk);
        self.size += chunk.len();
        Ok(())
    }

    async fn end_file(&mut self) -> Result<(), Problem> {
        let Some(bytes) = self.open.take() else { return Ok(()) };
        if bytes.is_empty() {
            return Err(empty("chunk", "a page must have bytes"));
        }
        // To look into a file costs a process.
        if self.place.is_none() {
            self.place = Some(self.limits.take(self.member_id).await?);
        }
        let (index, bytes) = (self.files.len(), Bytes::from(bytes));
        let facts = self.opener.inspect(&bytes).await;
        let facts = facts.map_err(|error| refused_file(index, error))?;
        if self.page_count() + facts.pages as usize > MAX_PAGES {
            return Err(too_many_pages(&format!("pages[{index}]")));
        }
        self.all.update(&bytes);
        self.files.push(UploadedFile {
            media_type: facts.format.media_type(),
            page_count: facts.pages,
            sha256: Sha256::digest(&bytes).into(),
            bytes,
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<Upload, Problem> {
        self.end_file().await?;
        if self.files.is_empty() {
            return Err(empty("page", "a document must have a page"));
        }
        Ok(Upload {
            request_id: self.request_id,
            member_id: self.member_id,
            kind: self.kind,
            files: self.files,
            sha256: self.all.finalize().into(),
            place: self.place,
        })
    }
}

fn empty(path: &str, why: &str) -> Problem {
    Problem::new(Reason::DocumentEmpty, why).with_violation(path, why)
}

fn too_many_pages(path: &str) -> Problem {
    let limit = format!("a document has at most {MAX_PAGES} pages");
    Problem::new(Reason::DocumentTooManyPages, &limit).with_violation(path, limit)
}

/// `index` counts from 0, as field paths do.
fn refused_file(index: usize, error: ReadError) -> Problem {
    let (reason, why) = match &error {
        ReadError::TooManyPixels { .. } => (
            Reason::DocumentTooManyPixels,
            format!("must have at most {MAX_PIXELS} pixels a page"),
        ),
        ReadError::TooManyPages { .. } => (
            Reason::DocumentTooManyPages,
            format!("must have at most {MAX_PAGES} pages"),
        ),
        ReadError::Damaged | ReadError::Cyclic => (Reason::DocumentDamaged, "is cut short or broken".to_owned()),
        ReadError::Encrypted => (
            Reason::DocumentEncrypted,
            "must not be locked with a password".to_owned(),
        ),
        ReadError::ExpandsTooMuch | ReadError::TooCostly { .. } => (
            Reason::DocumentExpandsTooMuch,
            "unpacks to far more than a document needs".to_owned(),
        ),
        ReadError::NotAPicture | ReadError::Unsupported => (
            Reason::DocumentNotAPicture,
            "must be a PNG, JPEG, TIFF or WebP picture or a PDF of a usual kind, by its own bytes".to_owned(),
        ),
        // What is no fault of the file is no reason to refuse it for ever.
        _ => return Problem::new(Reason::OcrFailed, "the file could not be looked at").with_source(error),
    };
    let path = format!("pages[{index}]");
    Problem::new(reason, format!("{path}: {why}")).with_violation(path, why)
}

#[cfg(test)]
mod tests;
