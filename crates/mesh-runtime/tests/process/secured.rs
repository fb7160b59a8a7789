//! TLS: its settings, and PostgreSQL, Temporal and the OTLP collector by it.

use super::*;
use mesh_testkit::{ClientProof, TlsProxy};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

fn address_of(url: &str) -> anyhow::Result<SocketAddr> {
    let (_, address) = url.split_once("://").context("a URL")?;
    Ok(address.parse()?)
}

/// The engines, each behind TLS, and what a greeter must be told to reach them.
struct Secured {
    _pki_folder: TempDir,
    postgres: Postgres,
    jaeger: Arc<Jaeger>,
    _temporal: Temporal,
    _proxies: [TlsProxy; 2],
    settings: Vec<(&'static str, String)>,
    database: String,
}

impl Secured {
    async fn start() -> anyhow::Result<(Self, Pki)> {
        let folder = scratch("pki")?;
        let pki = Pki::create(folder.path())?;
        let postgres = Postgres::start_with_tls(&pki.issue("postgres")?).await?;
        let (temporal, jaeger) = (Temporal::start().await?, Jaeger::shared().await?);
        let own = pki.issue("engine")?;
        let to_temporal = TlsProxy::before(address_of(temporal.url())?, &own, ClientProof::Required).await?;
        let to_jaeger = TlsProxy::before(address_of(jaeger.otlp_endpoint())?, &own, ClientProof::NotAsked).await?;
        let database = postgres.create_database("greeter_secured").await?;
        let mine = pki.issue("greeter")?;
        let (ca, certificate, key) = (mine.ca.display(), mine.certificate.display(), mine.key.display());
        let settings = vec![
            (
                "POSTGRES_URL",
                format!("{database}?sslmode=verify-full&sslrootcert={ca}&sslcert={certificate}&sslkey={key}"),
            ),
            ("TEMPORAL_URL", to_temporal.url()),
            ("TEMPORAL_TLS_CA", ca.to_string()),
            ("TEMPORAL_TLS_CERTIFICATE", certificate.to_string()),
            ("TEMPORAL_TLS_KEY", key.to_string()),
            ("TEMPORAL_TLS_SERVER_NAME", "localhost".to_owned()),
            ("OTLP_ENDPOINT", to_jaeger.url()),
            ("OTLP_CA", ca.to_string()),
        ];
        let secured = Self {
            _pki_folder: folder,
            postgres,
            jaeger,
            _temporal: temporal,
            _proxies: [to_temporal, to_jaeger],
            settings,
            database,
        };
        Ok((secured, pki))
    }

    /// A greeter that is told the same, but for what is given here.
    async fn greeter(&self, instead: &[(&'static str, String)]) -> anyhow::Result<Greeter> {
        let mut settings = self.settings.clone();
        for (name, value) in instead {
            settings.retain(|(known, _)| known != name);
            settings.push((name, value.clone()));
        }
        let settings: Vec<_> = settings
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Greeter::start("all", &settings).await
    }
}

#[tokio::test]
async fn every_engine_is_reached_by_tls_and_by_nothing_else() -> anyhow::Result<()> {
    let (secured, _pki) = Secured::start().await?;
    let greeter = secured.greeter(&[]).await?;
    greeter.until(None).await?;
    let id = format!("{:032x}", mesh_runtime::clock::new_uuid().as_u128());
    let traceparent = format!("00-{id}-00000000000000aa-01");
    assert_eq!(greeter.greet("world", Some(&traceparent)).await?, "Hello, world!");
    let sessions = "SELECT count(*), bool_and(ssl), bool_and(client_dn IS NOT NULL) FROM pg_stat_ssl
        JOIN pg_stat_activity USING (pid) WHERE application_name = 'greeter'";
    let sessions = secured.postgres.sql(&[sessions.to_owned()]).await?;
    assert!(sessions.trim().ends_with("|t|t"), "{sessions}");
    eventually(SOON, "the trace", async || {
        path_to(&secured.jaeger.trace(&id).await.ok()??, "INSERT greetings")
    })
    .await
    .with_context(|| greeter.log())?;
    Ok(())
}

#[tokio::test]
async fn an_engine_without_the_right_certificate_is_refused_and_so_is_a_client() -> anyhow::Result<()> {
    let (secured, _pki) = Secured::start().await?;
    let folder = scratch("pki")?;
    let others = Pki::create(folder.path())?.issue("greeter")?;
    let (ca, certificate, key) = (others.ca.display(), others.certificate.display(), others.key.display());
    let database = &secured.database;
    let right_ca = &secured.settings[2].1;
    let cases = [
        (
            vec![(
                "POSTGRES_URL",
                format!("{database}?sslmode=verify-full&sslrootcert={ca}"),
            )],
            "PostgreSQL can't be reached",
            "UnknownIssuer",
        ),
        (
            vec![(
                "POSTGRES_URL",
                format!("{database}?sslmode=verify-full&sslrootcert={right_ca}"),
            )],
            "PostgreSQL can't be reached",
            "client certificate",
        ),
        (
            vec![("POSTGRES_URL", format!("{database}?sslmode=disable"))],
            "PostgreSQL can't be reached",
            "no encryption",
        ),
        (
            vec![("TEMPORAL_TLS_CA", ca.to_string())],
            "Temporal can't be reached",
            "UnknownIssuer",
        ),
        (
            vec![("TEMPORAL_TLS_SERVER_NAME", "temporal.elsewhere".to_owned())],
            "Temporal can't be reached",
            "not valid for name",
        ),
        (
            vec![
                ("TEMPORAL_TLS_CERTIFICATE", String::new()),
                ("TEMPORAL_TLS_KEY", String::new()),
            ],
            "Temporal can't be reached",
            "CertificateRequired",
        ),
        (
            vec![
                ("TEMPORAL_TLS_CERTIFICATE", certificate.to_string()),
                ("TEMPORAL_TLS_KEY", key.to_string()),
            ],
            "Temporal can't be reached",
            "UnknownCA",
        ),
    ];
    for (instead, line, why) in cases {
        let greeter = secured.greeter(&instead).await?;
        let said = async || {
            greeter
                .log()
                .lines()
                .any(|said| said.contains(line) && said.contains(why))
                .then_some(())
        };
        let said = eventually(SOON, line, said).await;
        said.with_context(|| format!("{why}: {}", greeter.log()))?;
    }
    // Traces are lost, and nothing else.
    let greeter = secured.greeter(&[("OTLP_CA", ca.to_string())]).await?;
    greeter.until(None).await?;
    assert_eq!(greeter.greet("world", None).await?, "Hello, world!");
    let lost = async || greeter.log().contains("BatchSpanProcessor.ExportError").then_some(());
    eventually(SOON, "lost traces", lost)
        .await
        .with_context(|| greeter.log())
}

#[tokio::test]
async fn nothing_that_is_meant_for_tls_goes_over_plaintext() -> anyhow::Result<()> {
    let folder = scratch("pki")?;
    let pki = Pki::create(folder.path())?;
    let issued = pki.issue("greeter")?;
    let (ca, certificate) = (
        issued.ca.display().to_string(),
        issued.certificate.display().to_string(),
    );
    let key_file = folder.path().join("api-key");
    std::fs::write(&key_file, "a key with spaces\n")?;
    let key = key_file.display().to_string();
    let plain = ("TEMPORAL_URL", "http://127.0.0.1:1");
    let secure = ("TEMPORAL_URL", "https://127.0.0.1:1");
    let cases = [
        (
            vec![plain, ("TEMPORAL_TLS_CA", &ca)],
            "temporal-url must begin with https://",
        ),
        (
            vec![plain, ("TEMPORAL_TLS_SERVER_NAME", "temporal")],
            "temporal-url must begin with https://",
        ),
        (
            vec![secure, ("TEMPORAL_API_KEY_FILE", &key)],
            "is not one line with an API key",
        ),
        (
            vec![secure, ("TEMPORAL_TLS_CERTIFICATE", &certificate)],
            "belong together",
        ),
        (
            vec![("OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTLP_CA", &ca)],
            "otlp-endpoint must begin with https://",
        ),
    ];
    for (settings, why) in cases {
        let greeter = Greeter::start("check-config", &settings).await?;
        assert_eq!(greeter.exit_code().await?, Some(2), "{}", greeter.log());
        assert!(
            greeter.log().contains(why) && !greeter.log().contains("spaces"),
            "{}",
            greeter.log()
        );
    }
    std::fs::write(&key_file, "a-key\n")?;
    let api_key = ("TEMPORAL_API_KEY_FILE", key.as_str());
    for (url, code) in [(plain, 2), (secure, 0)] {
        let greeter = Greeter::start("check-config", &[url, api_key]).await?;
        assert_eq!(greeter.exit_code().await?, Some(code), "{}", greeter.log());
    }
    Ok(())
}

#[tokio::test]
async fn the_api_key_goes_to_temporal_by_tls_and_into_no_log() -> anyhow::Result<()> {
    let folder = scratch("pki")?;
    let pki = Pki::create(folder.path())?;
    let own = pki.issue("temporal")?;
    // Stands for Temporal: it knows no method, and keeps what it is told.
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = told.clone();
    let hear = move |request: http::Request<axum::body::Body>| {
        let header = request.headers().get(http::header::AUTHORIZATION);
        let header = header.and_then(|value| value.to_str().ok()).unwrap_or("nothing");
        heard.lock().expect("no panic").push(header.to_owned());
        async { Status::unimplemented("unknown method").into_http::<axum::body::Body>() }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let proxy = TlsProxy::before(listener.local_addr()?, &own, ClientProof::NotAsked).await?;
    let mut serving = tokio::task::JoinSet::new();
    let routes = tonic::service::Routes::from(axum::Router::new().fallback(hear));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    serving.spawn(
        tonic::transport::Server::builder()
            .add_routes(routes)
            .serve_with_incoming(incoming),
    );
    let key_file = folder.path().join("api-key");
    std::fs::write(&key_file, "tell-no-one\n")?;
    let (database, url) = (
        Postgres::shared().await?.create_database("greeter_key").await?,
        proxy.url(),
    );
    let greeter = Greeter::start(
        "all",
        &[
            ("POSTGRES_URL", &database),
            ("TEMPORAL_URL", &url),
            ("TEMPORAL_TLS_CA", &own.ca.display().to_string()),
            ("TEMPORAL_API_KEY_FILE", &key_file.display().to_string()),
        ],
    )
    .await?;
    // Once for each of its connections, and then with the question after the namespace.
    let calls = async || (told.lock().expect("no panic").len() >= 3).then_some(());
    eventually(SOON, "calls", calls).await.with_context(|| greeter.log())?;
    let told = told.lock().expect("no panic").clone();
    assert!(told.iter().all(|header| header == "Bearer tell-no-one"), "{told:?}");
    assert!(!greeter.log().contains("tell-no-one"), "{}", greeter.log());
    Ok(())
}

#[tokio::test]
async fn a_process_without_certificates_starts_in_plaintext_on_purpose_only() -> anyhow::Result<()> {
    let away = ("POSTGRES_URL", "postgres://nobody@127.0.0.1:1/nothing");
    let secured = ("INSECURE_PLAINTEXT", "false");
    let everywhere = ("GRPC_LISTEN", "0.0.0.0:0");
    let refused = [
        ("all", secured, "give tls-certificate, tls-key and tls-ca; or"),
        ("check-config", secured, "give tls-certificate, tls-key and tls-ca; or"),
        ("api", everywhere, "grpc-listen is 0.0.0.0:0"),
        (
            "api",
            ("TLS_CERTIFICATE", "there/is/none.pem"),
            "missing: tls-key, tls-ca",
        ),
    ];
    for (subcommand, setting, why) in refused {
        let greeter = Greeter::start(subcommand, &[away, setting]).await?;
        assert_eq!(greeter.exit_code().await?, Some(2), "{}", greeter.log());
        assert!(greeter.log().contains(why), "{}", greeter.log());
    }
    let folder = scratch("pki")?;
    let pki = Pki::create(folder.path())?;
    let proven = |issued: &CertificateFiles| {
        let CertificateFiles { certificate, key, ca } = issued;
        let names = ["TLS_CERTIFICATE", "TLS_KEY", "TLS_CA"];
        let files = [certificate, key, ca].map(|file| file.display().to_string());
        names.into_iter().zip(files).collect::<Vec<_>>()
    };
    let (ours, anothers) = (proven(&pki.issue("greeter")?), proven(&pki.issue("teller")?));
    for (files, code) in [(&ours, 0), (&anothers, 2)] {
        let mut settings = vec![secured];
        settings.extend(files.iter().map(|(name, file)| (*name, file.as_str())));
        let greeter = Greeter::start("check-config", &settings).await?;
        assert_eq!(greeter.exit_code().await?, Some(code), "{}", greeter.log());
    }
    let plain = Greeter::start("all", &[away]).await?;
    let warned = async || plain.log().contains("anybody on this machine may call").then_some(());
    eventually(SOON, "the warning", warned).await?;
    // A worker that calls nobody goes on to PostgreSQL without any.
    let worker = Greeter::start("worker", &[away, secured]).await?;
    worker.until(Some("start")).await
}
