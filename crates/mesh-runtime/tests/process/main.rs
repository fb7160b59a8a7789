//! The greeter as a real process, with a real PostgreSQL, Temporal and Jaeger.

#[expect(dead_code, reason = "a client needs only the message and the path")]
#[path = "../../examples/greeter/greeting.rs"]
mod greeting;
mod secured;

use anyhow::{Context, ensure};
use greeting::{
    GREET, Greeting, KEEP_GREETING, KeepGreetingRequest, LIST_GREETINGS, ListGreetingsRequest, ListGreetingsResponse,
    StoredGreeting,
};
use mesh_testkit::{CertificateFiles, Jaeger, Pki, Postgres, Process, Temporal, eventually, http_get, ports, scratch};
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

const SOON: Duration = Duration::from_secs(20);

/// The example's binary, which `cargo test` builds beside the tests.
fn program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let profile = test.ancestors().nth(2).context("a test stands in <profile>/deps")?;
    let program = profile.join("examples/greeter");
    ensure!(
        program.is_file(),
        "build it first: cargo build -p mesh-runtime --example greeter"
    );
    Ok(program)
}

/// One greeter process and where it listens.
struct Greeter {
    process: Process,
    folder: TempDir,
    grpc: u16,
    health: u16,
}

impl Greeter {
    async fn start(subcommand: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (folder, grpc, health) = (scratch("greeter")?, ports::reserve()?, ports::reserve()?);
        let mut command = Command::new(program()?);
        command.arg(subcommand);
        command.env("GREETER_GRPC_LISTEN", format!("127.0.0.1:{grpc}"));
        command.env("GREETER_HEALTH_LISTEN", format!("127.0.0.1:{health}"));
        command.env("GREETER_LOG_FORMAT", "json");
        command.env("GREETER_INSECURE_PLAINTEXT", "true");
        for (name, value) in settings {
            command.env(format!("GREETER_{name}"), value);
        }
        let process = Process::start(command, &folder.path().join("log"), Signal::KILL).await?;
        Ok(Self {
            process,
            folder,
            grpc,
            health,
        })
    }

    async fn page(&self, path: &str) -> Option<(u16, String)> {
        let (status, body) = http_get(&format!("http://127.0.0.1:{}{path}", self.health))
            .await
            .ok()?;
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Waits until it is ready, or, with the name of a part, until it is not ready because of that part.
    async fn until(&self, reason: Option<&str>) -> anyhow::Result<()> {
        let what = format!("readiness with {reason:?}");
        eventually(SOON, &what, async || {
            let (status, body) = self.page("/readyz").await?;
            match reason {
                None => (status == 200).then_some(()),
                Some(part) => {
                    let page: Value = serde_json::from_str(&body).ok()?;
                    (status == 503 && page["reasons"].get(part).is_some()).then_some(())
                }
            }
        })
        .await
        .with_context(|| self.process.log_tail())
    }

    /// Waits until it is ready, but says that some RPCs have to do without a part.
    async fn until_degraded(&self, part: &str) -> anyhow::Result<()> {
        eventually(SOON, "a part to be missing", async || {
            let (status, body) = self.page("/readyz").await?;
            let page: Value = serde_json::from_str(&body).ok()?;
            (status == 200 && page["degraded"].get(part).is_some()).then_some(())
        })
        .await
        .with_context(|| self.process.log_tail())
    }

    async fn is_alive(&self) -> bool {
        matches!(self.page("/livez").await, Some((200, _)))
    }

    /// Greets as the service `test`.
    async fn greet(&self, text: &str, traceparent: Option<&str>) -> Result<String, Status> {
        let mut request = Request::new(Greeting { text: text.to_owned() });
        if let Some(value) = traceparent {
            request
                .metadata_mut()
                .insert("traceparent", value.parse().expect("ASCII"));
        }
        let answer: Greeting = self.call(GREET, request).await?;
        Ok(answer.text)
    }

    async fn call<Q, A>(&self, path: &'static str, request: Request<Q>) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.call_as("test", path, request).await
    }

    async fn call_as<Q, A>(&self, service: &str, path: &'static str, mut request: Request<Q>) -> Result<A, Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let service = service.parse().expect("ASCII");
        request.metadata_mut().insert("x-voluntier-caller", service);
        let channel = tonic::transport::Endpoint::from_shared(format!("http://127.0.0.1:{}", self.grpc))
            .map(|endpoint| endpoint.connect_lazy())
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let mut client = tonic::client::Grpc::new(channel);
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))?;
        let path = http::uri::PathAndQuery::from_static(path);
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        Ok(client.unary(request, path, codec).await?.into_inner())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn exit_code(&self) -> anyhow::Result<Option<i32>> {
        Ok(self.process.wait(SOON).await?.code())
    }
}

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn bad_configuration_ends_with_2_and_names_the_nearest_key() -> anyhow::Result<()> {
    let greeter = Greeter::start("all", &[("POSTGRE_URL", "postgres://localhost/x")]).await?;
    assert_eq!(greeter.exit_code().await?, Some(2));
    assert!(
        greeter.log().contains("did you mean GREETER_POSTGRES_URL?"),
        "{}",
        greeter.log()
    );
    let greeter = Greeter::start("check-config", &[]).await?;
    assert_eq!(greeter.exit_code().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn the_health_page_is_there_before_anything_is_reached_and_a_signal_ends_the_wait() -> anyhow::Result<()> {
    let greeter = Greeter::start("all", &[("POSTGRES_URL", "postgres://nobody@127.0.0.1:1/nothing")]).await?;
    greeter.until(Some("start")).await?;
    assert!(greeter.is_alive().await);
    eventually(SOON, "a line that says what to do", async || {
        greeter
            .log()
            .contains("is PostgreSQL running at 127.0.0.1:1")
            .then_some(())
    })
    .await?;
    greeter.process.signal(Signal::TERM);
    assert_eq!(greeter.exit_code().await?, Some(0), "{}", greeter.log());
    Ok(())
}

#[tokio::test]
async fn a_service_that_must_not_migrate_refuses_pending_migrations() -> anyhow::Result<()> {
    let postgres = Postgres::shared().await?;
    let url = postgres.create_database("greeter_pending").await?;
    let settings = [("POSTGRES_URL", url.as_str()), ("MIGRATE", "false")];
    let greeter = Greeter::start("all", &settings).await?;
    assert_eq!(greeter.exit_code().await?, Some(1));
    assert!(
        greeter
            .log()
            .contains("2 pending migration(s): 1 idempotency, 1 greetings"),
        "{}",
        greeter.log()
    );
    let greeter = Greeter::start("migrate", &settings).await?;
    assert_eq!(greeter.exit_code().await?, Some(0), "{}", greeter.log());
    // Now it gets past the schema, to Temporal, which is not there.
    let settings = [settings[0], settings[1], ("TEMPORAL_URL", "http://127.0.0.1:1")];
    let greeter = Greeter::start("all", &settings).await?;
    eventually(SOON, "the try to reach Temporal", async || {
        greeter.log().contains("Temporal can't be reached").then_some(())
    })
    .await
    .with_context(|| greeter.log())
}

#[tokio::test]
async fn an_older_version_starts_on_the_schema_of_a_newer_one() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::shared().await?, Temporal::start().await?);
    let url = postgres.create_database("greeter_older").await?;
    let settings = [("POSTGRES_URL", url.as_str()), ("TEMPORAL_URL", temporal.url())];
    let greeter = Greeter::start("migrate", &settings).await?;
    assert_eq!(greeter.exit_code().await?, Some(0), "{}", greeter.log());
    // What a newer version leaves: a migration that this one does not know, of the service and of the kit.
    let newer = ["_sqlx_migrations", "_mesh_migrations"].map(|table| {
        format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (9999, 'newer', true, '', 1)"
        )
    });
    postgres.sql_at(&url, &newer).await?;
    for migrate in ["true", "false"] {
        let settings = [settings[0], settings[1], ("MIGRATE", migrate)];
        let greeter = Greeter::start("all", &settings).await?;
        greeter.until(None).await?;
        assert_eq!(greeter.greet("world", None).await?, "Hello, world!");
    }
    Ok(())
}

#[tokio::test]
async fn readiness_follows_postgres_and_of_a_worker_temporal_and_liveness_follows_neither() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::start().await?, Temporal::start().await?);
    let url = postgres.create_database("greeter_flips").await?;
    let greeter = Greeter::start("all", &[("POSTGRES_URL", &url), ("TEMPORAL_URL", temporal.url())]).await?;
    greeter.until(None).await?;
    assert_eq!(greeter.greet("world", None).await?, "Hello, world!");

    postgres.kill().await?;
    greeter.until(Some("postgres")).await?;
    let status = greeter.greet("stored", None).await.expect_err("the database is away");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "DATABASE_UNAVAILABLE")
    );
    assert!(greeter.is_alive().await);
    postgres.restart().await?;
    greeter.until(None).await?;
    assert_eq!(greeter.greet("stored", None).await?, "1");

    let worker = Greeter::start("worker", &[("POSTGRES_URL", &url), ("TEMPORAL_URL", temporal.url())]).await?;
    worker.until(None).await?;
    temporal.kill().await?;
    worker.until(Some("temporal")).await?;
    greeter.until_degraded("temporal").await?;
    assert_eq!(
        greeter.greet("stored", None).await?,
        "1",
        "what needs no workflow goes on"
    );
    let asked = Instant::now();
    let status = greeter.greet("world", None).await.expect_err("Temporal is away");
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "TEMPORAL_UNAVAILABLE")
    );
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    assert!(greeter.is_alive().await);
    temporal.restart().await?;
    greeter.until(None).await?;
    assert_eq!(greeter.greet("again", None).await?, "Hello, again!");
    Ok(())
}

#[tokio::test]
async fn a_repeated_request_does_nothing_twice_and_a_list_comes_in_pages() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::shared().await?, Temporal::start().await?);
    let url = postgres.create_database("greeter_requests").await?;
    let settings = [("POSTGRES_URL", url.as_str()), ("TEMPORAL_URL", temporal.url())];
    let greeter = Greeter::start("api", &settings).await?;
    greeter.until(None).await?;
    let keep = async |request_id: String, text: &str| -> Result<StoredGreeting, Status> {
        let text = text.to_owned();
        let request = Request::new(KeepGreetingRequest { request_id, text });
        greeter.call(KEEP_GREETING, request).await
    };
    let new_id = || mesh_runtime::clock::new_uuid().to_string();
    let mut kept = Vec::new();
    for text in ["one", "two", "three"] {
        let id = new_id();
        kept.insert(0, keep(id.clone(), text).await?);
        assert_eq!(keep(id.clone(), text).await?, kept[0]);
        let reused = keep(id, "other").await.expect_err("other content");
        assert_eq!(
            (reused.code(), reason(&reused).as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
    }
    let request_id = new_id();
    keep(request_id.clone(), "four").await?;
    kept.insert(0, keep(request_id.clone(), "four").await?);
    let request = Request::new(KeepGreetingRequest {
        request_id,
        text: "four".to_owned(),
    });
    let anothers: Result<StoredGreeting, _> = greeter.call_as("greeter", KEEP_GREETING, request).await;
    let anothers = anothers.expect_err("the answer is the first caller's");
    assert_eq!(
        (anothers.code(), reason(&anothers).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    let wrong = keep("no id".to_owned(), "").await.expect_err("two fields are wrong");
    let details = wrong.get_error_details();
    let violations = details.bad_request().map(|request| &request.field_violations);
    let paths: Vec<_> = violations.into_iter().flatten().map(|v| v.field.as_str()).collect();
    // Parsing stops at the first field. Field rules of a contract name all of them; the example has none.
    assert_eq!(paths, ["request_id"]);

    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = Request::new(ListGreetingsRequest {
            page_size: 2,
            page_token,
        });
        let page: ListGreetingsResponse = greeter.call(LIST_GREETINGS, request).await?;
        assert!(page.greetings.len() <= 2);
        listed.extend(page.greetings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, kept);
    Ok(())
}

#[tokio::test]
async fn a_drain_hands_running_activities_back_and_ends_with_0() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::shared().await?, Temporal::start().await?);
    let url = postgres.create_database("greeter_drain").await?;
    let settings = [("POSTGRES_URL", url.as_str()), ("TEMPORAL_URL", temporal.url())];
    let first = Greeter::start("worker", &settings).await?;
    first.until(None).await?;
    let api = Greeter::start("api", &settings).await?;
    api.until(None).await?;
    let call = api.greet("slowly", None);
    let drain = async {
        eventually(SOON, "the activity to run", async || {
            first.log().contains("waiting to be cancelled").then_some(())
        })
        .await?;
        let told = Instant::now();
        first.process.signal(Signal::TERM);
        ensure!(first.exit_code().await? == Some(0), "{}", first.log());
        ensure!(
            told.elapsed() < Duration::from_secs(5),
            "the drain took {:?}",
            told.elapsed()
        );
        let second = Greeter::start("worker", &settings).await?;
        second.until(None).await?;
        anyhow::Ok(second)
    };
    let (answer, second) = tokio::join!(call, drain);
    let second = second?;
    // Its heartbeat timeout is 5 s: an activity that was only lost would come back later than one that was handed back.
    assert_eq!(answer.with_context(|| second.log())?, "Hello, slowly!");
    let status = api.greet("badly", None).await.expect_err("it is refused");
    assert_eq!(status.code(), Code::Internal);
    Ok(())
}

#[tokio::test]
async fn a_second_signal_aborts_at_once() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::shared().await?, Temporal::start().await?);
    let url = postgres.create_database("greeter_abort").await?;
    let grace = ("GRACEFUL_ACTIVITY_SHUTDOWN", "1h");
    let settings = [
        ("POSTGRES_URL", url.as_str()),
        ("TEMPORAL_URL", temporal.url()),
        grace,
        ("DRAIN_TIMEOUT", "1h"),
    ];
    let greeter = Greeter::start("all", &settings).await?;
    greeter.until(None).await?;
    let hang = greeter.greet("slowly", None);
    let abort = async {
        eventually(SOON, "the activity to run", async || {
            greeter.log().contains("waiting to be cancelled").then_some(())
        })
        .await?;
        greeter.process.signal(Signal::TERM);
        greeter.until(Some("drain")).await?;
        greeter.process.signal(Signal::TERM);
        greeter.exit_code().await
    };
    let (answer, code) = tokio::join!(hang, abort);
    assert_eq!(code?, Some(143));
    assert!(answer.is_err());
    Ok(())
}

#[tokio::test]
async fn one_trace_runs_from_the_callers_span_to_the_statement_in_the_activity() -> anyhow::Result<()> {
    let (postgres, temporal) = (Postgres::shared().await?, Temporal::start().await?);
    let jaeger = Jaeger::shared().await?;
    let url = postgres.create_database("greeter_trace").await?;
    let settings = [
        ("POSTGRES_URL", url.as_str()),
        ("TEMPORAL_URL", temporal.url()),
        ("OTLP_ENDPOINT", jaeger.otlp_endpoint()),
    ];
    let greeter = Greeter::start("all", &settings).await?;
    greeter.until(None).await?;
    let id = format!("{:032x}", mesh_runtime::clock::new_uuid().as_u128());
    greeter
        .greet("trace", Some(&format!("00-{id}-00000000000000aa-01")))
        .await?;
    let (_, metrics) = greeter.page("/metrics").await.context("the metrics page")?;
    for name in [
        "rpc_server_call_duration_seconds_count",
        "temporal_request_latency",
        "temporal_activity_",
    ] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
    greeter.process.signal(Signal::TERM);
    assert_eq!(greeter.exit_code().await?, Some(0), "{}", greeter.log());

    let path = eventually(SOON, "the whole trace", async || {
        path_to(&jaeger.trace(&id).await.ok()??, "INSERT greetings")
    })
    .await
    .with_context(|| greeter.log())?;
    assert_eq!(
        path,
        [
            GREET.trim_start_matches('/'),
            "StartWorkflow:GreetingWorkflow",
            "RunWorkflow:GreetingWorkflow",
            "StartActivity:store_greeting",
            "RunActivity:store_greeting",
            "INSERT greetings",
        ]
    );
    Ok(())
}

/// The names of the spans from the top of the trace down to `leaf`, once all of them are there.
fn path_to(trace: &Value, leaf: &str) -> Option<Vec<String>> {
    let spans = trace["spans"].as_array()?;
    let mut span = spans.iter().find(|span| span["operationName"] == leaf)?;
    let mut names = vec![leaf.to_owned()];
    loop {
        let parent = span["references"].as_array()?.first()?["spanID"].as_str()?.to_owned();
        if parent == "00000000000000aa" {
            names.reverse();
            return Some(names);
        }
        span = spans.iter().find(|span| span["spanID"] == parent.as_str())?;
        names.push(span["operationName"].as_str()?.to_owned());
    }
}
