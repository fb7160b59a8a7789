//! The method document. While it runs the document service knows whether another document or a person is waited for, and at
//! its end what a reviewer wrote to the member.

use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::document::v1::{DocumentDecision, DocumentType, DocumentVerification, GetDocumentVerificationRequest};
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::{PeerChannel, Problem};
use mesh_types::{DocumentKind, DocumentUrl, MemberId, Reason, VerificationId};
use orchestrator_workflows::methods::DocumentRequest;
use std::time::Duration;

/// A caller of the document service.
pub type Client = DocumentServiceClient<PeerChannel>;

/// How long an answer waits for the document service.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn parse(
    path: &str,
    request: &proto::DocumentMethod,
    member_id: MemberId,
) -> Result<DocumentRequest, Problem> {
    let document_kind = match request.document_type() {
        DocumentType::Passport => DocumentKind::Passport,
        DocumentType::DriversLicense => DocumentKind::DriversLicense,
        DocumentType::NationalId => DocumentKind::NationalId,
        DocumentType::Unspecified => {
            let path = format!("{path}.document.document_type");
            return Err(Problem::invalid_field(path, "must be one of the named values"));
        }
    };
    let path = format!("{path}.document.document_url");
    let url = DocumentUrl::parse(&request.document_url)
        .map_err(|error| Problem::invalid_field(path.as_str(), error.to_string()))?;
    if url.member_id() != member_id {
        let message = "the document_url names another member's document";
        return Err(Problem::new(Reason::DocumentOfAnotherMember, message)
            .with_violation(path, "must be a document of the member to be verified"));
    }
    Ok(DocumentRequest {
        document_kind,
        document_url: url.to_string(),
    })
}

/// The check of the verification's latest document; none when there is none yet, or when the document service is away.
pub(super) async fn look_up(documents: &Client, id: VerificationId) -> Option<DocumentVerification> {
    let mut request = tonic::Request::new(GetDocumentVerificationRequest {
        verification_id: id.to_string(),
        document_id: String::new(),
    });
    request.set_timeout(LOOK_UP_TIMEOUT);
    let answer = documents.clone().get_document_verification(request).await;
    answer.ok()?.into_inner().verification
}

/// Adds the document's check to the method as its workflow says it stands.
pub(super) fn show(mut shown: proto::MethodState, document: Option<DocumentVerification>) -> proto::MethodState {
    if let Some(document) = &document {
        let status = match document.decision() {
            DocumentDecision::Accepted => proto::MethodStatus::Accepted,
            DocumentDecision::Rejected => proto::MethodStatus::Rejected,
            DocumentDecision::Resubmit => proto::MethodStatus::Resubmit,
            DocumentDecision::NeedsReview => proto::MethodStatus::NeedsReview,
            DocumentDecision::Unspecified => proto::MethodStatus::InProgress,
        };
        let is_waiting = matches!(status, proto::MethodStatus::Resubmit | proto::MethodStatus::NeedsReview);
        if shown.status() == proto::MethodStatus::InProgress && is_waiting {
            shown.set_status(status);
            shown.internal_reason.clone_from(&document.internal_reason);
        }
        if shown.status() == status && !document.member_reason.is_empty() {
            shown.member_reason.clone_from(&document.member_reason);
        }
    }
    proto::MethodState { document, ..shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

    #[test]
    fn a_wrong_field_is_refused_by_its_path() {
        let good = proto::DocumentMethod {
            document_type: DocumentType::Passport.into(),
            document_url: format!("file:///store/members/42/documents/{ID}"),
        };
        let member_id = MemberId::try_from(42).expect("positive");
        assert!(parse("methods[0]", &good, member_id).is_ok());
        type Change = fn(&mut proto::DocumentMethod);
        let url = "methods[0].document.document_url";
        let table: [(Change, Reason, &str); 3] = [
            (
                |d| d.document_type = 99,
                Reason::InvalidRequest,
                "methods[0].document.document_type",
            ),
            (
                |d| d.document_url = "file:///etc/passwd".into(),
                Reason::InvalidRequest,
                url,
            ),
            (
                |d| d.document_url = d.document_url.replace("/42/", "/43/"),
                Reason::DocumentOfAnotherMember,
                url,
            ),
        ];
        for (change, reason, path) in table {
            let mut wrong = good.clone();
            change(&mut wrong);
            let problem = parse("methods[0]", &wrong, member_id).expect_err("must be refused");
            let refused = problem.violations().first().map(|violation| violation.0.as_str());
            assert_eq!((problem.reason(), refused), (reason, Some(path)));
        }
    }

    #[test]
    fn a_document_that_waits_is_shown_and_the_workflow_says_the_end() {
        use DocumentDecision as D;
        use proto::MethodStatus as M;
        let (of_document, of_workflow) = ("OF_THE_DOCUMENT", "OF_THE_WORKFLOW");
        let sentence = "The workflow's sentence.";
        let table = [
            (M::InProgress, D::Unspecified, "", M::InProgress, "", ""),
            (
                M::InProgress,
                D::Resubmit,
                "Sharper.",
                M::Resubmit,
                of_document,
                "Sharper.",
            ),
            (
                M::InProgress,
                D::NeedsReview,
                "Wait.",
                M::NeedsReview,
                of_document,
                "Wait.",
            ),
            // It is decided, but not scored: the workflow says when it has ended.
            (M::InProgress, D::Accepted, "Fine.", M::InProgress, "", ""),
            (
                M::Rejected,
                D::Rejected,
                "A person's.",
                M::Rejected,
                of_workflow,
                "A person's.",
            ),
            (M::Rejected, D::Rejected, "", M::Rejected, of_workflow, sentence),
            (
                M::Cancelled,
                D::NeedsReview,
                "Wait.",
                M::Cancelled,
                of_workflow,
                sentence,
            ),
            (M::Failed, D::Resubmit, "Sharper.", M::Failed, of_workflow, sentence),
        ];
        for (status, decision, text, shown_status, reason, member_reason) in table {
            let ended = status != M::InProgress;
            let of_the_end = |text: &str| if ended { text.to_owned() } else { String::new() };
            let state = proto::MethodState {
                method: proto::Method::Document.into(),
                status: status.into(),
                internal_reason: of_the_end(of_workflow),
                member_reason: of_the_end(sentence),
                ..Default::default()
            };
            let document = DocumentVerification {
                decision: decision.into(),
                member_reason: text.to_owned(),
                internal_reason: of_document.to_owned(),
                ..Default::default()
            };
            let shown = show(state, Some(document));
            let what = (
                shown.status(),
                shown.internal_reason.as_str(),
                shown.member_reason.as_str(),
            );
            let expected = (shown_status, reason, member_reason);
            assert_eq!(what, expected, "{status:?} and {decision:?}");
        }
        let running = proto::MethodState {
            status: M::InProgress.into(),
            ..Default::default()
        };
        assert_eq!(show(running, None).status(), M::InProgress);
    }
}
