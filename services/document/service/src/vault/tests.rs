use super::*;
use crate::extraction::NOTHING_READ;
use crate::store::insert_document;
use crate::testing::{MEMBER, STAFF, Uploaded, World, at, member, new_verification, png};
use mesh_runtime::clock;
use mesh_testkit::fixtures::OrPanic;
use std::path::PathBuf;

async fn parts(world: &World, upload: &Uploaded) -> (Document, Vec<Page>) {
    let document = world.store.find_document(upload.document_id).await.expect("asked");
    let pages = world.store.list_pages(upload.document_id).await.expect("asked");
    (document.expect("there"), pages)
}

fn object(world: &World, upload: &Uploaded, number: u32) -> PathBuf {
    let key = format!("members/{MEMBER}/documents/{}/pages/{number}", upload.document_id);
    world.folder.path().join("store").join(key)
}

async fn unreadable(vault: &Vault, document: &Document, page: &Page) {
    let refused = vault.get_file(document, page).await.expect_err("must not open");
    assert_eq!(refused.reason(), Reason::DocumentUnreadable);
}

#[tokio::test]
async fn at_rest_no_run_of_a_picture_is_left_and_it_comes_back_as_it_was() {
    let world = World::new().await;
    let picture = png(7);
    let upload = world.uploaded(std::slice::from_ref(&picture)).await;
    let at_rest = std::fs::read(object(&world, &upload, 1)).expect("an object");
    assert!(!at_rest.starts_with(b"\x89PNG"));
    let shows = |run: &[u8]| at_rest.windows(run.len()).any(|other| other == run);
    assert!(
        !picture.windows(16).any(shows),
        "a part of the picture lies there in clear"
    );

    let (document, pages) = parts(&world, &upload).await;
    assert_eq!(
        world.vault.get_file(&document, &pages[0]).await.expect("opened"),
        picture
    );
}

#[tokio::test]
async fn an_object_that_was_changed_moved_or_sealed_under_a_lost_key_is_unreadable() {
    let world = World::new().await;
    let pictures = [png(1), png(2)];
    let upload = world.uploaded(&pictures).await;
    let other = world.uploaded(&pictures).await;
    let (document, pages) = parts(&world, &upload).await;
    let (first, second, others) = (
        object(&world, &upload, 1),
        object(&world, &upload, 2),
        object(&world, &other, 1),
    );

    let whole = std::fs::read(&first).expect("an object");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for bytes in [
        flipped,
        std::fs::read(others).expect("an object"),
        std::fs::read(second).expect("an object"),
        pictures[0].clone(),
        Vec::new(),
    ] {
        std::fs::write(&first, bytes).expect("written");
        unreadable(&world.vault, &document, &pages[0]).await;
    }
    std::fs::write(&first, whole).expect("written");
    world.vault.get_file(&document, &pages[0]).await.expect("as it was");

    let folder = crate::testing::scratch();
    let another_store = format!("file://{}/store", folder.path().display());
    let another_store = another_store.parse().expect("a store URL");
    let stranger = Keyring::open(None, &another_store, &mesh_keyring::UsedKeys::default()).expect("made");
    let read = world.vault_with(stranger).get_file(&document, &pages[0]).await;
    assert_eq!(read.expect_err("another keyring").reason(), Reason::KeyUnavailable);
}

#[tokio::test]
async fn a_store_that_has_none_of_the_newest_documents_is_refused() {
    let world = World::new().await;
    let newest = async || world.store.list_newest().await.or_panic();
    world
        .objects
        .ensure_has_some_of(&newest().await)
        .await
        .expect("there are no documents yet");
    let first = world.uploaded(&[png(1)]).await;
    world.uploaded(&[png(2)]).await;
    world
        .objects
        .ensure_has_some_of(&newest().await)
        .await
        .expect("both are there");
    let delete = async |document_id| {
        world
            .objects
            .delete_file(member(MEMBER), document_id, 1)
            .await
            .or_panic()
    };
    delete(first.document_id).await;
    world
        .objects
        .ensure_has_some_of(&newest().await)
        .await
        .expect("one is there");
    for (_, document_id) in newest().await {
        delete(document_id).await;
    }
    let refused = world
        .objects
        .ensure_has_some_of(&newest().await)
        .await
        .expect_err("none is there");
    assert!(refused.to_string().contains("mounted"), "{refused}");
}

#[tokio::test]
async fn what_was_read_is_sealed_too_and_a_document_without_its_key_is_neither_read_nor_written() {
    let world = World::new().await;
    let upload = world.uploaded(&[png(1), png(2)]).await;
    let id = upload.document_id;
    world
        .vault
        .insert_reading(id, 1, &NOTHING_READ, at(1))
        .await
        .expect("kept");
    let at_rest = world.store.list_readings(id).await.expect("listed");
    assert_eq!(at_rest.len(), 1);
    let plain = serde_json::to_vec(&NOTHING_READ).expect("JSON");
    assert!(
        !at_rest[0].1.windows(plain.len()).any(|bytes| bytes == plain),
        "it is sealed"
    );
    // A reading that is moved to another page does not open.
    let moved = world.store.insert_reading(id, 2, &at_rest[0].1, at(2)).await;
    moved.expect("written");
    let refused = world.vault.list_readings(id).await.expect_err("moved");
    assert_eq!(refused.reason(), Reason::DocumentUnreadable);

    // A document whose key is lost: nothing of it is taken for plain.
    let lost = world.uploaded(&[png(3)]).await;
    let (document, pages) = parts(&world, &lost).await;
    let forget = sqlx::query("DELETE FROM document_keys WHERE document_id = $1").bind(lost.document_id.uuid());
    forget.execute(&world.pool).await.expect("no key");
    std::fs::write(object(&world, &lost, 1), png(3)).expect("written");
    unreadable(&world.vault, &document, &pages[0]).await;
    let id = lost.document_id;
    let refused = world.vault.insert_reading(id, 1, &NOTHING_READ, at(1)).await;
    assert_eq!(refused.expect_err("no key").reason(), Reason::DocumentUnreadable);
    assert_eq!(world.store.list_readings(id).await.expect("asked"), []);
}

#[tokio::test]
async fn erasing_leaves_hashes_and_nothing_that_can_be_read_and_twice_is_fine() {
    let world = World::new().await;
    let upload = world.uploaded(&[png(1), png(2)]).await;
    let id = upload.document_id;
    world.submitted(id, new_verification(), 1).await;
    world
        .vault
        .insert_reading(id, 1, &NOTHING_READ, at(1))
        .await
        .expect("kept");
    let kept = std::fs::read(object(&world, &upload, 1)).expect("an object");

    assert_eq!(world.vault.erase(id, &STAFF, at(5)).await.expect("erased"), Some(at(5)));
    assert_eq!(world.object_count(), 0);
    assert_eq!(world.store.find_key(id).await.expect("asked"), StoredKey::Erased);
    assert_eq!(world.store.list_readings(id).await.expect("asked"), []);
    assert_eq!(world.vault.erase(id, &STAFF, at(9)).await.expect("again"), Some(at(5)));
    // Whoever reads it at this moment leaves nothing behind, and a copy of the object opens nothing.
    let too_late = world.vault.insert_reading(id, 2, &NOTHING_READ, at(6)).await;
    assert_eq!(too_late.expect_err("erased").reason(), Reason::DocumentErased);
    assert_eq!(world.store.list_readings(id).await.expect("asked"), []);
    std::fs::create_dir_all(object(&world, &upload, 1).parent().expect("a folder")).expect("a folder");
    std::fs::write(object(&world, &upload, 1), kept).expect("a copy");
    let (document, pages) = parts(&world, &upload).await;
    let read = world.vault.get_file(&document, &pages[0]).await;
    assert_eq!(read.expect_err("erased").reason(), Reason::DocumentErased);
    assert_eq!(pages.len(), 2, "hashes and counts stay");

    assert_eq!(
        world
            .vault
            .erase(clock::new_uuid().into(), &STAFF, at(5))
            .await
            .expect("asked"),
        None
    );
}

#[tokio::test]
async fn objects_that_no_document_names_are_swept_away_after_an_hour_and_no_others() {
    let world = World::new().await;
    let named = world.uploaded(&[png(1)]).await;
    let left = OrphanedObjects {
        member_id: member(MEMBER),
        document_id: clock::new_uuid().into(),
        file_count: 2,
    };
    world.store.insert_orphaned_objects(left, at(0)).await.expect("written");
    let (key, _) = world.vault.keyring().new_document_key(left.document_id);
    let files = [Bytes::from(png(2)), Bytes::from(png(3))];
    world.vault.put_files(left, key, &files).await.expect("put");
    world.vault.sweep(at(3_600)).await.or_panic();
    assert_eq!(world.object_count(), 3, "swept too early");
    // An upload that comes to its end only now must not name what is gone.
    let late = crate::store::NewDocument {
        document_id: left.document_id,
        member_id: left.member_id,
        kind: mesh_types::DocumentKind::Passport,
        sha256: [0; 32],
        files: Vec::new(),
        key: crate::cipher::WrappedKey {
            key_id: String::new(),
            wrapped: Vec::new(),
        },
    };
    // Whoever claimed them died in the middle; the next one waits for that claim to end.
    let claimed = world.store.claim_orphaned_objects(at(1), at(3_601), at(3_901)).await;
    assert_eq!(claimed.or_panic(), Some(left));
    let mut connection = world.pool.acquire().await.expect("a connection");
    let refused = insert_document(&mut connection, &late, at(9)).await;
    assert_eq!(
        refused.expect_err("it is being deleted").reason(),
        Reason::ObjectStoreUnavailable
    );
    world.vault.sweep(at(3_901)).await.or_panic();
    assert_eq!(world.object_count(), 3, "deleted by two at once");
    world.vault.sweep(at(3_902)).await.or_panic();
    assert_eq!(world.object_count(), 1);
    let (document, pages) = parts(&world, &named).await;
    world
        .vault
        .get_file(&document, &pages[0])
        .await
        .expect("the named one stays");

    let refused = insert_document(&mut connection, &late, at(9)).await;
    assert_eq!(
        refused.expect_err("it was swept").reason(),
        Reason::ObjectStoreUnavailable
    );
}
