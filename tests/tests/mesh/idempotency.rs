//! Every RPC whose request has a `request_id`, over the descriptors: sent twice at once, sent again, and sent with other
//! content. An RPC without a case fails by its name.

mod cases;

use crate::support::*;
use cases::Sent;
use futures::future::join_all;
use mesh_proto::orchestrator::v1::ListVerificationsRequest;
use mesh_proto::reputation::v1::ListReputationEventsRequest;
use mesh_testkit::{Mesh, eventually};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_types::{DescriptorProto, FileDescriptorSet};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Messages as their bytes, so that one call serves every RPC.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

/// A caller of any RPC by its full name, such as `voluntier.orchestrator.v1.MemberService/RegisterMember`.
struct RawCaller {
    channels: BTreeMap<String, Channel>,
}

impl RawCaller {
    fn of(mesh: &Mesh) -> Self {
        let channels = mesh.services().iter();
        Self {
            channels: channels
                .map(|service| (service.name().to_owned(), channel(mesh, service.name())))
                .collect(),
        }
    }

    /// One message is a unary call, several are a stream: on the wire they are the same.
    async fn call(&self, rpc: &str, messages: &[Vec<u8>]) -> Result<Vec<u8>, Status> {
        let service = rpc.split('.').nth(1).expect("voluntier.<service>.v1");
        let channel = self.channels[&service.replace('_', "-")].clone();
        let mut client = tonic::client::Grpc::new(channel);
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let path = format!("/{rpc}").parse().expect("an RPC's name is a path");
        let messages = Request::new(futures::stream::iter(messages.to_vec()));
        Ok(client.client_streaming(messages, path, Raw).await?.into_inner())
    }

    /// As a caller does that is told to try again.
    async fn call_until_answered(&self, rpc: &str, messages: &[Vec<u8>]) -> Result<Vec<u8>, Status> {
        let attempt = async || match self.call(rpc, messages).await {
            Err(status) if status.code() == Code::Unavailable => None,
            answer => Some(answer),
        };
        let answered = eventually(PATIENCE, rpc, attempt).await;
        answered.unwrap_or_else(|error| Err(Status::deadline_exceeded(error.to_string())))
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
async fn fault(raw: &RawCaller, caller: &Caller, rpc: &str) -> Option<String> {
    let Some(Sent { first, other }) = cases::sent(caller, rpc).await else {
        return Some("has no case; add one to idempotency/cases.rs".to_owned());
    };
    let (one, two) = tokio::join!(
        raw.call_until_answered(rpc, &first),
        raw.call_until_answered(rpc, &first)
    );
    let (one, two) = match (one, two) {
        (Ok(one), Ok(two)) => (one, two),
        (one, two) => return Some(format!("at once: {one:?}, {two:?}")),
    };
    if one != two {
        return Some("two at once have two answers".to_owned());
    }
    match raw.call(rpc, &first).await {
        Ok(again) if again == one => {}
        again => return Some(format!("a repeat is answered otherwise: {again:?}")),
    }
    match raw.call(rpc, &other).await {
        Err(status) if status.code() == Code::AlreadyExists && refusal(&status).reason == "REQUEST_ID_REUSED" => None,
        other => Some(format!("other content under the same id: {other:?}")),
    }
}

#[tokio::test]
async fn every_request_with_an_id_does_nothing_twice() {
    let mesh = shared_mesh().await;
    let (raw, caller) = (RawCaller::of(mesh), Caller::of(mesh));
    let rpcs = rpcs_with_request_id();
    let looks = rpcs.iter().map(async |rpc| {
        let fault = fault(&raw, &caller, rpc).await?;
        Some(format!("{rpc}: {fault}"))
    });
    let faults: Vec<String> = join_all(looks).await.into_iter().flatten().collect();
    assert!(faults.is_empty(), "of {} RPCs:\n{}", rpcs.len(), faults.join("\n"));
    // A rule that finds nothing to hold would hold for ever.
    assert!(rpcs.len() >= 21, "{rpcs:?}");
}

/// A thousand equal requests at once; returns the one answer that all of them got.
async fn a_thousand_at_once(raw: &RawCaller, rpc: &str, sent: &Sent) -> Vec<u8> {
    let calls = (0..1_000).map(|_| raw.call_until_answered(rpc, &sent.first));
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
    let record = cases::record_activity(member_id);
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
