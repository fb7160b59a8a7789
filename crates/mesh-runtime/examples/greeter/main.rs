//! The smallest whole service, and the model of a new one: copy this folder and replace the greetings.
//!
//! | file | holds |
//! |---|---|
//! | `main.rs` | the parts, without logic |
//! | `api/` | the edge: parse, call, render; no SQL, no rule |
//! | `keep_greeting.rs` | a use case: one file for each RPC that changes something; those that do the same share one |
//! | `temporal.rs` | the calls of this service to its workflows |
//! | `workflows.rs`, `timeouts.rs` | what is durable, and how long each step may take; a crate of its own in a real service |
//! | `activities.rs` | everything with an effect |
//! | `store/` | all SQL, a file for each table |
//! | `greeting.rs` | what would be generated from `proto/` |
//!
//! The kit's own tests run it as a process.

mod activities;
mod api;
mod greeting;
mod keep_greeting;
mod store;
mod temporal;
mod timeouts;
mod workflows;

use activities::Activities;
use api::Api;
use greeting::{GreeterServer, descriptors};
use mesh_runtime::{Service, ServiceContext, ServiceParts};
use sqlx::migrate::Migrator;
use std::process::ExitCode;
use store::Store;
use temporal::Workflows;
use workflows::{GreetingWorkflow, TASK_QUEUE};

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

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let store = Store::new(context.pool);
        let activities = Activities::new(store.clone(), config.salutation);
        let api = Api::new(store, context.idempotency, Workflows::new(context.temporal));
        Ok(ServiceParts::new(descriptors())
            .grpc(GreeterServer::new(api))
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<GreetingWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}
