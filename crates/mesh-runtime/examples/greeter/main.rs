//! The smallest whole service: one table, one RPC, one workflow, one activity. The kit's own tests run it as a process.

#![expect(missing_docs, reason = "the SDK's macros make constants that nobody can document")]

mod greeting;

use greeting::{Greet, GreeterServer, Greeting, descriptors};
use mesh_runtime::{Base, Problem, Service, Wiring, from_temporal};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ActivityOptions, WorkflowContext, WorkflowResult};
use tonic::{Request, Status};

const TASK_QUEUE: &str = "greeter";

static MIGRATIONS: Migrator = sqlx::migrate!("examples/greeter/migrations");

fn main() -> ExitCode {
    mesh_runtime::run::<Greeter>()
}

struct Greeter;

#[derive(clap::Args)]
struct Config {
    /// What comes before the name.
    #[arg(long, default_value = "Hello")]
    salutation: String,
}

impl Service for Greeter {
    const NAME: &'static str = "greeter";
    const MIGRATIONS: &'static Migrator = &MIGRATIONS;
    type Config = Config;

    async fn wire(config: Config, base: Base) -> anyhow::Result<Wiring> {
        let activities = Activities {
            pool: base.pool.clone(),
            salutation: config.salutation,
        };
        let api = Api {
            pool: base.pool,
            temporal: base.temporal,
        };
        Ok(Wiring::new(descriptors())
            .grpc(GreeterServer::new(api))
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<GreetingWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}

struct Api {
    pool: PgPool,
    temporal: Client,
}

impl Greet for Api {
    /// Greets by workflow; `stored` counts the greetings instead, without Temporal.
    async fn greet(&self, request: Request<Greeting>) -> Result<Greeting, Status> {
        let name = request.into_inner().text;
        if name == "stored" {
            return Ok(Greeting {
                text: self.count().await?.to_string(),
            });
        }
        let id = format!("greeting-{}", mesh_runtime::clock::new_uuid());
        let options = WorkflowStartOptions::new(TASK_QUEUE, id).build();
        let handle = self
            .temporal
            .start_workflow(GreetingWorkflow::run, name, options)
            .await
            .map_err(from_temporal)?;
        let text = handle
            .get_result(WorkflowGetResultOptions::default())
            .await
            .map_err(from_temporal)?;
        Ok(Greeting { text })
    }
}

impl Api {
    async fn count(&self) -> Result<i64, Problem> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM greetings")
            .fetch_one(&self.pool)
            .await?)
    }
}

/// Greets one name, durably.
#[workflow]
pub struct GreetingWorkflow {
    name: String,
}

#[workflow_methods]
impl GreetingWorkflow {
    #[init]
    fn new(_context: &temporalio_sdk::WorkflowContextView, name: String) -> Self {
        Self { name }
    }

    /// Asks the one activity.
    #[run(name = "GreetingWorkflow")]
    pub async fn run(context: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        let name = context.state(|state| state.name.clone());
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
            .heartbeat_timeout(Duration::from_secs(5))
            .build();
        Ok(context
            .execute_activity(Activities::store_greeting, name, options)
            .await?)
    }
}

/// Everything with an effect.
pub struct Activities {
    pool: PgPool,
    salutation: String,
}

#[activities]
impl Activities {
    /// Stores the greeting. The name `slowly` waits to be cancelled on its first attempt, `badly` is refused.
    #[activity(name = "store_greeting")]
    pub async fn store_greeting(
        self: Arc<Self>,
        context: ActivityContext,
        name: String,
    ) -> Result<String, ActivityError> {
        if name == "badly" {
            Err(Problem::invalid_field("name", "must be kind"))?;
        }
        if name == "slowly" && context.info().attempt == 1 {
            context.record_heartbeat(1u32).await?;
            tracing::info!("waiting to be cancelled");
            context.cancelled().await;
            return Err(ActivityError::cancelled());
        }
        let text = format!("{}, {name}!", self.salutation);
        self.insert_greeting(&text).await?;
        Ok(text)
    }

    #[tracing::instrument(name = "INSERT greetings", skip_all, fields(
        otel.kind = "client", db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "greetings",
    ))]
    async fn insert_greeting(&self, text: &str) -> Result<(), Problem> {
        sqlx::query("INSERT INTO greetings (text) VALUES ($1)")
            .bind(text)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
