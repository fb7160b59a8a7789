//! Every RPC whose request has a `request_id`, over the descriptors: sent twice at once, sent again, and sent with other
//! content. An RPC without a case fails by its name.

mod cases;

use crate::raw::RawCaller;
use crate::support::*;
use cases::Sent;
use futures::future::join_all;
use mesh_proto::orchestrator::v1::ListVerificationsRequest;
use mesh_proto::reputation::v1::ListReputationEventsRequest;
use mesh_testkit::{Acting, Mesh};
use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};
use std::collections::BTreeSet;
use std::time::Duration;
use tonic::{Code, Status};

impl RawCaller {
    /// As a caller does that is told to try again.
    async fn call_until_answered(&self, acting: &Acting, rpc: &str, messages: &[Vec<u8>]) -> Result<Vec<u8>, Status> {
        until_answered(rpc, async || self.call(acting, rpc, messages).await).await
    }
}

/// The full names of the RPCs whose request has a `request_id`, in itself or in a part of it.
fn rpcs_with_request_id() -> BTreeSet<String> {
    fn has_request_id(message: &DescriptorProto) -> bool {
        message.field.iter().any(|field| field.name() == "request_id") || message.nested_type.iter().any(has_request_id)
    }
    let set = FileDescriptorSet::decode(mesh_proto::FILE_DESCRIPTOR_SET).expect("descriptors");
    let messages: BTreeSet<String> = set
        .file
        .iter()
        .flat_map(|file| file.message_type.iter().map(move |message| (file.package(), message)))
        .filter(|(_, message)| has_request_id(message))
        .map(|(package, message)| format!(".{package}.{}", message.name()))
        .collect();
    let mut rpcs = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            let methods = service.method.iter();
            let asked = methods.filter(|method| messages.contains(method.input_type()));
            rpcs.extend(asked.map(|method| format!("{}.{}/{}", file.package(), service.name(), method.name())));
        }
    }
    rpcs
}

/// What is wrong with an RPC, if anything.
async fn fault(mesh: &Mesh, caller: &Caller, rpc: &str) -> Option<String> {
    let Some(Sent { acting, first, other }) = cases::sent(caller, rpc).await else {
        return Some("has no case; add one to idempotency/cases.rs".to_owned());
    };
    let service = acting.service_name().expect("a service calls");
    let raw = RawCaller::with(mesh, |name| channel_as(mesh, service, name));
    let (one, two) = tokio::join!(
        raw.call_until_answered(&acting, rpc, &first),
        raw.call_until_answered(&acting, rpc, &first)
    );
    let (one, two) = match (one, two) {
        (Ok(one), Ok(two)) => (one, two),
        (one, two) => return Some(format!("at once: {one:?}, {two:?}")),
    };
    if one != two {
        return Some("two at once have two answers".to_owned());
    }
    match raw.call_until_answered(&acting, rpc, &first).await {
        Ok(again) if again == one => {}
        again => return Some(format!("a repeat is answered otherwise: {again:?}")),
    }
    match raw.call_until_answered(&acting, rpc, &other).await {
        Err(status) if status.code() == Code::AlreadyExists && refusal(&status).reason == "REQUEST_ID_REUSED" => None,
        other => Some(format!("other content under the same id: {other:?}")),
    }
}

#[tokio::test]
async fn every_request_with_an_id_does_nothing_twice() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let rpcs = rpcs_with_request_id();
    let looks = rpcs.iter().map(async |rpc| {
        let fault = fault(mesh, &caller, rpc).await?;
        Some(format!("{rpc}: {fault}"))
    });
    let faults: Vec<String> = join_all(looks).await.into_iter().flatten().collect();
    assert!(faults.is_empty(), "of {} RPCs:\n{}", rpcs.len(), faults.join("\n"));
    // A rule that finds nothing to hold would hold for ever.
    assert!(rpcs.len() >= 23, "{rpcs:?}");
}

/// A thousand equal requests at once; returns the one answer that all of them got.
async fn a_thousand_at_once(raw: &RawCaller, rpc: &str, sent: &Sent) -> Vec<u8> {
    let calls = (0..1_000).map(|_| raw.call_until_answered(&sent.acting, rpc, &sent.first));
    let answers = tokio::time::timeout(Duration::from_secs(60), join_all(calls)).await;
    let mut answers: Vec<_> = answers
        .expect("they are answered in time")
        .into_iter()
        .map(|answer| answer.unwrap_or_else(|status| panic!("{rpc}: {status:?}")))
        .collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{rpc}: one answer");
    answers.remove(0)
}

#[tokio::test]
async fn a_thousand_equal_requests_at_once_have_one_effect() {
    let mesh = shared_mesh().await;
    let (raw, caller) = (RawCaller::of(mesh), Caller::of(mesh));

    let member_id = new_member_id();
    let start = cases::start_verification(&caller, member_id).await;
    a_thousand_at_once(&raw, cases::START_VERIFICATION, &start).await;
    let request = ListVerificationsRequest {
        member_id,
        ..Default::default()
    };
    let listed = caller.verifications.clone().list_verifications(request).await;
    assert_eq!(listed.expect("a list").into_inner().verifications.len(), 1);

    let member_id = new_member_id();
    let record = cases::record_activity(&caller, member_id);
    a_thousand_at_once(&raw, cases::RECORD_ACTIVITY, &record).await;
    let request = ListReputationEventsRequest {
        member_id,
        ..Default::default()
    };
    let listed = caller.reputations.clone().list_reputation_events(request).await;
    assert_eq!(listed.expect("a list").into_inner().events.len(), 1);

    // The answer says when it was erased: it was erased once.
    let erase = cases::erase_document(&caller).await;
    let answer = a_thousand_at_once(&raw, cases::ERASE_DOCUMENT, &erase).await;
    let answer = mesh_proto::document::v1::EraseDocumentResponse::decode(answer.as_slice());
    assert!(answer.expect("an answer").erased_at.is_some());
}
