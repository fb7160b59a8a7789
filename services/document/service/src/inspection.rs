//! What an uploaded file is, before anything of it is decoded.

use bytes::Bytes;
use document_reading::{ReadError, sniff};

/// What a file is, by its own bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// E.g. `image/png`.
    pub media_type: &'static str,
    /// Its pages, from 1.
    pub page_count: u32,
}

/// Looks at files. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Inspector;

impl Inspector {
    /// What a file is.
    ///
    /// # Errors
    /// Why it is none that is read here.
    pub async fn inspect(&self, file: &Bytes) -> Result<FileFacts, ReadError> {
        let format = sniff(file)?;
        Ok(FileFacts {
            media_type: format.media_type(),
            page_count: 1,
        })
    }
}
