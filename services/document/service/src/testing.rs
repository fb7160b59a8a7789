//! What the tests of several modules stand on: a real database of their own, a folder of objects, an uploaded document.

use crate::intake::Intake;
use crate::objects::Objects;
use crate::store::{RecordedUpload, Store};
use crate::upload::{Upload, UploadedPage};
use document_reading::FileFormat;
use mesh_runtime::clock;
use mesh_types::{DocumentKind, MemberId, RequestId, VerificationId};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;

pub(crate) const MEMBER: i64 = 42;
pub(crate) const ANOTHER_MEMBER: i64 = 43;

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) store: Store,
    pub(crate) objects: Objects,
    pub(crate) intake: Intake,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let postgres = mesh_testkit::Postgres::shared().await.expect("PostgreSQL");
        let url = postgres.create_database("document").await.expect("a database");
        let pool = PgPool::connect(&url).await.expect("a connection");
        crate::MIGRATIONS.run(&pool).await.expect("the migrations");
        let folder = scratch();
        let url = format!("file://{}/store", folder.path().display())
            .parse()
            .expect("a store URL");
        let objects = Objects::open(url).expect("a store");
        let store = Store::new(pool.clone());
        let intake = Intake::new(store.clone(), objects.clone(), 4);
        Self {
            pool,
            store,
            objects,
            intake,
            folder,
        }
    }

    pub(crate) async fn uploaded(&self, pages: &[Vec<u8>]) -> RecordedUpload {
        self.intake
            .store(upload(new_request(), MEMBER, pages))
            .await
            .expect("a stored document")
    }

    /// How many pictures lie in the store.
    pub(crate) fn object_count(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).expect("a folder").flatten();
            entries
                .map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 })
                .sum()
        }
        count(self.folder.path())
    }

    /// How often a reading was begun, page by page.
    pub(crate) async fn attempts(&self, document: &RecordedUpload) -> Vec<u32> {
        let pages = self.store.list_pages(document.document_id).await.expect("the pages");
        pages.iter().map(|page| page.attempts).collect()
    }
}

/// Without a dot in its name, which no store URL has at the beginning of a segment.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new()
        .prefix("objects-")
        .tempdir()
        .expect("a temporary folder")
}

pub(crate) fn member(id: i64) -> MemberId {
    MemberId::try_from(id).expect("a positive number")
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
    let page = |picture: &Vec<u8>| UploadedPage {
        format: FileFormat::of(picture).unwrap_or(FileFormat::Png),
        sha256: Sha256::digest(picture).into(),
        picture: picture.clone().into(),
    };
    Upload {
        request_id,
        member_id: member(member_id),
        kind: DocumentKind::Passport,
        sha256: Sha256::digest(pages.concat()).into(),
        pages: pages.iter().map(page).collect(),
    }
}
