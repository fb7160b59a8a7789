//! The field rules of the contract: one answer names every field that breaks one, and reflection shows the rules.

use crate::support::*;
use mesh_proto::document::v1::DecideReviewRequest;
use mesh_proto::orchestrator::v1::{MethodRequest, StartVerificationRequest};
use mesh_proto::reputation::v1::{Activity, RecordActivityRequest, VolunteerHours, activity};
use prost::Message;
use prost_reflect::DescriptorPool;
use std::collections::BTreeSet;
use tonic::{Code, Status};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{FileDescriptorResponse, ServerReflectionRequest};
use tonic_types::StatusExt;

/// The paths of all fields that an answer names.
fn paths<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = answer.expect_err("must be refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(mesh_proto::reason(&status).as_deref(), Some("INVALID_REQUEST"));
    let violations = status
        .get_details_bad_request()
        .expect("it names fields")
        .field_violations;
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn one_answer_of_each_service_names_every_wrong_field() {
    let caller = Caller::of(shared_mesh().await);
    let start = StartVerificationRequest {
        request_id: "one".to_owned(),
        member_id: 0,
        target_score: Some(101),
        methods: vec![MethodRequest { method: None }],
        timeout: Some(prost_types::Duration { seconds: 59, nanos: 0 }),
    };
    assert_eq!(
        paths(caller.start(start).await),
        [
            "request_id",
            "member_id",
            "target_score",
            "methods[0].method",
            "timeout"
        ]
    );
    let decide = DecideReviewRequest {
        request_id: "one".to_owned(),
        review_id: String::new(),
        decision: 4,
        reason_code: "because".to_owned(),
        member_text: "x".repeat(501),
        internal_note: "\u{0}".to_owned(),
        is_members_own: false,
        issuing_state: "UTOPIA".to_owned(),
        document_number: "L898902<3".to_owned(),
    };
    assert_eq!(
        paths(caller.acting_as(7, &["reviewer"]).documents.decide_review(decide).await),
        [
            "request_id",
            "review_id",
            "decision",
            "reason_code",
            "member_text",
            "internal_note",
            "issuing_state",
            "document_number"
        ]
    );
    // No request of the reputation service has five fields with rules of their own; this one has four.
    let hours = activity::Activity::VolunteerHours(VolunteerHours { minutes: 0 });
    let record = RecordActivityRequest {
        request_id: "one".to_owned(),
        member_id: 0,
        activity: Some(Activity { activity: Some(hours) }),
        occurred_at: Some(prost_types::Timestamp { seconds: -1, nanos: 0 }),
    };
    assert_eq!(
        paths(caller.reputations.clone().record_activity(record).await),
        [
            "request_id",
            "member_id",
            "activity.volunteer_hours.minutes",
            "occurred_at"
        ]
    );
}

/// A `FileDescriptorSet`.
#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

#[tokio::test]
async fn reflection_shows_the_rules_and_who_may_call() {
    let mesh = shared_mesh().await;
    let mut client = ServerReflectionClient::new(channel(mesh, "orchestrator"));
    let mut wanted = vec![MessageRequest::FileContainingSymbol(
        "voluntier.orchestrator.v1.StartVerificationRequest".to_owned(),
    )];
    let (mut files, mut asked) = (Vec::new(), BTreeSet::new());
    while let Some(request) = wanted.pop() {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(request),
        };
        let answers = client.server_reflection_info(futures::stream::iter([request])).await;
        let answer = answers
            .expect("a stream")
            .into_inner()
            .message()
            .await
            .expect("no error");
        let answer = answer.expect("an answer").message_response;
        let Some(MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })) = answer
        else {
            panic!("no file: {answer:?}");
        };
        for encoded in file_descriptor_proto {
            let file = prost_types::FileDescriptorProto::decode(encoded.as_slice()).expect("a file");
            let imports = file
                .dependency
                .into_iter()
                .filter(|import| asked.insert(import.clone()));
            wanted.extend(imports.map(MessageRequest::FileByFilename));
            files.push(encoded);
        }
    }
    // As raw bytes: to decode the files would drop the options.
    let pool =
        DescriptorPool::decode(Files { file: files }.encode_to_vec().as_slice()).expect("files that belong together");
    let request = pool
        .get_message_by_name("voluntier.orchestrator.v1.StartVerificationRequest")
        .expect("it was sent");
    let options = request.get_field_by_name("member_id").expect("it is a field").options();
    let rules: Vec<_> = options
        .extensions()
        .map(|(extension, rule)| format!("{}: {rule}", extension.full_name()))
        .collect();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert!(
        rules[0].starts_with("buf.validate.field") && rules[0].contains("gte"),
        "{rules:?}"
    );
    let service = pool.get_service_by_name("voluntier.orchestrator.v1.VerificationService");
    let service = service.expect("it was sent");
    let options = service.methods().map(|method| method.options());
    let policies = options.flat_map(|options| {
        options
            .extensions()
            .map(|(extension, _)| extension.full_name().to_owned())
            .collect::<Vec<_>>()
    });
    assert_eq!(policies.collect::<Vec<_>>(), ["voluntier.common.v1.access"; 5]);
}
