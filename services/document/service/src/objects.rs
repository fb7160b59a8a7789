//! The files of documents, in the configured object store.
//!
//! Every key is made here from typed ids, so no caller can name another member's object or a place outside the store.
//! The bytes come sealed and go sealed (see [`crate::vault`]); nothing here knows a key.

use anyhow::Context;
use bytes::Bytes;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, DocumentUrl, MemberId, Reason};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the store may take to answer, tries included, besides the time that the bytes take. A store that is away for longer
/// is the caller's business: Temporal and clients try again, and they wait longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// The bytes that must come through in a second, in each direction: 4 MiB. The largest document takes 5 s.
const LEAST_RATE: u64 = 4 << 20;

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
            (_, Some(place)) => open_bucket(place, AmazonS3Builder::from_env())?,
            _ => anyhow::bail!("the object store is neither file:// nor s3://"),
        };
        Ok(Self { store, url })
    }

    /// Refuses a store that has none of these documents: it is another one, or a volume is not mounted. One that doesn't answer
    /// is not refused, since it may be away for now.
    ///
    /// # Errors
    /// When there are documents, and no object of any of them.
    pub async fn ensure_has_some_of(&self, documents: &[(MemberId, DocumentId)]) -> anyhow::Result<()> {
        for (member_id, document_id) in documents {
            let object = key(*member_id, *document_id, 1);
            match within(ANSWER_TIMEOUT, self.store.head(&object)).await {
                Ok(Err(object_store::Error::NotFound { .. })) => {}
                _ => return Ok(()),
            }
        }
        anyhow::ensure!(
            documents.is_empty(),
            "{} has no object of the documents that were uploaded last; is it the right store, and is its volume mounted?",
            self.url.as_str()
        );
        Ok(())
    }

    /// The URL that names a document of this store.
    pub fn url(&self, member_id: MemberId, document_id: DocumentId) -> DocumentUrl {
        DocumentUrl::new(self.url.as_str(), member_id, document_id)
    }

    /// Whether a URL names a document of this store, and not of another one.
    pub fn holds(&self, url: &DocumentUrl) -> bool {
        url.store() == self.url.as_str()
    }

    /// Stores a file; whole or not at all.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`; then it may be there all the same, or come to be there later.
    #[tracing::instrument(name = "PUT object", skip_all, fields(otel.kind = "client"))]
    pub async fn put_file(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        file_number: u32,
        bytes: Bytes,
    ) -> Result<(), Problem> {
        let object = key(member_id, document_id, file_number);
        let limit = transfer_timeout(bytes.len() as u64);
        let stored = within(limit, self.store.put(&object, bytes.into())).await?;
        stored.map(|_| ()).map_err(away)
    }

    /// A file as it was stored.
    ///
    /// # Errors
    /// `DOCUMENT_UNREADABLE` when it is gone; `OBJECT_STORE_UNAVAILABLE`.
    #[tracing::instrument(name = "GET object", skip_all, fields(otel.kind = "client"))]
    pub async fn get_file(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        file_number: u32,
    ) -> Result<Bytes, Problem> {
        let object = key(member_id, document_id, file_number);
        match within(ANSWER_TIMEOUT, self.store.get(&object)).await? {
            Ok(found) => {
                let limit = transfer_timeout(found.meta.size);
                within(limit, found.bytes()).await?.map_err(away)
            }
            Err(error @ object_store::Error::NotFound { .. }) => {
                let why = format!("file {file_number} of the document is not in the object store any more");
                Err(Problem::new(Reason::DocumentUnreadable, why).with_source(error))
            }
            Err(error) => Err(away(error)),
        }
    }

    /// Removes a file; one that isn't there is fine.
    ///
    /// # Errors
    /// `OBJECT_STORE_UNAVAILABLE`.
    #[tracing::instrument(name = "DELETE object", skip_all, fields(otel.kind = "client"))]
    pub async fn delete_file(
        &self,
        member_id: MemberId,
        document_id: DocumentId,
        file_number: u32,
    ) -> Result<(), Problem> {
        let object = key(member_id, document_id, file_number);
        match within(ANSWER_TIMEOUT, self.store.delete(&object)).await? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }
}

fn key(member_id: MemberId, document_id: DocumentId, file_number: u32) -> Path {
    Path::from(format!(
        "members/{member_id}/documents/{document_id}/pages/{file_number}"
    ))
}

/// How long the store may take over so many bytes.
fn transfer_timeout(bytes: u64) -> Duration {
    ANSWER_TIMEOUT + Duration::from_millis(bytes.saturating_mul(1000) / LEAST_RATE)
}

/// A call to the store, given up after `limit`: one that hangs would hold its caller for as long as it hangs.
async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, Problem> {
    let answered = tokio::time::timeout(limit, call).await;
    answered.map_err(|_| {
        let why = format!("the object store has not answered for {limit:?}");
        Problem::new(Reason::ObjectStoreUnavailable, why)
    })
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

fn open_bucket(place: &str, settings: AmazonS3Builder) -> anyhow::Result<Arc<dyn ObjectStore>> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 3,
        retry_timeout: ANSWER_TIMEOUT,
    };
    let store = settings.with_bucket_name(bucket).with_retry(retry).build();
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
    use mesh_testkit::{Fault, FaultProxy, S3Server};

    fn ids(member: i64) -> (MemberId, DocumentId) {
        (
            MemberId::try_from(member).expect("a positive number"),
            mesh_runtime::clock::new_uuid().into(),
        )
    }

    #[tokio::test]
    async fn a_file_comes_back_as_it_was_and_only_under_its_own_member_and_document() {
        let folder = scratch();
        let url: StoreUrl = format!("file://{}/store/", folder.path().display())
            .parse()
            .expect("a store URL");
        let objects = Objects::open(url).expect("a store");
        let (member, document) = ids(42);
        let bytes = Bytes::from_static(b"sealed");
        objects
            .put_file(member, document, 1, bytes.clone())
            .await
            .expect("stored");

        assert_eq!(objects.get_file(member, document, 1).await.expect("there"), bytes);
        let (other_member, other_document) = ids(43);
        for (member, document, file) in [
            (other_member, document, 1),
            (member, other_document, 1),
            (member, document, 2),
        ] {
            let refused = objects
                .get_file(member, document, file)
                .await
                .expect_err("nobody else's");
            assert_eq!(refused.reason(), Reason::DocumentUnreadable);
        }
        objects.delete_file(member, document, 1).await.expect("removed");
        objects.delete_file(member, document, 1).await.expect("removed twice");
        let gone = objects.get_file(member, document, 1).await.expect_err("gone");
        assert_eq!(gone.reason(), Reason::DocumentUnreadable);
    }

    /// A bucket of an S3 server, reached through a proxy that can fail.
    async fn proxied_bucket() -> (Objects, FaultProxy, S3Server) {
        let server = S3Server::start().await.expect("the S3 server starts");
        let endpoint = server.endpoint();
        let upstream = endpoint.trim_start_matches("http://").parse().expect("an address");
        let proxy = FaultProxy::before(upstream).await.expect("a proxy");
        let mut settings = AmazonS3Builder::new();
        for (name, value) in S3Server::environment(&format!("http://{}", proxy.address())) {
            let name = name.to_lowercase().parse().expect("a setting of the client");
            settings = settings.with_config(name, value.into_string().expect("text"));
        }
        let place = format!("{}/prefix", server.bucket());
        let objects = Objects {
            store: open_bucket(&place, settings).expect("a bucket"),
            url: format!("s3://{place}").parse().expect("a store URL"),
        };
        (objects, proxy, server)
    }

    #[tokio::test]
    async fn a_bucket_keeps_files_and_says_which_are_gone() {
        let (objects, _proxy, server) = proxied_bucket().await;
        let (member, document) = ids(42);
        let bytes = Bytes::from(vec![7; 3 << 20]);
        objects
            .put_file(member, document, 1, bytes.clone())
            .await
            .expect("stored");
        objects.ensure_has_some_of(&[(member, document)]).await.expect("there");
        server.restart().await.expect("it starts again");
        assert_eq!(objects.get_file(member, document, 1).await.expect("there"), bytes);
        objects.delete_file(member, document, 1).await.expect("removed");
        objects.delete_file(member, document, 1).await.expect("removed twice");
        let gone = objects.get_file(member, document, 1).await.expect_err("gone");
        assert_eq!(gone.reason(), Reason::DocumentUnreadable);
        let refused = objects.ensure_has_some_of(&[(member, document)]).await;
        assert!(refused.is_err(), "it has none of the documents");
    }

    #[tokio::test]
    async fn a_bucket_that_is_cut_off_or_hangs_is_away_within_seconds_and_back_by_itself() {
        let (objects, proxy, _server) = proxied_bucket().await;
        let (member, document) = ids(42);
        let (bytes, documents) = (Bytes::from_static(b"sealed"), [(member, document)]);
        objects
            .put_file(member, document, 1, bytes.clone())
            .await
            .expect("stored");
        for fault in [Fault::Cut, Fault::Hang, Fault::HoldRequests, Fault::HoldAnswers] {
            proxy.set(fault);
            let begun = std::time::Instant::now();
            let (put, got, deleted, known) = tokio::join!(
                objects.put_file(member, document, 2, bytes.clone()),
                objects.get_file(member, document, 1),
                objects.delete_file(member, document, 3),
                objects.ensure_has_some_of(&documents),
            );
            let took = begun.elapsed();
            for refused in [put, got.map(|_| ()), deleted] {
                let refused = refused.expect_err("nothing comes through");
                assert_eq!(refused.reason(), Reason::ObjectStoreUnavailable, "{fault:?}");
            }
            assert!(known.is_ok(), "{fault:?}: a store that is away is not a wrong one");
            assert!(took < ANSWER_TIMEOUT + Duration::from_secs(2), "{fault:?}: {took:?}");
            proxy.set(Fault::None);
            assert_eq!(
                objects.get_file(member, document, 1).await.expect("back"),
                bytes,
                "{fault:?}"
            );
        }
    }

    #[test]
    fn the_largest_document_has_as_long_as_a_slow_network_needs_for_it() {
        let largest = crate::upload::MAX_DOCUMENT_BYTES as u64;
        assert_eq!(transfer_timeout(largest), ANSWER_TIMEOUT + Duration::from_secs(5));
        assert_eq!(transfer_timeout(0), ANSWER_TIMEOUT);
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
            .put_file(member, document, 1, Bytes::from_static(b"sealed"))
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
