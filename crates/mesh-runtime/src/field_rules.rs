//! The field rules of the contract (options of `buf.validate` in `proto/`), checked before a handler runs.
//!
//! Every unary request, and every request that a stream answers, is checked as a whole: one answer names all fields that
//! break a rule. The messages of a client stream are not checked here, because their handler sees them one by one.

use crate::Problem;
use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use mesh_types::Reason;
use prost_protovalidate::{Error, Violation, validate};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use std::collections::BTreeMap;
use tonic::Status;
use tonic::body::Body;

/// What precedes a message on the wire: a compression flag (1 byte) and its length (4 bytes, big-endian).
const PREFIX_BYTES: usize = 5;

/// The rules of every request of a service. The kit checks unary requests by itself; a handler of a client stream, and a test,
/// ask [`Self::check`].
pub struct FieldRules {
    pool: DescriptorPool,
    /// Of each RPC that takes one request: the path `/package.Service/Method` and the request.
    requests: BTreeMap<String, MessageDescriptor>,
    max_message_bytes: usize,
}

impl FieldRules {
    /// Reads the rules from an encoded `FileDescriptorSet`. Requests above `max_message_bytes` are refused.
    ///
    /// # Errors
    /// When the descriptors can't be read, or a rule does not fit its field.
    pub fn read(descriptors: &[u8], max_message_bytes: usize) -> anyhow::Result<Self> {
        let pool =
            DescriptorPool::decode(descriptors).context("the service's descriptors are not a FileDescriptorSet")?;
        let mut requests = BTreeMap::new();
        for service in pool.services() {
            for method in service.methods().filter(|method| !method.is_client_streaming()) {
                let request = method.input();
                // Rules are compiled when they are used first. A rule that can't be compiled stops the start, not an RPC.
                match validate(&DynamicMessage::new(request.clone())) {
                    Ok(()) | Err(Error::Validation(_)) => {}
                    Err(error) => return Err(error).context(format!("a field rule of {}", request.full_name())),
                }
                requests.insert(format!("/{}/{}", service.full_name(), method.name()), request);
            }
        }
        Ok(Self {
            pool,
            requests,
            max_message_bytes,
        })
    }

    /// Checks a message that is decoded already.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with every field that breaks a rule; `INTERNAL` for a message of another contract.
    pub fn check<M: prost::Message + prost::Name>(&self, message: &M) -> Result<(), Problem> {
        let descriptor = self.pool.get_message_by_name(&M::full_name());
        let descriptor = descriptor.ok_or_else(|| Problem::internal("a message of another contract"))?;
        self.check_encoded(&descriptor, &message.encode_to_vec()).map(drop)
    }

    /// Checks the request of an RPC and hands it on unchanged, with its message if there is one that can be decoded. An RPC
    /// without rules is handed on unread.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with every field that breaks a rule, and for what is not one whole message; `MESSAGE_TOO_LARGE`;
    /// UNIMPLEMENTED for a compressed request, because no service of the mesh takes one.
    pub(crate) async fn admit(
        &self,
        request: http::Request<Body>,
    ) -> Result<(http::Request<Body>, Option<DynamicMessage>), Status> {
        let Some(descriptor) = self.requests.get(request.uri().path()) else {
            return Ok((request, None));
        };
        let (parts, body) = request.into_parts();
        let content = self.read_whole(body).await?;
        // What is checked here must be what the handler gets.
        if prefix(&content).is_some_and(|(_, length)| content.len() != PREFIX_BYTES + length) {
            let message = "the request must be one whole message";
            return Err(Problem::new(Reason::InvalidRequest, message).into());
        }
        let message = match content.get(PREFIX_BYTES..) {
            Some(message) => self.check_encoded(descriptor, message)?,
            None => None,
        };
        Ok((http::Request::from_parts(parts, Body::new(Full::new(content))), message))
    }

    /// The body with its one message. A body without a message is left for tonic to refuse.
    async fn read_whole(&self, mut body: Body) -> Result<Bytes, Status> {
        let mut content = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            content.put(data);
            let Some((flag, length)) = prefix(&content) else {
                continue;
            };
            if flag != 0 {
                return Err(Status::unimplemented(
                    "compressed requests are not taken; send the message as it is",
                ));
            }
            if length > self.max_message_bytes || content.len() > PREFIX_BYTES + self.max_message_bytes {
                return Err(too_large());
            }
        }
        Ok(content.freeze())
    }

    fn check_encoded(&self, descriptor: &MessageDescriptor, message: &[u8]) -> Result<Option<DynamicMessage>, Problem> {
        let Ok(message) = DynamicMessage::decode(descriptor.clone(), message) else {
            return Err(Problem::new(
                Reason::InvalidRequest,
                "the request's message can't be decoded",
            ));
        };
        match validate(&message) {
            Ok(()) => Ok(Some(message)),
            Err(Error::Validation(error)) => Err(refusal(error.violations())),
            Err(error) => Err(Problem::internal(error)),
        }
    }
}

fn prefix(content: &[u8]) -> Option<(u8, usize)> {
    let (flag, rest) = content.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk()?);
    Some((*flag, usize::try_from(length).unwrap_or(usize::MAX)))
}

pub(crate) fn too_large() -> Status {
    Problem::new(Reason::MessageTooLarge, "the message is larger than this service takes").into()
}

fn refusal(violations: &[Violation]) -> Problem {
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| (violation.field_path(), description(violation)))
        .collect();
    Problem::invalid_fields(fields)
}

/// What a field must be. It names the rule and never the value, which may be personal data.
fn description(violation: &Violation) -> String {
    let rule = violation.rule_id();
    let known = match rule {
        "required" => "is required",
        "string.uuid" | "string.uuid_empty" => "must be a UUID",
        "string.email" | "string.email_empty" => "must be an address such as name@example.org",
        "enum.defined_only" | "enum.not_in" => "must be one of the named values",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let message = violation.message();
    let text = message.strip_prefix("value ").unwrap_or(message);
    match text.strip_prefix("does not match regex pattern ") {
        Some(pattern) => format!("must match {pattern}"),
        None if text.is_empty() => format!("breaks the rule {rule}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
