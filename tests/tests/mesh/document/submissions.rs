//! Each submission of a verification keeps its own decision and evidence; only the member's own document may follow.
//! (The story of three submissions is told in `story.rs`.)

use super::support::*;
use crate::support::*;
use mesh_proto::document::v1::DocumentDecision;
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};

#[tokio::test]
async fn an_unreadable_picture_is_followed_by_a_better_one() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(110);
    let member_id = caller.register(passport.truth()).await;
    let first = caller.upload(member_id, &[letter(110)]).await;
    let request = by_document(member_id, first.document_url.clone());
    let verification_id = caller.start(request).await.expect("it starts").verification_id;
    let shown = caller.decided(&verification_id, DocumentDecision::Resubmit).await;
    assert_eq!(
        (shown.document_id, shown.submission, shown.submissions_left),
        (first.document_id.clone(), 1, 2)
    );

    let second = caller.upload(member_id, &[picture(&passport)]).await;
    let taken = caller.submit(&verification_id, second.document_url.clone()).await;
    let taken = taken.expect("another document is waited for");
    assert_eq!((taken.submission, taken.submissions_left), (2, 1));
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Completed, MethodStatus::Accepted)
    );

    // Each submission keeps its own decision, and only the second proves something.
    assert_eq!(
        caller.document(&first.document_id).await.decision(),
        DocumentDecision::Resubmit
    );
    let accepted = caller.document(&second.document_id).await;
    assert_eq!(
        (accepted.decision(), accepted.submission),
        (DocumentDecision::Accepted, 2)
    );
    let evidence = caller.evidence(&verification_id).await;
    assert_eq!(evidence.len(), 3);
    for piece in evidence {
        assert_eq!((piece.document_id, piece.submission), (second.document_id.clone(), 2));
        assert_eq!(piece.sha256, second.sha256);
    }
    assert_eq!(
        told(caller.submit(&verification_id, second.document_url.clone()).await),
        not_now("DOCUMENT_NOT_AWAITED")
    );
}

#[tokio::test]
async fn only_the_members_own_document_can_be_submitted_and_only_where_one_is_awaited() {
    let caller = Caller::of(shared_mesh().await);
    let (mine, theirs) = (passport(112), passport(113));
    let (member_id, verification_id) = caller.start_with(mine.truth(), &[letter(2)]).await;
    caller.decided(&verification_id, DocumentDecision::Resubmit).await;
    let foreign = caller
        .upload(caller.register(theirs.truth()).await, &[picture(&theirs)])
        .await;
    assert_eq!(
        told(caller.submit(&verification_id, foreign.document_url.clone()).await),
        (tonic::Code::PermissionDenied, "DOCUMENT_OF_ANOTHER_MEMBER".to_owned())
    );
    let own = caller.upload(member_id, &[letter(3)]).await.document_url;
    let nobody = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";
    assert_eq!(
        told(caller.submit(nobody, own).await),
        (tonic::Code::NotFound, "VERIFICATION_NOT_FOUND".to_owned())
    );
}
