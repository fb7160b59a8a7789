//! A gRPC service written by hand, so that the kit's tests need no generated code.

use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

/// Paths of the two RPCs.
pub const GREET: &str = "/test.greeter.v1.GreeterService/Greet";
/// The one that streams its answer.
pub const GREET_FOREVER: &str = "/test.greeter.v1.GreeterService/GreetForever";

/// The message of both RPCs, in and out.
#[derive(Clone, PartialEq, Message)]
pub struct Greeting {
    /// Whatever is said.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// What the service does with a greeting.
pub trait Greet: Send + Sync + 'static {
    /// The unary RPC.
    fn greet(&self, request: Request<Greeting>) -> impl Future<Output = Result<Greeting, Status>> + Send;
}

/// A server for any [`Greet`]; `GreetForever` repeats the request every 20 ms, without end.
pub struct GreeterServer<G>(Arc<G>);

impl<G> GreeterServer<G> {
    /// Wraps it.
    pub fn new(greet: G) -> Self {
        Self(Arc::new(greet))
    }
}

impl<G> Clone for GreeterServer<G> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<G> NamedService for GreeterServer<G> {
    const NAME: &'static str = "test.greeter.v1.GreeterService";
}

struct Unary<G>(Arc<G>);

impl<G: Greet> UnaryService<Greeting> for Unary<G> {
    type Response = Greeting;
    type Future = BoxFuture<Response<Greeting>, Status>;

    fn call(&mut self, request: Request<Greeting>) -> Self::Future {
        let greet = self.0.clone();
        Box::pin(async move { Ok(Response::new(greet.greet(request).await?)) })
    }
}

struct Forever;

impl ServerStreamingService<Greeting> for Forever {
    type Response = Greeting;
    type ResponseStream = BoxStream<'static, Result<Greeting, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Greeting>) -> Self::Future {
        let greeting = request.into_inner();
        let ticks = tokio_stream::wrappers::IntervalStream::new(tokio::time::interval(Duration::from_millis(20)));
        let answers = ticks.map(move |_| match greeting.text.as_str() {
            "panic" => panic!("a secret in a stream"),
            _ => Ok(greeting.clone()),
        });
        Box::pin(async move { Ok(Response::new(answers.boxed())) })
    }
}

impl<G: Greet> Service<http::Request<Body>> for GreeterServer<G> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let greet = self.0.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default()).apply_max_message_size_config(Some(1024), None);
            Ok(match request.uri().path() {
                GREET => grpc.unary(Unary(greet), request).await,
                GREET_FOREVER => grpc.server_streaming(Forever, request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// The descriptors, as a generated crate would carry them.
pub fn descriptors() -> &'static [u8] {
    let method = |name: &str, streams: bool| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".test.greeter.v1.Greeting".to_owned()),
        output_type: Some(".test.greeter.v1.Greeting".to_owned()),
        server_streaming: Some(streams),
        ..Default::default()
    };
    let text = FieldDescriptorProto {
        name: Some("text".to_owned()),
        number: Some(1),
        r#type: Some(prost_types::field_descriptor_proto::Type::String.into()),
        label: Some(prost_types::field_descriptor_proto::Label::Optional.into()),
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("test/greeter/v1/greeter.proto".to_owned()),
        package: Some("test.greeter.v1".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![DescriptorProto {
            name: Some("Greeting".to_owned()),
            field: vec![text],
            ..Default::default()
        }],
        service: vec![ServiceDescriptorProto {
            name: Some("GreeterService".to_owned()),
            method: vec![method("Greet", false), method("GreetForever", true)],
            ..Default::default()
        }],
        ..Default::default()
    };
    Vec::leak(FileDescriptorSet { file: vec![file] }.encode_to_vec())
}
