//! The method community. The community service knows how many have answered, whether a person decides, and what the member reads
//! meanwhile.

use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::community::v1::{GetValidationProgressRequest, ValidationPhase, ValidationProgress};
use mesh_proto::fields;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::{PeerChannel, Problem};
use mesh_types::VerificationId;
use orchestrator_workflows::methods::CommunityRequest;
use std::time::Duration;

/// A caller of the community service.
pub type Client = CommunityServiceClient<PeerChannel>;

/// How long an answer waits for the community service.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn parse(path: &str, request: &proto::CommunityMethod) -> Result<CommunityRequest, Problem> {
    let path = format!("{path}.community.introduction_id");
    Ok(CommunityRequest {
        introduction_id: fields::id(&path, &request.introduction_id)?,
    })
}

/// How the verification's validation stands; none before the first validators are chosen, or when the community service is away.
pub(super) async fn look_up(communities: &Client, id: VerificationId) -> Option<ValidationProgress> {
    let mut request = tonic::Request::new(GetValidationProgressRequest {
        verification_id: id.to_string(),
    });
    request.set_timeout(LOOK_UP_TIMEOUT);
    let answer = communities.clone().get_validation_progress(request).await;
    answer.ok()?.into_inner().progress
}

/// Adds how the validation stands to the method as its workflow says it stands.
pub(super) fn show(mut shown: proto::MethodState, community: Option<ValidationProgress>) -> proto::MethodState {
    let is_in_review = |progress: &&ValidationProgress| progress.phase() == ValidationPhase::InReview;
    if let Some(progress) = community.as_ref().filter(is_in_review)
        && shown.status() == proto::MethodStatus::InProgress
    {
        shown.set_status(proto::MethodStatus::NeedsReview);
        shown.internal_reason.clone_from(&progress.internal_reason);
        shown.member_reason.clone_from(&progress.member_reason);
    }
    proto::MethodState { community, ..shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::Reason;

    const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

    #[test]
    fn an_introduction_that_is_no_id_is_refused_by_its_path() {
        let introduced_by = |id: &str| {
            let introduction_id = id.to_owned();
            parse("methods[1]", &proto::CommunityMethod { introduction_id })
        };
        let request = introduced_by(ID).expect("an id is taken");
        assert_eq!(request.introduction_id.to_string(), ID);
        for wrong in ["", "42", "018f3c6e7d1a7bb29c550f1f2a3b4c5d"] {
            let problem = introduced_by(wrong).expect_err("must be refused");
            let refused = problem.violations().first().map(|violation| violation.0.as_str());
            let expected = (Reason::InvalidRequest, Some("methods[1].community.introduction_id"));
            assert_eq!((problem.reason(), refused), expected, "{wrong:?}");
        }
    }

    #[test]
    fn a_validation_in_review_is_shown_and_the_workflow_says_the_end() {
        use ValidationPhase as P;
        use proto::MethodStatus as M;
        let (of_validation, of_workflow) = ("OF_THE_VALIDATION", "OF_THE_WORKFLOW");
        let (wait, sentence) = ("Wait.", "The workflow's sentence.");
        let table = [
            (M::InProgress, P::Unspecified, M::InProgress, "", ""),
            (M::InProgress, P::Collecting, M::InProgress, "", ""),
            (M::InProgress, P::InReview, M::NeedsReview, of_validation, wait),
            // It is decided, but not scored: the workflow says when it has ended.
            (M::InProgress, P::Accepted, M::InProgress, "", ""),
            (M::InProgress, P::Rejected, M::InProgress, "", ""),
            (M::Accepted, P::Accepted, M::Accepted, of_workflow, sentence),
            (M::Rejected, P::Rejected, M::Rejected, of_workflow, sentence),
            // The end was not written yet when it was looked at.
            (M::Rejected, P::InReview, M::Rejected, of_workflow, sentence),
            (M::Cancelled, P::InReview, M::Cancelled, of_workflow, sentence),
            (M::Failed, P::Collecting, M::Failed, of_workflow, sentence),
        ];
        for (status, phase, shown_status, reason, member_reason) in table {
            let ended = status != M::InProgress;
            let of_the_end = |text: &str| if ended { text.to_owned() } else { String::new() };
            let state = proto::MethodState {
                method: proto::Method::Community.into(),
                status: status.into(),
                internal_reason: of_the_end(of_workflow),
                member_reason: of_the_end(sentence),
                ..Default::default()
            };
            let progress = ValidationProgress {
                phase: phase.into(),
                approvals: 2,
                internal_reason: of_validation.to_owned(),
                member_reason: wait.to_owned(),
                ..Default::default()
            };
            let shown = show(state, Some(progress.clone()));
            let what = (
                shown.status(),
                shown.internal_reason.as_str(),
                shown.member_reason.as_str(),
            );
            let expected = (shown_status, reason, member_reason);
            assert_eq!(what, expected, "{status:?} and {phase:?}");
            assert_eq!(shown.community, Some(progress), "it is shown in any case");
        }
        let running = proto::MethodState {
            status: M::InProgress.into(),
            ..Default::default()
        };
        assert_eq!(show(running.clone(), None), running);
    }
}
