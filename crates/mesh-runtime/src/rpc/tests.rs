//! Over a real server and real connections.

mod access;

use super::*;
use crate::PeerChannel;
use crate::tls::Transport;
use greeting::{GREET, GREET_FOREVER, Greet, GreeterServer, Greeting, descriptors};
use opentelemetry::trace::SpanKind;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::server::NamedService;
use tonic::{Request, Response, Streaming};
use tonic_types::StatusExt;

#[path = "../../examples/greeter/greeting.rs"]
pub(crate) mod greeting;

/// Answers according to the greeting's text.
#[derive(Clone, Default)]
struct Answers {
    /// The peer that `pass on` asks.
    peer: Option<PeerChannel>,
    /// Told when the work of `hang` began and when it was dropped.
    told: Option<mpsc::UnboundedSender<&'static str>>,
}

struct Hanging(Option<mpsc::UnboundedSender<&'static str>>);

impl Hanging {
    fn tell(&self, what: &'static str) {
        if let Some(told) = &self.0 {
            let _nobody_listens_any_more = told.send(what);
        }
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.tell("dropped");
    }
}

/// Drains the server when told to, and ends it when dropped.
struct Stop {
    token: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Greet for Answers {
    async fn greet(&self, request: Request<Greeting>) -> Result<Greeting, Status> {
        let header = |name| {
            request
                .metadata()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or("none")
                .to_owned()
        };
        let text = match request.get_ref().text.as_str() {
            "remaining" => deadline::remaining().map_or(0, |left| left.as_micros()).to_string(),
            "caller" => header(CALLER),
            "actor" => Access::of(&request)?.actor().to_string(),
            asked if asked.starts_with("look up ") => {
                let owner = asked.trim_start_matches("look up ").parse().ok();
                let missing = || Problem::new(mesh_types::Reason::ScheduleNotFound, "no greeting has this id");
                let look = async { Ok(owner) };
                Access::of(&request)?.require_owner(look, missing).await?;
                "seen".to_owned()
            }
            "panic" => panic!("a secret"),
            "hang" => {
                let hanging = Hanging(self.told.clone());
                hanging.tell("began");
                std::future::pending().await
            }
            asked if asked.starts_with("pass on ") => {
                let peer = self.peer.clone().expect("this server has a peer");
                let answer = greet(peer, asked.trim_start_matches("pass on "), None).await;
                answer.map_err(crate::from_peer).map_err(Status::from)?
            }
            other => other.to_owned(),
        };
        Ok(Greeting { text })
    }
}

/// A server on a free port.
async fn serve(answers: Answers) -> (SocketAddr, Stop) {
    serve_with(answers, Streams::new(100, Duration::from_secs(20))).await
}

async fn serve_with(answers: Answers, streams: Streams) -> (SocketAddr, Stop) {
    let (nobodys, _) = Tokens::new(None).expect("tokens");
    serve_for(answers, streams, descriptors(), nobodys).await
}

async fn serve_for(answers: Answers, streams: Streams, policies: &[u8], tokens: Tokens) -> (SocketAddr, Stop) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let stop = CancellationToken::new();
    let catalogue = crate::grpc::Catalogue::read(descriptors(), &BTreeSet::from([GreeterServer::<Answers>::NAME]))
        .expect("descriptors");
    let mut routes = tonic::service::RoutesBuilder::default();
    routes.add_service(GreeterServer::new(answers));
    let server = crate::grpc::Server {
        listener,
        credentials: None,
        max_connection_age: crate::grpc::MAX_CONNECTION_AGE,
        descriptors: catalogue.descriptors,
        routes,
        rules: Rules {
            streaming: catalogue.streaming,
            uploading: catalogue.uploading,
            field_rules: FieldRules::read(descriptors(), 4 << 20).expect("rules"),
            access: AccessPolicies::read(policies, &catalogue.methods).expect("policies"),
            tokens,
            methods: catalogue.methods,
            default_deadline: Duration::from_secs(20),
            upload_deadline: Duration::from_secs(20),
            streams,
            draining: stop.clone(),
            metrics: None,
        },
        services: catalogue.services,
        reporter: tonic_health::server::HealthReporter::new(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(crate::grpc::serve(server, stop.clone()));
    (address, Stop { token: stop, tasks })
}

fn channel(address: SocketAddr) -> PeerChannel {
    let url = format!("http://{address}").parse().expect("a URL");
    PeerChannel::lazy(&url, "greeter", "test", &Transport::Plaintext).expect("a channel")
}

fn request(text: &str, timeout: Option<Duration>) -> Request<Greeting> {
    let mut request = Request::new(Greeting { text: text.to_owned() });
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    request
}

async fn greet(channel: PeerChannel, text: &str, timeout: Option<Duration>) -> Result<String, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(Status::from_error)?;
    let path = http::uri::PathAndQuery::from_static(GREET);
    let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
    let answer: Response<Greeting> = client.unary(request(text, timeout), path, codec).await?;
    Ok(answer.into_inner().text)
}

async fn stream(address: SocketAddr, text: &str, timeout: Option<Duration>) -> Result<Streaming<Greeting>, Status> {
    let mut client = tonic::client::Grpc::new(channel(address));
    client.ready().await.map_err(Status::from_error)?;
    let path = http::uri::PathAndQuery::from_static(GREET_FOREVER);
    let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
    let answer = client.server_streaming(request(text, timeout), path, codec).await?;
    Ok(answer.into_inner())
}

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn an_expired_deadline_is_answered_with_its_reason_and_drops_the_work() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (address, _stop) = serve(Answers {
        told: Some(told),
        ..Default::default()
    })
    .await;
    let status = greet(channel(address), "hang", Some(Duration::from_millis(200)))
        .await
        .expect_err("it hangs");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    assert_eq!(
        (heard.recv().await, heard.recv().await),
        (Some("began"), Some("dropped"))
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_drops_the_work() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (address, _stop) = serve(Answers {
        told: Some(told),
        ..Default::default()
    })
    .await;
    tokio::select! {
        answer = greet(channel(address), "hang", None) => panic!("it hangs, but answered {answer:?}"),
        began = heard.recv() => assert_eq!(began, Some("began")),
    }
    let dropped = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await;
    assert_eq!(dropped.expect("the work does not go on"), Some("dropped"));
}

#[tokio::test]
async fn the_default_bounds_a_call_without_a_timeout_and_caps_a_longer_one() {
    let (address, _stop) = serve(Answers::default()).await;
    for timeout in [None, Some(Duration::from_secs(3600))] {
        let left = greet(channel(address), "remaining", timeout).await.expect("an answer");
        let left = Duration::from_micros(left.parse().expect("a number"));
        assert!(
            left <= Duration::from_secs(20) && left > Duration::from_secs(15),
            "{left:?}"
        );
    }
}

#[tokio::test]
async fn what_is_left_of_the_deadline_is_passed_on() {
    let (back, _stop_back) = serve(Answers::default()).await;
    let (front, _stop) = serve(Answers {
        peer: Some(channel(back)),
        ..Default::default()
    })
    .await;
    let left = greet(channel(front), "pass on remaining", Some(Duration::from_secs(4)))
        .await
        .expect("an answer");
    let left = Duration::from_micros(left.parse().expect("a number"));
    assert!(
        left < Duration::from_secs(4) && left > Duration::from_secs(2),
        "{left:?}"
    );
    let status = greet(channel(front), "pass on hang", Some(Duration::from_millis(300)))
        .await
        .expect_err("the peer hangs");
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_peer_knows_who_calls_and_a_peer_that_is_away_is_unavailable() {
    let (back, _stop_back) = serve(Answers::default()).await;
    let (front, _stop) = serve(Answers {
        peer: Some(channel(back)),
        ..Default::default()
    })
    .await;
    assert_eq!(
        greet(channel(front), "pass on caller", None).await.expect("an answer"),
        "test"
    );
    assert_eq!(
        greet(channel(front), "pass on actor", None).await.expect("an answer"),
        "service:test"
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let (front, _stop) = serve(Answers {
        peer: Some(channel(nobody)),
        ..Default::default()
    })
    .await;
    let status = greet(channel(front), "pass on hello", None)
        .await
        .expect_err("nobody is there");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "PEER_UNAVAILABLE")
    );
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline_with_the_reason_in_its_trailers() {
    let (address, _stop) = serve(Answers::default()).await;
    let mut answers = stream(address, "tick", Some(Duration::from_millis(300)))
        .await
        .expect("a stream");
    let mut count = 0;
    let status = loop {
        match answers.message().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break status,
        }
    };
    assert!(count > 0, "it streamed before");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
}

/// How a stream that goes on by itself ends.
async fn end_of(answers: &mut Streaming<Greeting>) -> (Code, String) {
    loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break (status.code(), reason(&status)),
        }
    }
}

#[tokio::test]
async fn one_stream_more_than_there_may_be_is_refused_until_another_ends() {
    let (address, _stop) = serve_with(Answers::default(), Streams::new(2, Duration::from_secs(20))).await;
    let first = stream(address, "tick", None).await.expect("a stream");
    let second = stream(address, "tick", Some(Duration::from_millis(300))).await;
    let refused = stream(address, "tick", None).await.expect_err("there are two");
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "TOO_MANY_STREAMS")
    );
    let unary = greet(channel(address), "still here", None).await;
    assert_eq!(unary.expect("an answer"), "still here");
    end_of(&mut second.expect("a stream")).await;
    let third = stream(address, "tick", None).await.expect("a place is free");
    drop((first, third));
}

#[tokio::test]
async fn a_stream_that_is_as_old_as_one_may_be_is_to_be_opened_again() {
    let (address, _stop) = serve_with(Answers::default(), Streams::new(1, Duration::from_millis(300))).await;
    for asked in [None, Some(Duration::from_secs(10))] {
        let mut answers = stream(address, "tick", asked).await.expect("a stream");
        let end = end_of(&mut answers).await;
        assert_eq!(end, (Code::Unavailable, "STREAM_TOO_OLD".to_owned()));
    }
}

#[tokio::test]
async fn a_drain_ends_streams_with_the_reason() {
    let (address, stop) = serve(Answers::default()).await;
    let mut answers = stream(address, "tick", None).await.expect("a stream without a bound");
    assert!(answers.message().await.expect("a message").is_some());
    stop.token.cancel();
    let end = end_of(&mut answers).await;
    assert_eq!(end, (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
}

#[tokio::test]
async fn a_health_watch_does_not_hold_a_drain() {
    let (address, stop) = serve(Answers::default()).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel(address));
    let mut watch = health
        .watch(tonic_health::pb::HealthCheckRequest::default())
        .await
        .expect("health")
        .into_inner();
    assert!(watch.message().await.expect("the present status").is_some());
    let Stop { token, mut tasks } = stop;
    token.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), tasks.join_next())
        .await
        .expect("it ends");
    ended
        .expect("there was a server")
        .expect("no panic")
        .expect("no failure");
}

#[tokio::test]
async fn a_panic_is_internal_and_its_text_stays_inside() {
    let (address, _stop) = serve(Answers::default()).await;
    let unary = greet(channel(address), "panic", None).await.expect_err("it panics");
    let mut answers = stream(address, "panic", None).await.expect("the stream begins");
    let streamed = answers.message().await.expect_err("it panics");
    for status in [unary, streamed] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
        assert!(!format!("{status:?}").contains("secret"), "{status:?}");
    }
    assert_eq!(
        greet(channel(address), "hello", None)
            .await
            .expect("the server lives on"),
        "hello"
    );
}

#[tokio::test]
async fn a_message_that_is_too_large_has_a_reason() {
    let (address, _stop) = serve(Answers::default()).await;
    let status = greet(channel(address), &"x".repeat(2000), None)
        .await
        .expect_err("over 1024 bytes");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
}

#[tokio::test]
async fn one_trace_runs_from_the_caller_through_the_front_to_the_back() {
    let (exporter, _guard) = telemetry::tests::collect();
    let (back, _stop_back) = serve(Answers::default()).await;
    let (front, _stop) = serve(Answers {
        peer: Some(channel(back)),
        ..Default::default()
    })
    .await;
    let span = tracing::info_span!("caller");
    greet(channel(front), "pass on hello", None)
        .instrument(span)
        .await
        .expect("an answer");
    // The client has its answer a moment before the server's span ends.
    let spans = eventually(|| {
        let spans = exporter.get_finished_spans().expect("an exporter");
        (spans.len() == 5).then_some(spans)
    })
    .await;
    let root = spans
        .iter()
        .find(|span| span.name == "caller")
        .expect("the caller's span");
    let mut parent = root.span_context.span_id();
    for kind in [SpanKind::Client, SpanKind::Server, SpanKind::Client, SpanKind::Server] {
        let child = spans
            .iter()
            .find(|span| span.parent_span_id == parent)
            .expect("each has one child");
        assert_eq!(child.span_kind, kind);
        assert_eq!(child.name, GREET.trim_start_matches('/'));
        assert_eq!(child.span_context.trace_id(), root.span_context.trace_id());
        let attribute = |key: &str| {
            child
                .attributes
                .iter()
                .find(|pair| pair.key.as_str() == key)
                .map(|pair| pair.value.to_string())
        };
        assert_eq!(attribute("rpc.system.name").as_deref(), Some("grpc"));
        assert_eq!(attribute("rpc.response.status_code").as_deref(), Some("OK"));
        parent = child.span_context.span_id();
    }
}

/// Looks again each millisecond, for at most 5 s.
async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        loop {
            tick.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), looking)
        .await
        .expect("it comes within 5 s")
}
