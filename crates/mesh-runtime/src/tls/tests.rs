//! Over real sockets, with certificates of a CA that the tests make.

use super::*;
use crate::PeerChannel;
use crate::access::AccessPolicies;
use crate::field_rules::FieldRules;
use crate::rpc::Rules;
use crate::rpc::tests::greeting::{GREET, Greet, GreeterServer, Greeting, descriptors};
use crate::streams::Streams;
use crate::telemetry::tests::collect_log;
use crate::tokens::Tokens;
use mesh_testkit::{CertificateFiles, Flaw, Pki, eventually, scratch};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::{Code, Request, Response, Status};

mod exchange;
mod settings;

const SOON: Duration = Duration::from_secs(20);
/// The servers of these tests ask for a new connection at this age.
const SERVER_CONNECTION_AGE: Duration = Duration::from_secs(2);

/// Answers with the name of the caller.
struct Names;

impl Greet for Names {
    async fn greet(&self, request: Request<Greeting>) -> Result<Greeting, Status> {
        let peer = request.extensions().get::<PeerService>();
        let peer = peer.ok_or_else(|| Status::internal("every connection has a peer"))?;
        let text = peer.name().unwrap_or("nobody").to_owned();
        Ok(Greeting { text })
    }
}

/// A service "greeter" that ends with the value.
struct Served {
    address: SocketAddr,
    _tasks: JoinSet<anyhow::Result<()>>,
}

async fn serve(credentials: Option<Arc<Credentials>>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let catalogue = crate::grpc::Catalogue::read(descriptors(), &BTreeSet::from([GreeterServer::<Names>::NAME]));
    let catalogue = catalogue.expect("descriptors");
    let mut routes = tonic::service::RoutesBuilder::default();
    routes.add_service(GreeterServer::new(Names));
    let server = crate::grpc::Server {
        listener,
        credentials,
        max_connection_age: SERVER_CONNECTION_AGE,
        descriptors: catalogue.descriptors,
        routes,
        rules: Rules {
            access: AccessPolicies::read(descriptors(), &catalogue.methods).expect("policies"),
            tokens: Tokens::new(None).expect("no keys are needed").0,
            methods: catalogue.methods,
            streaming: catalogue.streaming,
            uploading: catalogue.uploading,
            field_rules: FieldRules::read(descriptors(), 4 << 20).expect("rules"),
            default_deadline: SOON,
            upload_deadline: SOON,
            streams: Streams::new(100, SOON),
            draining: CancellationToken::new(),
            metrics: None,
        },
        services: catalogue.services,
        reporter: tonic_health::server::HealthReporter::new(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(crate::grpc::serve(server, CancellationToken::new()));
    Served { address, _tasks: tasks }
}

/// A CA in a folder of its own.
fn pki() -> (Pki, TempDir) {
    let folder = scratch("pki").expect("a folder");
    (Pki::create(folder.path()).expect("a CA"), folder)
}

fn files(files: CertificateFiles) -> Files {
    let CertificateFiles { certificate, key, ca } = files;
    Files { certificate, key, ca }
}

fn credentials(pki: &Pki, service: &str) -> Arc<Credentials> {
    let issued = pki.issue(service).expect("a certificate");
    let read = Credentials::read(files(issued), mesh_testkit::TRUST_DOMAIN, service);
    Arc::new(read.unwrap_or_else(|error| panic!("{error:#}")))
}

async fn call(address: SocketAddr, expected: &str, transport: &Transport) -> Result<String, Status> {
    let scheme = match transport {
        Transport::Tls(_) => "https",
        _ => "http",
    };
    let url = format!("{scheme}://{address}").parse().expect("a URL");
    let channel = PeerChannel::lazy(&url, expected, "test", transport).expect("a channel");
    greet(channel).await
}

async fn greet(channel: PeerChannel) -> Result<String, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(Status::from_error)?;
    let path = http::uri::PathAndQuery::from_static(GREET);
    let codec = tonic_prost::ProstCodec::<Greeting, Greeting>::default();
    let request = Request::new(Greeting {
        text: "who am I?".to_owned(),
    });
    let answer: Response<Greeting> = client.unary(request, path, codec).await?;
    Ok(answer.into_inner().text)
}

/// A client of no service: it looks at the server's address, and presents whatever it is given.
async fn connect(address: SocketAddr, ca: &Path, own: Option<&CertificateFiles>) -> io::Result<TlsOf> {
    let mut stream = shake_hands(address, ca, own).await?;
    // A server that refuses a client may have gone by now; why, it has said by an alert.
    let _ = stream.write_all(server::PREFACE).await;
    // One that accepts it says which HTTP/2 settings it has.
    stream.read_u8().await?;
    Ok(stream)
}

async fn shake_hands(address: SocketAddr, ca: &Path, own: Option<&CertificateFiles>) -> io::Result<TlsOf> {
    let mut roots = RootCertStore::empty();
    for root in pem(ca) {
        roots.add(root).expect("a CA certificate");
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots);
    let mut config = match own {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_file(&own.key).expect("a key");
            config
                .with_client_auth_cert(pem(&own.certificate), key)
                .expect("a pair")
        }
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    let name = ServerName::from(address.ip());
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

type TlsOf = tokio_rustls::client::TlsStream<TcpStream>;

fn pem(file: &Path) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_file_iter(file).expect("the file is there");
    read.collect::<Result<_, _>>().expect("certificates")
}

#[tokio::test]
async fn an_rpc_knows_the_service_that_calls_by_its_certificate() {
    let (pki, _folder) = pki();
    let served = serve(Some(credentials(&pki, "greeter"))).await;
    for caller in ["teller", "greeter-2"] {
        let transport = Transport::Tls(credentials(&pki, caller));
        assert_eq!(
            call(served.address, "greeter", &transport).await.expect("an answer"),
            caller
        );
    }
    let plain = serve(None).await;
    let answer = call(plain.address, "greeter", &Transport::Plaintext).await;
    assert_eq!(answer.expect("an answer"), "nobody");
}

#[tokio::test]
async fn a_client_without_proof_is_refused_and_the_log_says_why() {
    let (ours, _folder) = pki();
    let (others, _other_folder) = pki();
    let flawed = |flaw| Some(ours.issue_flawed("teller", flaw).expect("a certificate"));
    let cases = [
        (
            "no certificate",
            None,
            "CertificateRequired",
            "the other end has no certificate",
        ),
        (
            "another CA",
            Some(others.issue("teller").expect("a certificate")),
            "UnknownCA",
            "UnknownIssuer",
        ),
        (
            "expired",
            flawed(Flaw::Expired),
            "CertificateExpired",
            "certificate expired",
        ),
        (
            "not yet valid",
            flawed(Flaw::NotYetValid),
            "CertificateExpired",
            "certificate not valid yet",
        ),
        (
            "other domain",
            flawed(Flaw::OtherTrustDomain),
            "CertificateUnknown",
            "of the trust domain",
        ),
        (
            "no service",
            flawed(Flaw::NoService),
            "CertificateUnknown",
            "does not name a service",
        ),
        (
            "no name",
            flawed(Flaw::NoName),
            "CertificateUnknown",
            "has no SPIFFE name",
        ),
        (
            "two names",
            flawed(Flaw::TwoNames),
            "CertificateUnknown",
            "has several URI names",
        ),
    ];
    let good = ours.issue("teller").expect("a certificate");
    for (what, own, alert, logged) in cases {
        let served = serve(Some(credentials(&ours, "greeter"))).await;
        let (log, _guard) = collect_log();
        let refused = connect(served.address, &good.ca, own.as_ref()).await;
        let error = refused.err().unwrap_or_else(|| panic!("{what} is refused"));
        assert!(error.to_string().contains(alert), "{what}: {error}");
        let said = eventually(SOON, "a line in the log", async || {
            log.text().contains(logged).then_some(())
        })
        .await;
        said.unwrap_or_else(|error| panic!("{what}: {error}\n{}", log.text()));
        connect(served.address, &good.ca, Some(&good))
            .await
            .expect("a good one is accepted after it");
    }
}

#[tokio::test]
async fn a_client_refuses_a_server_that_is_another_service() {
    let (ours, _folder) = pki();
    let (others, _other_folder) = pki();
    let transport = Transport::Tls(credentials(&ours, "teller"));
    let cases = [
        (
            "another service",
            credentials(&ours, "impostor"),
            r#"names "impostor", and "greeter" is wanted"#,
        ),
        ("another CA", credentials(&others, "greeter"), "UnknownIssuer"),
    ];
    for (what, server, why) in cases {
        let served = serve(Some(server)).await;
        let status = call(served.address, "greeter", &transport).await.expect_err(what);
        assert_eq!(status.code(), Code::Unavailable, "{what}: {status}");
        assert!(status.message().contains(why), "{what}: {status}");
    }
}

#[tokio::test]
async fn plaintext_and_tls_do_not_meet() {
    let (pki, _folder) = pki();
    let credentials = credentials(&pki, "greeter");
    let served = serve(Some(credentials.clone())).await;
    let (log, _guard) = collect_log();
    let status = call(served.address, "greeter", &Transport::Plaintext)
        .await
        .expect_err("plain HTTP/2");
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let said = async || log.text().contains("the other end speaks no TLS").then_some(());
    eventually(SOON, "a line in the log", said).await.expect("the reason");
    let plain = serve(None).await;
    let transport = Transport::Tls(credentials);
    let status = call(plain.address, "greeter", &transport).await.expect_err("no TLS");
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

#[tokio::test]
async fn peers_that_say_nothing_hold_up_nobody_and_are_let_go() {
    let (pki, _folder) = pki();
    let served = serve(Some(credentials(&pki, "greeter"))).await;
    let mut first = TcpStream::connect(served.address).await.expect("accepted");
    let mut silent = Vec::new();
    for _ in 0..server::MAX_HANDSHAKES {
        silent.push(TcpStream::connect(served.address).await.expect("accepted"));
    }
    let begun = Instant::now();
    let transport = Transport::Tls(credentials(&pki, "teller"));
    let answer = call(served.address, "greeter", &transport).await;
    assert_eq!(answer.expect("an answer"), "teller");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // The oldest had to go at once, the newest has its five seconds.
    let mut newest = silent.pop().expect("there are many");
    assert!(ends(&mut first, Duration::from_secs(2)).await);
    assert!(!ends(&mut newest, Duration::from_millis(500)).await);
    assert!(ends(&mut newest, Duration::from_secs(10)).await);
}

#[tokio::test]
async fn a_proven_client_that_sends_no_http2_is_let_go() {
    let (pki, _folder) = pki();
    let served = serve(Some(credentials(&pki, "greeter"))).await;
    let good = pki.issue("teller").expect("a certificate");
    let mut silent = shake_hands(served.address, &good.ca, Some(&good))
        .await
        .expect("it may");
    let mut other = shake_hands(served.address, &good.ca, Some(&good))
        .await
        .expect("it may");
    other
        .write_all(b"GET / HTTP/1.1\r\nHost: greeter\r\n\r\n")
        .await
        .expect("sent");
    let gone = async |stream: &mut TlsOf, within| {
        let read = tokio::time::timeout(within, stream.read_u8()).await;
        matches!(read, Ok(Err(_)))
    };
    assert!(
        gone(&mut other, Duration::from_secs(2)).await,
        "it speaks something else"
    );
    assert!(gone(&mut silent, Duration::from_secs(10)).await, "it says nothing");
}

async fn ends(stream: &mut TcpStream, within: Duration) -> bool {
    // An end in order or not: both are one.
    let read = tokio::time::timeout(within, stream.read_u8()).await;
    matches!(read, Ok(Err(_)))
}
