//! The pictures of the pages, in the configured object store.
//!
//! Every key is made here from typed ids, so no caller can name another member's object or a place outside the store.
//! What is read is what was written: the bytes are compared with their SHA-256 each time.

use anyhow::Context;
use bytes::Bytes;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, DocumentUrl, MemberId, Reason};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use sha2::{Digest, Sha256};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A store that is away for longer is the caller's business: Temporal and clients try again, and they wait longer.
const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

/// The URL of the object store, without a slash at its end: `file:///folder` or `s3://bucket[/prefix]`.
///
/// Only what a [`DocumentUrl`] can carry: letters, digits, `-`, `_`, `.` and `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreUrl(String);

/// Why a text is no store URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be file:///folder or s3://bucket[/prefix] with letters, digits, `-`, `_` and `.` only")]
pub struct StoreUrlError;

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, StoreUrlError> {
        let store = text.trim_end_matches('/');
        let member = MemberId::try_from(1).map_err(|_| StoreUrlError)?;
        let document = DocumentUrl::new(store, member, Uuid::nil().into()).to_string();
        let parsed = DocumentUrl::parse(&document).map_err(|_| StoreUrlError)?;
        if parsed.store() != store || store == "file://" {
            Err(StoreUrlError)
        } else {
            Ok(Self(store.to_owned()))
        }
    }
}

impl StoreUrl {
    /// The URL as document URLs begin with it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The object store. Clones share it.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    url: StoreUrl,
}

impl Objects {
    /// Opens the store. A folder is made if it isn't there, readable by this user alone; a bucket must exist, and the
    /// keys and settings for it come from the usual `AWS_*` environment variables.
    ///
    /// # Errors
    /// When the folder can't be made, or the settings for the bucket can't be right.
    pub fn open(url: StoreUrl) -> anyhow::Result<Self> {
        let store: Arc<dyn ObjectStore> = match (url.0.strip_prefix("file://"), url.0.strip_prefix("s3://")) {
            (Some(folder), _) => Arc::new(open_folder(folder)?),
            (_, Some(place)) => open_bucket(place)?,
            _ => anyhow::bail!("the object store is neither file:// nor s3://"),
        };
        Ok(Self { store, url })
    }

    /// The URL that names a document of this store.
    pub fn url(&self, member_id: MemberId, document_id: DocumentId) -> DocumentUrl {
        DocumentUrl::new(self.url.as_str(), member_id, document_id)
    }

    /// Whether a URL names a document of this store, and not of another one.
    pub fn holds(&self, url: &DocumentUrl) -> bool {
        url.store() == self.url.as_str()
    }

    /// Stores a page's picture; whole or not at all.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`.
    #[tracing::instrument(name = "PUT object", skip_all, fields(otel.kind = "client"))]
    pub async fn put_page(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        page_number: u32,
        picture: Bytes,
    ) -> Result<(), Problem> {
        let stored = self
            .store
            .put(&key(member_id, document_id, page_number), picture.into())
            .await;
        stored.map(|_| ()).map_err(away)
    }

    /// A page's picture, exactly as it was stored.
    ///
    /// # Errors
    /// `DOCUMENT_UNREADABLE` when it is gone or its bytes are not those of `sha256`; `OBJECT_STORE_UNAVAILABLE`.
    #[tracing::instrument(name = "GET object", skip_all, fields(otel.kind = "client"))]
    pub async fn get_page(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        page_number: u32,
        sha256: &[u8; 32],
    ) -> Result<Bytes, Problem> {
        let unreadable = |why| {
            Problem::new(
                Reason::DocumentUnreadable,
                format!("page {page_number} of the document {why}"),
            )
        };
        let found = match self.store.get(&key(member_id, document_id, page_number)).await {
            Ok(found) => found,
            Err(error @ object_store::Error::NotFound { .. }) => {
                return Err(unreadable("is not in the object store any more").with_source(error));
            }
            Err(error) => return Err(away(error)),
        };
        let picture = found.bytes().await.map_err(away)?;
        if Sha256::digest(&picture)[..] != sha256[..] {
            return Err(unreadable("is not what was uploaded"));
        }
        Ok(picture)
    }

    /// Removes a page's picture; one that isn't there is fine.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`.
    #[tracing::instrument(name = "DELETE object", skip_all, fields(otel.kind = "client"))]
    pub async fn delete_page(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        page_number: u32,
    ) -> Result<(), Problem> {
        match self.store.delete(&key(member_id, document_id, page_number)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }
}

fn key(member_id: MemberId, document_id: DocumentId, page_number: u32) -> Path {
    Path::from(format!(
        "members/{member_id}/documents/{document_id}/pages/{page_number}"
    ))
}

fn away(error: object_store::Error) -> Problem {
    Problem::new(Reason::ObjectStoreUnavailable, "the object store does not answer").with_source(error)
}

fn open_folder(folder: &str) -> anyhow::Result<LocalFileSystem> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .with_context(|| format!("cannot create the document store {folder}"))?;
    let store = LocalFileSystem::new_with_prefix(folder).with_context(|| format!("cannot open {folder}"))?;
    // What an upload was told is stored must still be there after a power cut, as its row is.
    Ok(store.with_fsync(true))
}

fn open_bucket(place: &str) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 3,
        retry_timeout: RETRY_TIMEOUT,
    };
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retry)
        .build();
    let store = store.with_context(|| format!("cannot use the bucket {bucket}; set AWS_REGION and its keys"))?;
    Ok(if prefix.is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::scratch;

    fn ids(member: i64) -> (MemberId, DocumentId) {
        (
            MemberId::try_from(member).expect("a positive number"),
            mesh_runtime::clock::new_uuid().into(),
        )
    }

    #[tokio::test]
    async fn a_page_comes_back_as_it_was_and_only_under_its_own_member_and_document() {
        let folder = scratch();
        let url: StoreUrl = format!("file://{}/store/", folder.path().display())
            .parse()
            .expect("a store URL");
        let objects = Objects::open(url).expect("a store");
        let (member, document) = ids(42);
        let picture = Bytes::from_static(b"picture");
        let sha256: [u8; 32] = Sha256::digest(&picture).into();
        objects
            .put_page(member, document, 1, picture.clone())
            .await
            .expect("stored");

        assert_eq!(
            objects.get_page(member, document, 1, &sha256).await.expect("there"),
            picture
        );
        let (other_member, other_document) = ids(43);
        for (member, document, page, hash) in [
            (other_member, document, 1, sha256),
            (member, other_document, 1, sha256),
            (member, document, 2, sha256),
            (member, document, 1, [0; 32]),
        ] {
            let refused = objects
                .get_page(member, document, page, &hash)
                .await
                .expect_err("nobody else's");
            assert_eq!(refused.reason(), Reason::DocumentUnreadable);
        }
        objects.delete_page(member, document, 1).await.expect("removed");
        objects.delete_page(member, document, 1).await.expect("removed twice");
        let gone = objects.get_page(member, document, 1, &sha256).await.expect_err("gone");
        assert_eq!(gone.reason(), Reason::DocumentUnreadable);
    }

    #[tokio::test]
    async fn a_store_that_fails_is_away_and_not_an_unreadable_document() {
        let folder = scratch();
        let url: StoreUrl = format!("file://{}/store", folder.path().display())
            .parse()
            .expect("a store URL");
        let objects = Objects::open(url.clone()).expect("a store");
        let (member, document) = ids(42);
        // A file where the folder of the member would be.
        std::fs::write(format!("{}/members", url.as_str().trim_start_matches("file://")), b"").expect("a file");
        let refused = objects
            .put_page(member, document, 1, Bytes::from_static(b"picture"))
            .await
            .expect_err("no folder");
        assert_eq!(refused.reason(), Reason::ObjectStoreUnavailable);
    }

    #[test]
    fn a_url_of_another_store_is_not_held() {
        let folder = scratch();
        let url: StoreUrl = format!("file://{}/a", folder.path().display())
            .parse()
            .expect("a store URL");
        let objects = Objects::open(url.clone()).expect("a store");
        let (member, document) = ids(42);
        assert!(objects.holds(&objects.url(member, document)));
        for other in [
            format!("{}/b", url.as_str()),
            "s3://bucket".to_owned(),
            "file:///etc".to_owned(),
        ] {
            assert!(!objects.holds(&DocumentUrl::new(&other, member, document)), "{other}");
        }
    }

    #[test]
    fn only_folders_and_buckets_are_store_urls() {
        for good in [
            "file:///srv/documents",
            "file:///srv/documents/",
            "s3://bucket",
            "s3://bucket/some/prefix",
        ] {
            assert!(good.parse::<StoreUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "file://",
            "file:///",
            "file:///a/../b",
            "s3://",
            "s3://key:secret@bucket",
            "http://x",
            "/srv",
        ] {
            assert_eq!(bad.parse::<StoreUrl>(), Err(StoreUrlError), "{bad}");
        }
    }
}
