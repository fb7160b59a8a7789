//! A service process becomes ready, keeps its addresses over restarts, and says why when it does not come up; a mesh
//! tells each of its services what it needs.
//!
//! The services are this program itself: called with a service's subcommand it serves the readiness page, and its settings.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    time::Duration,
};

use mesh_testkit::{Addresses, Engine, Mesh, ServiceProcess, ServiceSpec, Subcommand, http_get, scratch};

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("all" | "api" | "worker") => play_a_service(),
        Some("mesh") => tokio::runtime::Runtime::new()?.block_on(a_mesh_tells_each_service_what_it_needs()),
        _ => tokio::runtime::Runtime::new()?.block_on(check()),
    }
}

/// `/readyz`, and at `/settings` what this service was told.
fn play_a_service() -> anyhow::Result<()> {
    let name = std::env::current_exe()?
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let prefix = match name.strip_suffix("-service") {
        Some(service) => format!("{}_", service.to_uppercase().replace('-', "_")),
        None => "STAND_IN_".to_owned(),
    };
    let settings = std::env::vars().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value)));
    let settings: Vec<String> = settings.map(|(key, value)| format!("{key}={value}")).collect();
    if let Some(problem) = settings.iter().find_map(|setting| setting.strip_prefix("PROBLEM=")) {
        anyhow::bail!("{problem}");
    }
    let listener = TcpListener::bind(std::env::var(format!("{prefix}HEALTH_LISTEN"))?)?;
    for connection in listener.incoming() {
        let mut connection = connection?;
        let mut request = String::new();
        BufReader::new(&connection).read_line(&mut request)?;
        let body = if request.starts_with("GET /settings ") {
            settings.join("\n")
        } else {
            String::new()
        };
        let length = body.len();
        write!(
            connection,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )?;
    }
    Ok(())
}

async fn check() -> anyhow::Result<()> {
    let folder = scratch("service")?;
    a_service_keeps_its_addresses_over_kill_and_restart(folder.path()).await?;
    println!("test a_service_keeps_its_addresses_over_kill_and_restart ... ok");
    a_service_that_does_not_come_up_shows_its_last_words(folder.path()).await?;
    println!("test a_service_that_does_not_come_up_shows_its_last_words ... ok");
    // A mesh looks for the binaries beside the running program, so this one stands among copies of itself.
    let myself = std::env::current_exe()?;
    for name in [
        "orchestrator-service",
        "document-service",
        "community-service",
        "in-person-service",
        "reputation-service",
        "runner",
    ] {
        std::fs::copy(&myself, folder.path().join(name))?;
    }
    let status = Command::new(folder.path().join("runner")).arg("mesh").status()?;
    assert!(status.success(), "{status}");
    println!("test a_mesh_tells_each_service_what_it_needs ... ok");
    Ok(())
}

async fn a_service_keeps_its_addresses_over_kill_and_restart(folder: &Path) -> anyhow::Result<()> {
    let service = ServiceProcess::prepare(spec(folder, ("GREETING", "hello"))?)?;
    service.restart().await?;
    let told = settings(&service).await?;
    assert!(told.contains("GREETING=hello"), "{told}");
    let first = service.pid().await?;
    service.sigkill().await;
    assert!(!service.is_ready().await);
    service.restart().await?;
    assert_ne!(service.pid().await?, first);
    assert_eq!(settings(&service).await?, told);
    service.sigterm().await;
    let status = service.wait_exit(Duration::from_secs(5)).await?;
    assert_eq!(status.signal(), Some(15));
    Ok(())
}

async fn a_service_that_does_not_come_up_shows_its_last_words(folder: &Path) -> anyhow::Result<()> {
    let service = ServiceProcess::prepare(spec(folder, ("PROBLEM", "the table ledger is missing"))?)?;
    let error = format!("{:#}", service.restart().await.unwrap_err());
    assert!(error.contains("the table ledger is missing"), "{error}");
    Ok(())
}

async fn a_mesh_tells_each_service_what_it_needs() -> anyhow::Result<()> {
    let mesh = Mesh::builder()
        .temporal(Engine::Shared)
        .setting("document", "LOG_FORMAT", "json")
        .start()
        .await?;
    let orchestrator = settings(&mesh.orchestrator).await?;
    let document = settings(&mesh.document).await?;
    let reputation = settings(&mesh.reputation).await?;
    let expected = [
        (&orchestrator, format!("DOCUMENT_URL={}", mesh.document.grpc_url())),
        (&orchestrator, format!("REPUTATION_URL={}", mesh.reputation.grpc_url())),
        (&orchestrator, format!("POSTGRES_URL={}", mesh.databases.orchestrator)),
        (&orchestrator, "LOG_FORMAT=human".to_owned()),
        (&document, format!("ORCHESTRATOR_URL={}", mesh.orchestrator.grpc_url())),
        (&document, format!("POSTGRES_URL={}", mesh.databases.document)),
        (
            &document,
            format!("STORE_URL=file://{}", mesh.folder().join("documents").display()),
        ),
        (&document, "LOG_FORMAT=json".to_owned()),
        (
            &document,
            format!("TLS_CERTIFICATE={}", mesh.pki().of("document")?.certificate.display()),
        ),
        (&reputation, format!("TLS_CA={}", mesh.pki().ca().display())),
        (&reputation, format!("TEMPORAL_URL={}", mesh.temporal.url())),
        (&reputation, format!("POSTGRES_URL={}", mesh.databases.reputation)),
    ];
    for (told, setting) in expected {
        assert!(
            told.lines().any(|line| line == setting),
            "{setting} is not among\n{told}"
        );
    }
    assert!(
        !reputation.contains("OTLP_ENDPOINT"),
        "nobody asked for Jaeger:\n{reputation}"
    );
    let worker = mesh.add_document_worker().await?;
    assert_ne!(worker.pid().await?, mesh.document.pid().await?);
    assert_ne!(worker.health_url(), mesh.document.health_url());
    assert!(settings(&worker).await?.contains(&mesh.databases.document));
    Ok(())
}

async fn settings(service: &ServiceProcess) -> anyhow::Result<String> {
    let (_, body) = http_get(&format!("{}/settings", service.health_url())).await?;
    Ok(String::from_utf8(body.to_vec())?)
}

fn spec(folder: &Path, (name, value): (&str, &str)) -> anyhow::Result<ServiceSpec> {
    Ok(ServiceSpec {
        name: "stand-in".to_owned(),
        program: std::env::current_exe()?,
        subcommand: Subcommand::All,
        addresses: Addresses::Free,
        log_folder: folder.to_owned(),
        settings: vec![(name.to_owned(), value.into())],
        environment: Vec::new(),
    })
}
