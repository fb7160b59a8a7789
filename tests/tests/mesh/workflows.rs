//! The workflows on a real Temporal server: the real workflow types, fake activities bound to the same definitions.
//!
//! | module | holds |
//! |---|---|
//! | [`scenarios`] | the rules of a verification |
//! | [`faults`] | what a verification does when something breaks |
//! | [`documents`] | the rules of its method document |
//! | [`communities`] | the rules of its method community |
//! | [`meetings`] | the rules of its method in person, and what all methods cost together |
//! | [`scheduled`] | reminders and reports |
//! | [`decay`] | a member's own clock, and the sweep |
//! | [`replay`] | that what has begun under older code goes on under this one |
//! | [`support`] | the server and the workers |
//! | [`document_run`] | what is done to one document |
//! | [`community_run`] | what is done to one validation |
//! | [`in_person_run`] | what is done to one search for a verifier and its appointments |
//! | [`fakes`] | the activities and the scripts that they follow |
//!
//! The histories under `services/*/workflows/histories/` are the ends of scenarios, as protobuf binaries. They are
//! recorded, never edited. To record what is new after a change of a workflow, name the new files in the scenarios and run
//! `MESH_RECORD_HISTORIES=1 cargo test -p mesh-tests --test mesh workflows`: without the variable nothing is
//! written, and a file that is there already is never overwritten, because it stands for verifications that have begun.

mod communities;
mod community_run;
mod decay;
mod document_run;
mod documents;
mod fakes;
mod faults;
mod in_person_run;
mod meetings;
mod replay;
mod scenarios;
mod scheduled;
mod support;
pub mod time;
