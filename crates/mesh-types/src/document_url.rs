//! The URL of an uploaded document: the only way a caller can name an object, and it can only name a member's own.

use crate::{DocumentId, MemberId};
use std::fmt;

/// Where a document lies: `<store>/members/<member id>/documents/<document id>`, where `<store>` is the URL of the
/// configured object store (`file:///…` or `s3://bucket[/prefix]`).
///
/// The grammar is strict on purpose: no `..`, no empty segment, no escape, query, fragment, user or port. The document
/// service chooses every key; a caller can repeat one, never make one up for another member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrl {
    store: String,
    member_id: MemberId,
    document_id: DocumentId,
}

/// Why a text is no document URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentUrlError {
    /// Longer than 1,024 bytes.
    #[error("must be at most 1024 bytes long")]
    TooLong,
    /// Neither `file:///` nor `s3://`.
    #[error("must begin with file:/// or s3://, as UploadDocument returned it")]
    Scheme,
    /// A character or segment that no key of ours has.
    #[error("must be a document_url as UploadDocument returned it")]
    Form,
}

impl DocumentUrl {
    /// The URL of a member's document in a store; `store` has no slash at its end.
    pub fn new(store: &str, member_id: MemberId, document_id: DocumentId) -> Self {
        Self {
            store: store.trim_end_matches('/').to_owned(),
            member_id,
            document_id,
        }
    }

    /// Reads a caller's text.
    pub fn parse(text: &str) -> Result<Self, DocumentUrlError> {
        if text.len() > 1024 {
            return Err(DocumentUrlError::TooLong);
        }
        let path = text
            .strip_prefix("file:///")
            .or_else(|| text.strip_prefix("s3://"))
            .ok_or(DocumentUrlError::Scheme)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        if !path.chars().all(plain)
            || path
                .split('/')
                .any(|segment| segment.is_empty() || segment.starts_with('.'))
        {
            return Err(DocumentUrlError::Form);
        }
        let mut from_the_end = text.rsplitn(5, '/');
        let mut next = || from_the_end.next().ok_or(DocumentUrlError::Form);
        let (document, documents, member, members, store) = (next()?, next()?, next()?, next()?, next()?);
        if documents != "documents" || members != "members" || store.ends_with('/') {
            return Err(DocumentUrlError::Form);
        }
        let number: i64 = member.parse().map_err(|_| DocumentUrlError::Form)?;
        if number.to_string() != member {
            return Err(DocumentUrlError::Form);
        }
        Ok(Self {
            store: store.to_owned(),
            member_id: MemberId::try_from(number).map_err(|_| DocumentUrlError::Form)?,
            document_id: document.parse().map_err(|_| DocumentUrlError::Form)?,
        })
    }

    /// The store's own URL, without a slash at its end.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Whose document it is.
    pub fn member_id(&self) -> MemberId {
        self.member_id
    }

    /// Which document it is.
    pub fn document_id(&self) -> DocumentId {
        self.document_id
    }
}

impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/members/{}/documents/{}",
            self.store, self.member_id, self.document_id
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

    #[test]
    fn what_upload_returned_reads_back_the_same() {
        for store in ["file:///srv/documents", "s3://bucket", "s3://bucket/some/prefix"] {
            let url = format!("{store}/members/42/documents/{ID}");
            let parsed = DocumentUrl::parse(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (parsed.store(), parsed.member_id().get(), parsed.to_string()),
                (store, 42, url)
            );
        }
    }

    #[test]
    fn nothing_else_is_a_document_url() {
        for bad in [
            "",
            "http://169.254.169.254/members/42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "s3:///members/42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "s3://bucket/members/42/../43/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "s3://bucket/members/042/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "s3://bucket/members/+42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "s3://bucket/members/42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d?versionId=1",
            "s3://key:secret@bucket/members/42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "file:///srv/%2e%2e/members/42/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d",
            "file:///srv/documents/members/42/documents/passwd",
            "file:///etc/passwd",
        ] {
            assert!(DocumentUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
