//! What the tests of several modules stand on: a real database of their own, a folder of objects, an uploaded document.

use crate::identity::IdentityHash;
use crate::keyring::Keyring;
use crate::objects::{Objects, StoreUrl};
use crate::store::{NewReview, NewSubmission, Store, WaitingActivity, WorkflowRun, block};
use crate::temporal::Workflows;
use crate::upload::{Upload, UploadedFile};
use crate::upload_document::Uploads;
use crate::vault::Vault;
use document_reading::{Files, FilesConfig};
use jiff::Timestamp;
use mesh_keyring::UsedKeys;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Actor, clock};
use mesh_testkit::eventually;
use mesh_testkit::fixtures::{OrPanic, fresh_database, temporal_client};
pub(crate) use mesh_testkit::fixtures::{at, member};
use mesh_types::{DocumentId, DocumentKind, RequestId, ReviewId, VerificationId};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::time::Duration;
use tempfile::TempDir;

/// The longest that any wait lasts.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const MEMBER: i64 = 42;
pub(crate) const ANOTHER_MEMBER: i64 = 43;
/// Who erases, blocks and releases.
pub(crate) const STAFF: Actor = Actor::Person(1);

/// A document that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uploaded {
    pub(crate) document_id: DocumentId,
    pub(crate) document_url: String,
    pub(crate) page_count: u32,
    pub(crate) size_bytes: usize,
}

pub(crate) struct World {
    pub(crate) idempotency: IdempotencyStore,
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) objects: Objects,
    pub(crate) vault: Vault,
    pub(crate) uploads: Uploads,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let pool = fresh_database("document", &crate::MIGRATIONS).await;
        let idempotency = IdempotencyStore::open(pool.clone()).await.expect("the requests");
        let folder = scratch();
        let url: StoreUrl = format!("file://{}/store", folder.path().display())
            .parse()
            .expect("a store URL");
        let keyring = Keyring::open(None, &url, &UsedKeys::default()).expect("a keyring");
        let objects = Objects::open(url).expect("a store");
        let store = Store::new(pool.clone());
        let vault = Vault::new(store.clone(), objects.clone(), keyring);
        let uploads = Uploads::new(vault.clone(), idempotency.clone(), opener(), 4);
        Self {
            idempotency,
            pool,
            store,
            objects,
            vault,
            uploads,
            folder,
        }
    }

    pub(crate) async fn uploaded(&self, pages: &[Vec<u8>]) -> Uploaded {
        self.stored(upload(new_request(), MEMBER, pages)).await
    }

    /// A document of a member's, one picture.
    pub(crate) async fn uploaded_by(&self, member_id: i64) -> Uploaded {
        self.stored(upload(new_request(), member_id, &[png(1)])).await
    }

    pub(crate) async fn stored(&self, upload: Upload) -> Uploaded {
        let answer = self.uploads.store(upload).await.expect("a stored document");
        Uploaded {
            document_id: answer.document_id.parse().expect("an id"),
            document_url: answer.document_url,
            page_count: answer.page_count as u32,
            size_bytes: answer.size_bytes as usize,
        }
    }

    /// A document of a member's, one page, and a review that waits for a person.
    pub(crate) async fn reviewed(&self, page: Vec<u8>) -> (DocumentId, ReviewId) {
        let document_id = self.uploaded(&[page]).await.document_id;
        (document_id, self.in_review(document_id, new_verification()).await)
    }

    /// A review of a document that waits for a person.
    pub(crate) async fn in_review(&self, document_id: DocumentId, verification_id: VerificationId) -> ReviewId {
        let review = NewReview {
            review_id: clock::new_uuid().into(),
            verification_id,
            document_id,
            internal_reason: "SINGLE_SOURCE".to_owned(),
            requested_at: clock::now(),
            expires_at: at(4_102_444_800),
            waiting: waiting(),
        };
        self.store.request_review(&review).await.expect("asked");
        review.review_id
    }

    /// Has a verification read a document.
    pub(crate) async fn submitted(&self, document_id: DocumentId, verification_id: VerificationId, submission: u32) {
        let submission = NewSubmission {
            verification_id,
            submission,
            document_id,
            run: run(),
            submitted_at: at(0),
        };
        self.store.record_submission(&submission).await.expect("submitted");
    }

    /// The same tables and objects under another keyring.
    pub(crate) fn vault_with(&self, keyring: Keyring) -> Vault {
        Vault::new(self.store.clone(), self.objects.clone(), keyring)
    }

    /// Waits until somebody waits for a lock of this database, or until what they would do is done.
    pub(crate) async fn until_one_waits_or(&self, done: &'static str) {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        let look = async || {
            for select in [waits, done] {
                let found = sqlx::query_scalar::<_, bool>(select).fetch_one(&self.pool).await;
                if found.expect("a row") {
                    return Some(());
                }
            }
            None
        };
        eventually(PATIENCE, "somebody to wait or to be done", look)
            .await
            .or_panic();
    }

    /// Puts a document with these hashes on the blocklist.
    pub(crate) async fn block(&self, hashes: &[IdentityHash], blocked_at: Timestamp) {
        let mut transaction = self.pool.begin().await.expect("a transaction");
        let blocked = block(&mut transaction, hashes, (&STAFF, "REPORTED_STOLEN"), blocked_at).await;
        blocked.expect("blocked");
        transaction.commit().await.expect("committed");
    }

    /// How many files lie in the store.
    pub(crate) fn object_count(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).expect("a folder").flatten();
            entries
                .map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 })
                .sum()
        }
        count(&self.folder.path().join("store"))
    }

    /// How often a reading was begun, page by page.
    pub(crate) async fn attempts(&self, document: &Uploaded) -> Vec<u32> {
        let pages = self.store.list_pages(document.document_id).await.expect("the pages");
        pages.iter().map(|page| page.attempts).collect()
    }
}

/// What opens files, by poppler's programs.
pub(crate) fn opener() -> Files {
    Files::new(FilesConfig::default()).expect("poppler")
}

/// A real Temporal, in which none of the workflows named here is.
pub(crate) async fn workflows() -> Workflows {
    Workflows::new(temporal_client().await)
}

pub(crate) fn run() -> WorkflowRun {
    WorkflowRun {
        workflow_id: format!("document/{}", clock::new_uuid()),
        run_id: clock::new_uuid().to_string(),
    }
}

pub(crate) fn waiting() -> WaitingActivity {
    let WorkflowRun { workflow_id, run_id } = run();
    WaitingActivity {
        workflow_id,
        run_id,
        activity_id: "1".to_owned(),
    }
}

/// Without a dot in its name, which no store URL has at the beginning of a segment.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new()
        .prefix("objects-")
        .tempdir()
        .expect("a temporary folder")
}

pub(crate) fn new_request() -> RequestId {
    clock::new_uuid().into()
}

pub(crate) fn new_verification() -> VerificationId {
    clock::new_uuid().into()
}

pub(crate) fn png(shade: u8) -> Vec<u8> {
    specimen::to_png(&image::RgbImage::from_pixel(40, 30, image::Rgb([shade; 3])))
}

pub(crate) fn upload(request_id: RequestId, member_id: i64, pages: &[Vec<u8>]) -> Upload {
    let file = |picture: &Vec<u8>| UploadedFile {
        media_type: "image/png",
        page_count: 1,
        sha256: Sha256::digest(picture).into(),
        bytes: picture.clone().into(),
    };
    Upload {
        request_id,
        member_id: member(member_id),
        kind: DocumentKind::Passport,
        sha256: Sha256::digest(pages.concat()).into(),
        files: pages.iter().map(file).collect(),
        place: None,
    }
}
