//! A gRPC service written by hand, so that the kit's tests need no generated code. A real service takes all of this from
//! `mesh_proto`.

use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use protox::file::{File, FileResolver, GoogleFileResolver};
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

/// Path of the RPC that greets.
pub const GREET: &str = "/test.greeter.v1.GreeterService/Greet";
/// The one that streams its answer.
pub const GREET_FOREVER: &str = "/test.greeter.v1.GreeterService/GreetForever";
/// The one that changes something by itself.
pub const KEEP_GREETING: &str = "/test.greeter.v1.GreeterService/KeepGreeting";
/// The one that lists.
pub const LIST_GREETINGS: &str = "/test.greeter.v1.GreeterService/ListGreetings";

/// The message of `Greet` and `GreetForever`, in and out.
#[derive(Clone, PartialEq, Message)]
pub struct Greeting {
    /// Whatever is said.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// A greeting to be kept.
#[derive(Clone, PartialEq, Message)]
pub struct KeepGreetingRequest {
    /// A UUID that the caller chose. The same one again keeps nothing.
    #[prost(string, tag = "1")]
    pub request_id: String,
    /// What is kept.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// A greeting that is kept.
#[derive(Clone, PartialEq, Message)]
pub struct StoredGreeting {
    /// UUIDv7.
    #[prost(string, tag = "1")]
    pub greeting_id: String,
    /// What was kept.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// What to list.
#[derive(Clone, PartialEq, Message)]
pub struct ListGreetingsRequest {
    /// How many at most, 1 to 200; 50 when 0.
    #[prost(int32, tag = "1")]
    pub page_size: i32,
    /// `next_page_token` of the page before; empty for the first.
    #[prost(string, tag = "2")]
    pub page_token: String,
}

/// A page of greetings.
#[derive(Clone, PartialEq, Message)]
pub struct ListGreetingsResponse {
    /// The newest first.
    #[prost(message, repeated, tag = "1")]
    pub greetings: Vec<StoredGreeting>,
    /// For the next page; empty on the last.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// What the service does with a greeting.
pub trait Greet: Send + Sync + 'static {
    /// Greets.
    fn greet(&self, request: Request<Greeting>) -> impl Future<Output = Result<Greeting, Status>> + Send;

    /// Keeps a greeting.
    fn keep_greeting(
        &self,
        _request: Request<KeepGreetingRequest>,
    ) -> impl Future<Output = Result<StoredGreeting, Status>> + Send {
        async { Err(Status::unimplemented("keeps nothing")) }
    }

    /// Lists the greetings.
    fn list_greetings(
        &self,
        _request: Request<ListGreetingsRequest>,
    ) -> impl Future<Output = Result<ListGreetingsResponse, Status>> + Send {
        async { Err(Status::unimplemented("lists nothing")) }
    }
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

struct Keep<G>(Arc<G>);

impl<G: Greet> UnaryService<KeepGreetingRequest> for Keep<G> {
    type Response = StoredGreeting;
    type Future = BoxFuture<Response<StoredGreeting>, Status>;

    fn call(&mut self, request: Request<KeepGreetingRequest>) -> Self::Future {
        let greet = self.0.clone();
        Box::pin(async move { Ok(Response::new(greet.keep_greeting(request).await?)) })
    }
}

struct List<G>(Arc<G>);

impl<G: Greet> UnaryService<ListGreetingsRequest> for List<G> {
    type Response = ListGreetingsResponse;
    type Future = BoxFuture<Response<ListGreetingsResponse>, Status>;

    fn call(&mut self, request: Request<ListGreetingsRequest>) -> Self::Future {
        let greet = self.0.clone();
        Box::pin(async move { Ok(Response::new(greet.list_greetings(request).await?)) })
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
            Ok(match request.uri().path() {
                GREET => grpc().unary(Unary(greet), request).await,
                GREET_FOREVER => grpc().server_streaming(Forever, request).await,
                KEEP_GREETING => grpc().unary(Keep(greet), request).await,
                LIST_GREETINGS => grpc().unary(List(greet), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

fn grpc<Q, A>() -> Grpc<ProstCodec<A, Q>>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
{
    Grpc::new(ProstCodec::default()).apply_max_message_size_config(Some(1024), None)
}

/// The descriptors, as a generated crate would carry them.
pub fn descriptors() -> &'static [u8] {
    static DESCRIPTORS: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut compiler = protox::Compiler::with_file_resolver(Sources);
        let compiled = compiler.include_imports(true).open_file("greeter.proto");
        compiled.expect("it compiles").encode_file_descriptor_set()
    });
    &DESCRIPTORS
}

/// The contract, within the program: it may run anywhere.
struct Sources;

impl FileResolver for Sources {
    fn resolve_path(&self, path: &Path) -> Option<String> {
        path.to_str().map(str::to_owned)
    }

    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let source = match name {
            "greeter.proto" => include_str!("greeter.proto"),
            "voluntier/common/v1/access.proto" => {
                include_str!("../../../../proto/voluntier/common/v1/access.proto")
            }
            "buf/validate/validate.proto" => include_str!("../../../../proto/buf/validate/validate.proto"),
            _ => return GoogleFileResolver::new().open_file(name),
        };
        File::from_source(name, source)
    }
}
