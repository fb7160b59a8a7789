//! The body of the in-person service: it keeps those who meet members in person, finds them, and keeps the appointments that
//! verifications book with them.
//!
//! When a verifier is free is worked out by `in_person_availability`, and how far away one is by PostGIS. Start with [`InPersonApi`]
//! for the RPCs and [`Activities`] for what the workflow asks for. What an appointment may become is in [`Appointment`], as plain
//! functions. [`Store`] is all the SQL there is. Each RPC that changes something, and `search_verifiers`, has a file of its own.
//!
//! Invariants:
//! - of where a verifier or a member is, nothing more exact than a thousandth of a degree is kept, and where they meet is encrypted;
//! - until when and for what a verifier is certified is said by the platform's staff alone;
//! - a search looks at verifiers in the order of its answer, so a page is never out of order with the next one;
//! - a verifier's appointments are changed one after the other, and no two that are open overlap;
//! - a change of an appointment, its history, what both are told and that the workflow has to hear of it are one transaction.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod api;
mod appointment;
#[cfg(test)]
mod appointments_tests;
mod book;
mod cancel_appointment;
mod change_appointment;
mod check_in;
mod check_in_code;
mod complete_appointment;
mod config;
mod connections;
mod create_meeting_preference;
mod diary;
mod find_verifiers;
mod free_slots;
mod invitation;
mod location;
mod notify;
mod register_verifier;
mod report_no_show;
mod reschedule_appointment;
mod search_verifiers;
mod store;
mod temporal;
#[cfg(test)]
mod testing;
mod update_verifier;

pub use activities::Activities;
pub use api::InPersonApi;
pub use appointment::{Appointment, Completion, State, Terms};
use book::Bookings;
pub use change_appointment::Appointments;
pub use config::Config;
pub use connections::Connections;
pub use location::{Location, LocationError};
pub use store::{Found, Key, Near, Store};
pub use temporal::Workflows;

use in_person_workflows::InPersonVerificationWorkflow;
use in_person_workflows::contract::TASK_QUEUE;
use jiff::SignedDuration;
use mesh_keyring::Keyring;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::in_person::v1::in_person_service_server::InPersonServiceServer;
use mesh_runtime::{BATCH, ServiceContext, ServiceParts, clock};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
/// How often workflows are told of changes that they did not hear of.
const TELLING_INTERVAL: Duration = Duration::from_secs(5);
/// A change that is younger than this is still being told of by the RPC that made it.
const TELLING_DELAY: SignedDuration = SignedDuration::from_secs(10);
/// How long a meeting preference is kept: a verification that begins in the first 30 days has it for all its 7 days, and an outage of 7.
const PREFERENCES: SignedDuration = SignedDuration::from_hours(45 * 24);
/// How long it stays known where people met, and what they were told of it.
const PLACES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long an appointment is left to its workflow after it had to have ended.
const LEFT_BEHIND: SignedDuration = SignedDuration::from_hours(24);

/// The tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
#[derive(Debug)]
pub struct InPerson;

impl mesh_runtime::Service for InPerson {
    const NAME: &'static str = "in-person";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7404";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9404";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let store = Store::new(context.pool.clone());
        let used = store.list_used_keys().await?;
        let keyring = Keyring::open(config.keyring.as_deref(), Some(config::DEFAULT_KEYRING.into()), &used)?;
        let communities = CommunityServiceClient::new(context.channel(&config.community_url, "community")?);
        let connections = Connections::new(communities);
        let activities = Activities::new(store.clone(), connections, keyring.clone(), config.terms());
        let appointments = Appointments {
            store: store.clone(),
            idempotency: context.idempotency.clone(),
            keyring,
            workflows: Workflows::new(context.temporal.clone()),
            terms: config.terms(),
        };
        let bookings = Bookings::new(store.clone(), appointments.keyring.clone(), config.terms());
        let (told, cleaned) = (appointments.clone(), store);
        let api = InPersonApi::new(appointments);
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(InPersonServiceServer::new(api).max_decoding_message_size(context.max_message_bytes))
            .every(TELLING_INTERVAL, "telling workflows of appointments", move || {
                let appointments = told.clone();
                async move { appointments.tell_of_all(clock::now() - TELLING_DELAY, BATCH).await }
            })
            .every(HOUR, "forgetting, and ending what was left behind", move || {
                let (store, bookings) = (cleaned.clone(), bookings.clone());
                async move {
                    let now = clock::now();
                    // What is personal goes whatever becomes of the rest.
                    store.forget_meeting_preferences(now - PREFERENCES, BATCH).await?;
                    store.forget_places(now - PLACES, BATCH).await?;
                    bookings.end_left_behind(now - LEFT_BEHIND, BATCH, now).await
                }
            })
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<InPersonVerificationWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}
