//! Who may call, over real connections and with real tokens.

use super::*;
use crate::telemetry;
use crate::tokens;
use futures::stream;
use mesh_testkit::Issuer;
use std::io::Write;
use std::sync::Mutex;
use tracing_subscriber::layer::SubscriberExt;

/// What `Greet` allows here. The other RPCs stay as the example has them.
const POLICY: &str = r#"
    grants: {services: "app", role: ROLE_ORGANISER, relation: RELATION_OWN}
    grants: {services: "test"}
"#;

/// What `GreetForever` allows.
const POLICY_OF_STREAM: &str = r#"grants: {services: "app", role: ROLE_ORGANISER, relation: RELATION_ANY}"#;

/// A greeter whose callers prove themselves by tokens of an issuer of its own.
struct Guarded {
    address: SocketAddr,
    issuer: Issuer,
    _stop: Stop,
    _follower: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Guarded {
    async fn serve() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let issuer = Issuer::create(folder.path()).expect("an issuer");
        let settings = tokens::Settings {
            source: tokens::Source::File(issuer.jwks_file()),
            refresh: Duration::from_secs(60),
            claims: tokens::ClaimRules {
                issuer: issuer.name().to_owned(),
                audiences: BTreeSet::from(["voluntier".to_owned()]),
                leeway: Duration::ZERO,
                roles_claim: "roles".to_owned(),
            },
        };
        let (tokens, follower) = Tokens::new(Some(settings)).expect("tokens");
        let mut following = JoinSet::new();
        let stop = CancellationToken::new();
        following.spawn(follower.expect("there are settings").run(stop));
        let streams = Streams::new(100, Duration::from_secs(20));
        let (address, stop) = serve_for(Answers::default(), streams, &policies(), tokens).await;
        Self {
            address,
            issuer,
            _stop: stop,
            _follower: following,
            _folder: folder,
        }
    }

    /// Greets as a service, with a token if there is one.
    async fn greet(&self, service: &'static str, token: Option<&str>, text: &str) -> Result<String, Status> {
        let request = with_token(Request::new(Greeting { text: text.to_owned() }), token);
        let mut client = tonic::client::Grpc::new(self.channel(service));
        client.ready().await.map_err(Status::from_error)?;
        let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
        let path = http::uri::PathAndQuery::from_static(GREET);
        let answer: Response<Greeting> = client.unary(request, path, codec).await?;
        Ok(answer.into_inner().text)
    }

    fn channel(&self, service: &'static str) -> PeerChannel {
        let url = format!("http://{}", self.address).parse().expect("a URL");
        PeerChannel::lazy(&url, "greeter", service, &Transport::Plaintext).expect("a channel")
    }
}

fn with_token<T>(mut request: Request<T>, token: Option<&str>) -> Request<T> {
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().expect("ASCII");
        request.metadata_mut().insert("authorization", value);
    }
    request
}

/// The example's descriptors with another policy of `Greet`.
fn policies() -> Vec<u8> {
    let source = include_str!("../../../examples/greeter/greeter.proto");
    let former = r#"grants: {services: ["test", "greeter", "teller", "caller", "greeter-2"]}"#;
    // `Greet` is the first one in the file, and `GreetForever` the second.
    let source = source.replacen(former, POLICY, 1).replacen(former, POLICY_OF_STREAM, 1);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("greeter.proto"), source).expect("it is written");
    let contract = "../../proto";
    let mut compiler = protox::Compiler::new([folder.path(), contract.as_ref()]).expect("the folders are there");
    let compiled = compiler.include_imports(true).open_file("greeter.proto");
    compiled.expect("it compiles").encode_file_descriptor_set()
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

#[tokio::test]
async fn what_is_anothers_and_what_is_missing_have_the_same_answer_byte_for_byte() {
    let guarded = Guarded::serve().await;
    let token = guarded.issuer.token(7, &["organiser"]);
    let look = async |what: &str| guarded.greet("app", Some(&token), &format!("look up {what}")).await;
    assert_eq!(look("7").await.expect("it is theirs"), "seen");
    let [anothers, missing] = [look("8").await, look("nothing").await].map(|answer| answer.expect_err("hidden"));
    let bytes = |status: &Status| (status.code(), status.message().to_owned(), status.details().to_vec());
    assert_eq!(bytes(&anothers), bytes(&missing));
    assert_eq!(told(&missing), (Code::NotFound, "SCHEDULE_NOT_FOUND".to_owned()));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panicked")).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_answer_without_a_look_at_whose_it_is_is_not_sent_and_the_log_says_which_rpc_forgot() {
    let _spans = telemetry::tests::collect();
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let guarded = Guarded::serve().await;
    let token = guarded.issuer.token(7, &["organiser"]);
    let status = guarded
        .greet("app", Some(&token), "hello")
        .await
        .expect_err("nobody looked");
    assert_eq!(told(&status), (Code::Internal, "INTERNAL".to_owned()));
    assert_eq!(
        guarded
            .greet("test", None, "hello")
            .await
            .expect("no owner is asked for"),
        "hello"
    );
    let log = lines.text();
    assert!(
        log.contains(&format!("the handler of {GREET} did not say whose")),
        "{log}"
    );
    let refused = guarded
        .greet("app", Some(&token), "look up 8")
        .await
        .expect_err("hidden");
    let log = lines.text();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(log.contains("actor=person:7") && !log.contains(&token), "{log}");
}

#[tokio::test]
async fn each_refusal_has_its_reason_and_the_actor_is_who_was_proven() {
    let guarded = Guarded::serve().await;
    let organiser = guarded.issuer.token(7, &["organiser"]);
    let operator = guarded.issuer.token(7, &["operator"]);
    let expired = guarded.issuer.draft(7).expired_since(Duration::from_secs(60)).sign();
    for (service, token, expected) in [
        (
            "stranger",
            Some(&organiser),
            (Code::PermissionDenied, "CALLER_NOT_ALLOWED"),
        ),
        ("app", None, (Code::Unauthenticated, "TOKEN_MISSING")),
        ("app", Some(&operator), (Code::PermissionDenied, "ROLE_NOT_ALLOWED")),
        ("app", Some(&expired), (Code::Unauthenticated, "TOKEN_EXPIRED")),
        // A token that does not count is refused where none is needed, too; the service is looked at first.
        ("test", Some(&expired), (Code::Unauthenticated, "TOKEN_EXPIRED")),
        (
            "stranger",
            Some(&expired),
            (Code::PermissionDenied, "CALLER_NOT_ALLOWED"),
        ),
    ] {
        let refused = guarded.greet(service, token.map(String::as_str), "actor").await;
        let (code, reason) = told(&refused.expect_err("it is refused"));
        assert_eq!((code, reason.as_str()), expected, "{service}");
    }
    assert_eq!(
        guarded.greet("test", None, "actor").await.expect("it may"),
        "service:test"
    );
    let refused = guarded.greet("test", Some(&operator), "actor").await;
    let (code, reason) = told(&refused.expect_err("the service may call for itself alone"));
    assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "ROLE_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_stream_ends_when_the_token_that_it_was_opened_with_does() {
    let guarded = Guarded::serve().await;
    let token = guarded.issuer.draft(7).roles(&["organiser"]);
    let token = token.valid_for(Duration::from_secs(3)).sign();
    let mut client = tonic::client::Grpc::new(guarded.channel("app"));
    client.ready().await.expect("it connects");
    let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
    let path = http::uri::PathAndQuery::from_static(GREET_FOREVER);
    let text = "hello".to_owned();
    let request = with_token(Request::new(Greeting { text }), Some(&token));
    let answer = client.server_streaming(request, path, codec).await.expect("it may");
    let mut answers = answer.into_inner();
    let mut count = 0;
    let ended = tokio::time::timeout(Duration::from_secs(15), async {
        loop {
            match answers.message().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => panic!("it ends with a reason"),
                Err(status) => return status,
            }
        }
    });
    let status = ended.await.expect("it ends");
    assert_eq!(told(&status), (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned()));
    // One in 20 ms, and the token counts for more than a second yet.
    assert!(count > 10, "{count}");
}

#[tokio::test]
async fn a_caller_that_may_not_is_refused_before_it_has_sent_its_message() {
    let guarded = Guarded::serve().await;
    for (service, expected) in [("stranger", Code::PermissionDenied), ("app", Code::Unauthenticated)] {
        let mut client = tonic::client::Grpc::new(guarded.channel(service));
        client.ready().await.expect("it connects");
        let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
        let path = http::uri::PathAndQuery::from_static(GREET);
        let silent = client.client_streaming::<_, _, Greeting, _>(Request::new(stream::pending()), path, codec);
        let answer = tokio::time::timeout(Duration::from_secs(5), silent).await;
        assert_eq!(
            answer.expect("it is not waited for").expect_err("it may not").code(),
            expected
        );
    }
}
