//! Measures what the kit adds to one small RPC: `cargo xtask bench rpc`, `… bench rpc -- --help`.
//!
//! The same handler answers `GetMember` from memory in two processes: one is a service of the mesh with all that the kit does
//! around a handler (SPIFFE names over mutual TLS, the policy, the person's token, field rules, the owner, the deadline, a span
//! that goes to Jaeger, metrics), the other is tonic with mutual TLS and nothing else. The caller is the same for both: a client
//! of tonic on one connection, which sends a token, a trace and a deadline, one call after the other, and takes turns between
//! the two. Only the difference within one run means anything.
//!
//! Ends with status 1 when half of the calls take over 150 µs longer than half of those to plain tonic.

use anyhow::{Context, bail, ensure};
use clap::Parser;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::member_service_server::{MemberService, MemberServiceServer};
use mesh_proto::orchestrator::v1::{
    GetMemberRequest, GetMemberResponse, Member, RegisterMemberRequest, RegisterMemberResponse, UpdateMemberRequest,
    UpdateMemberResponse,
};
use mesh_runtime::{Service, ServiceContext, ServiceParts};
use mesh_testkit::{
    Acting, ActingChannel, Addresses, Issuer, Jaeger, NAMESPACE, Pki, Postgres, Process, READY_TIMEOUT, ServiceProcess,
    ServiceSpec, Subcommand, Temporal, eventually, ports, scratch,
};
use rustix::process::Signal;
use sqlx::migrate::Migrator;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tonic::transport::{Certificate, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};

/// Compare an RPC through the kit with one through plain tonic.
#[derive(Parser)]
struct Options {
    /// How often the two take turns.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Calls to each of them in a turn.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..))]
    calls: u32,
}

/// What the kit may add to half of the calls.
const MOST_ADDED: Duration = Duration::from_micros(150);
/// The first argument of the process that is plain tonic.
const BARE: &str = "bare";
/// The member who asks for their own profile.
const MEMBER: i64 = 7;
const LIMIT: Duration = Duration::from_secs(5);

static NO_TABLES: Migrator = Migrator::DEFAULT;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        // The measurement starts this program twice more.
        ["api"] => return mesh_runtime::run::<Members>(),
        [BARE, port, files @ ..] => serve_bare(port, files).map(|()| true),
        _ => measure(&Options::parse()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Answers from memory.
struct Members;

#[tonic::async_trait]
impl MemberService for Members {
    async fn register_member(
        &self,
        _: Request<RegisterMemberRequest>,
    ) -> Result<Response<RegisterMemberResponse>, Status> {
        Err(Status::unimplemented("only GetMember is measured"))
    }

    async fn get_member(&self, request: Request<GetMemberRequest>) -> Result<Response<GetMemberResponse>, Status> {
        let member = Member {
            member_id: request.get_ref().member_id,
            ..Member::default()
        };
        Ok(Response::new(GetMemberResponse { member: Some(member) }))
    }

    async fn update_member(&self, _: Request<UpdateMemberRequest>) -> Result<Response<UpdateMemberResponse>, Status> {
        Err(Status::unimplemented("only GetMember is measured"))
    }
}

#[derive(clap::Args)]
struct NoSettings {}

impl Service for Members {
    const NAME: &'static str = "members";
    const MIGRATIONS: &'static Migrator = &NO_TABLES;
    type Config = NoSettings;

    async fn build(_: NoSettings, _: ServiceContext) -> anyhow::Result<ServiceParts> {
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET).grpc(MemberServiceServer::new(Members)))
    }
}

#[tokio::main]
async fn serve_bare(port: &str, files: &[&str]) -> anyhow::Result<()> {
    let [certificate, key, ca] = files else {
        bail!("a certificate, a key and a CA are needed");
    };
    // The tree has two, and tonic's own server does not choose.
    let _first_one = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(std::fs::read(certificate)?, std::fs::read(key)?))
        .client_ca_root(Certificate::from_pem(std::fs::read(ca)?));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
    let server = Server::builder()
        .tls_config(tls)?
        .add_service(MemberServiceServer::new(Members));
    server.serve(address).await.context("plain tonic failed")
}

/// What one of the two took, call by call.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    /// The time that `percent` of the calls took at most.
    fn percentile(&mut self, percent: usize) -> Duration {
        self.0.sort_unstable();
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

#[tokio::main]
async fn measure(options: &Options) -> anyhow::Result<bool> {
    let folder = scratch("rpc")?;
    let pki = Pki::create(folder.path())?;
    let issuer = Issuer::create(&folder.path().join("issuer"))?;
    let (postgres, temporal, jaeger) = tokio::try_join!(Postgres::start(), Temporal::start(), Jaeger::start())?;
    let database = postgres.create_database(Members::NAME).await?;
    let own = pki.of(Members::NAME)?;
    let program = std::env::current_exe().context("cannot tell where this program stands")?;

    let mut service = ServiceProcess::prepare(ServiceSpec {
        name: Members::NAME.to_owned(),
        program: program.clone(),
        subcommand: Subcommand::Api,
        addresses: Addresses::Free,
        log_folder: folder.path().to_owned(),
        settings: Vec::new(),
        environment: Vec::new(),
    })?;
    let settings: [(&str, OsString); 9] = [
        ("POSTGRES_URL", database.into()),
        ("TEMPORAL_URL", temporal.url().into()),
        ("TEMPORAL_NAMESPACE", NAMESPACE.into()),
        ("OTLP_ENDPOINT", jaeger.otlp_endpoint().into()),
        ("TLS_CERTIFICATE", own.certificate.clone().into()),
        ("TLS_KEY", own.key.clone().into()),
        ("TLS_CA", own.ca.clone().into()),
        ("JWKS", issuer.jwks_file().into()),
        ("TOKEN_ISSUER", issuer.name().into()),
    ];
    service.set(settings.map(|(name, value)| (name.to_owned(), value)));
    service.restart().await?;
    let port = ports::reserve()?;
    let mut bare = Command::new(program);
    bare.arg(BARE).arg(port.to_string());
    bare.args([&own.certificate, &own.key, &own.ca]);
    let bare = Process::start(bare, &folder.path().join("bare.log"), Signal::KILL).await?;

    let acting = Acting::platform(&issuer.token(MEMBER, &["member"]));
    let client = |url: String| -> anyhow::Result<MemberServiceClient<ActingChannel>> {
        let endpoint = Endpoint::from_shared(url)?.tls_config(pki.client("platform")?)?;
        Ok(MemberServiceClient::new(acting.by(endpoint.connect_lazy())))
    };
    let mut through_kit = client(service.grpc_url())?;
    let mut through_tonic = client(format!("https://127.0.0.1:{port}"))?;
    eventually(READY_TIMEOUT, "plain tonic to answer", async || {
        call(&mut through_tonic.clone()).await.ok()
    })
    .await
    .with_context(|| bare.log_tail())?;

    let (mut kit, mut tonic) = (Times::default(), Times::default());
    for round in 0..=options.rounds {
        let (mut by_tonic, mut by_kit) = (Vec::new(), Vec::new());
        for _ in 0..options.calls {
            by_tonic.push(call(&mut through_tonic).await?);
        }
        for _ in 0..options.calls {
            by_kit.push(call(&mut through_kit).await?);
        }
        // The first turn warms up.
        if round > 0 {
            tonic.0.append(&mut by_tonic);
            kit.0.append(&mut by_kit);
        }
    }
    let another = through_kit.get_member(GetMemberRequest { member_id: MEMBER + 1 }).await;
    let is_hidden = another.is_err_and(|status| status.code() == Code::NotFound);
    ensure!(
        is_hidden,
        "the kit did not look whose the member is, so this measured nothing"
    );

    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("{} calls each, one after the other, in µs:", kit.0.len());
    println!("{:>14} {:>8} {:>8}", "", "p50", "p99");
    for (name, times) in [("plain tonic", &mut tonic), ("the kit", &mut kit)] {
        let [half, most] = [50, 99].map(|percent| micros(times.percentile(percent)));
        println!("{name:>14} {half:>8.0} {most:>8.0}");
    }
    let added = kit.percentile(50).saturating_sub(tonic.percentile(50));
    println!(
        "\nadded to half of the calls: {:.0} µs (limit {:.0})",
        micros(added),
        micros(MOST_ADDED)
    );
    Ok(added <= MOST_ADDED)
}

/// One call, as the platform's backend makes it, and how long it took.
async fn call(client: &mut MemberServiceClient<ActingChannel>) -> anyhow::Result<Duration> {
    let mut request = Request::new(GetMemberRequest { member_id: MEMBER });
    request.set_timeout(LIMIT);
    let trace = format!(
        "00-{:032x}-00000000000000aa-01",
        mesh_runtime::clock::new_uuid().as_u128()
    );
    request.metadata_mut().insert("traceparent", trace.parse()?);
    let begun = Instant::now();
    let answer = client.get_member(request).await?;
    let took = begun.elapsed();
    let member = answer.into_inner().member.context("an answer has a member")?;
    ensure!(member.member_id == MEMBER, "another member came: {}", member.member_id);
    Ok(took)
}
