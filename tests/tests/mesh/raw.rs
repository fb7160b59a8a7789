//! Calls of any RPC by its name, with messages as their bytes.

use crate::support::channel;
use mesh_testkit::{Acting, Mesh};
use prost::bytes::{Buf, BufMut};
use std::collections::BTreeMap;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

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
pub struct RawCaller {
    channels: BTreeMap<String, Channel>,
}

impl RawCaller {
    /// With the platform's certificate.
    pub fn of(mesh: &Mesh) -> Self {
        Self::with(mesh, |service| channel(mesh, service))
    }

    /// With such channels to the services of these names.
    pub fn with(mesh: &Mesh, channel: impl Fn(&str) -> Channel) -> Self {
        let names = mesh.services().iter().map(|service| service.name());
        Self {
            channels: names.map(|name| (name.to_owned(), channel(name))).collect(),
        }
    }

    /// One message is a unary call, several are a stream: on the wire they are the same.
    pub async fn call(&self, acting: &Acting, rpc: &str, messages: &[Vec<u8>]) -> Result<Vec<u8>, Status> {
        let service = rpc.split('.').nth(1).expect("voluntier.<service>.v1");
        let channel = self.channels[&service.replace('_', "-")].clone();
        let mut client = tonic::client::Grpc::new(acting.by(channel));
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let path = format!("/{rpc}").parse().expect("an RPC's name is a path");
        let messages = Request::new(futures::stream::iter(messages.to_vec()));
        Ok(client.client_streaming(messages, path, Raw).await?.into_inner())
    }
}
