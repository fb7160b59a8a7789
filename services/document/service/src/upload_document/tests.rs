use crate::testing::{ANOTHER_MEMBER, MEMBER, World, new_request, png, upload};
use mesh_types::Reason;

#[tokio::test]
async fn the_same_request_again_is_the_same_document_and_other_content_is_refused() {
    let world = World::new().await;
    let request = new_request();
    let pages = [png(1), png(2)];
    let first = world
        .uploads
        .store(upload(request, MEMBER, &pages))
        .await
        .expect("stored");
    let again = world
        .uploads
        .store(upload(request, MEMBER, &pages))
        .await
        .expect("answered");
    assert_eq!(first, again);
    assert_eq!((first.page_count, first.size_bytes as usize), (2, pages.concat().len()));

    let other_pages = [vec![png(1)], vec![png(2), png(1)], vec![pages.concat()]];
    let others = other_pages.map(|pages| upload(request, MEMBER, &pages));
    for other in others.into_iter().chain([upload(request, ANOTHER_MEMBER, &pages)]) {
        let refused = world.uploads.store(other).await.expect_err("other content");
        assert_eq!(refused.reason(), Reason::RequestIdReused);
    }
    assert_eq!(world.object_count(), 2);
}

#[tokio::test]
async fn of_several_at_once_one_becomes_the_document_and_only_its_pictures_stay() {
    let world = World::new().await;
    let request = new_request();
    let pages = [png(1), png(2), png(3)];
    let stored = futures::future::join_all((0..6).map(|_| world.uploads.store(upload(request, MEMBER, &pages)))).await;
    let documents: std::collections::BTreeSet<String> = stored
        .into_iter()
        .map(|stored| stored.expect("the same answer").document_id)
        .collect();
    assert_eq!(documents.len(), 1);
    assert_eq!(world.object_count(), pages.len());
}
