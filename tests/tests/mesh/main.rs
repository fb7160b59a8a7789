//! Scenarios over the whole mesh as real processes, and its workflows on a real Temporal server.
//!
//! Run by `cargo xtask test`, which builds the services and starts the engines once; `cargo test -p mesh-tests` starts the
//! engines by itself and wants the services built (`cargo build --workspace --bins`).

mod access;
mod appointments;
mod budget;
mod community;
mod crashes;
mod document;
mod exchange;
mod faults;
mod field_rules;
mod idempotency;
mod outages;
mod races;
mod raw;
mod refusals;
mod repeats;
mod reports;
mod reputation;
mod revocations;
mod skew;
mod story;
mod support;
mod trace;
mod validations;
mod verifiers;
mod workflows;
