//! Verifications from end to end, before the newcomer's eyes.

mod calls;
mod conversation;
mod material;
mod meetings;
mod member;
mod neighbours;
mod verifiers;
mod watching;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use mesh_testkit::Addresses;

use crate::{credentials::Published, stack};
use neighbours::TRUST_SEED;

/// In a demo nobody waits. A meeting can be at once, which elsewhere is booked two hours ahead.
const WITHOUT_WAITING: [stack::Setting; 4] = [
    ("in-person", "NOTICE_MINUTES", "0"),
    // The next appointment begins in this time at the latest.
    ("in-person", "APPOINTMENT_MINUTES", "5"),
    // More than that, so the check-in is open when it is booked.
    ("in-person", "CHECK_IN_MINUTES", "15"),
    ("orchestrator", "WATCH_INTERVAL_MS", "100"),
];

/// See it work: install what is missing, build, start the mesh, verify three members, stop.
///
/// Without options a specimen passport is drawn and its invented holder is the member. The first run takes minutes
/// (compiling); later ones take seconds. Everything runs on this machine, on free ports, in a temporary folder that is
/// removed at the end.
///
/// The first verification is by document and community, with a target of 50 points. When the document has been looked at,
/// three invented neighbours vouch, whatever came of it: a member without papers can reach a level by the community. Another
/// document or a person is not waited for, because the demo is neither; with --keep the verification goes on waiting, and
/// nobody vouches before.
///
/// When the document is accepted, two more members follow, with a target of 75 points, gold. Of three invented verifiers the
/// nearest is booked and meets the member, and the neighbours vouch: once beside a passport, which the verifier sees as well,
/// and once without any document.
///
/// The exit status is 0 when the document is accepted and those two reach gold, and 1 otherwise.
///
/// Try:
///   cargo xtask demo --expired                the document is refused, and why; the neighbours vouch
///   cargo xtask demo --name "Somebody Else"   the document is another person's
///   cargo xtask demo --kind licence           a driver licence, front and back; also td1 and td2, identity cards
///   cargo xtask demo --seed 7 --keep          another holder; the mesh stays up until Ctrl-C
///   cargo xtask demo --traces                 the verification's trace in Jaeger, which is built the first time
///   cargo xtask demo --document id.png --name "Anna Maria Muster" --birth-date 1990-04-01
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Your own picture of a document (PNG, JPEG, TIFF, WebP or PDF) instead of a drawn one; it stays on this machine.
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,
    /// Which kind of document it is.
    #[arg(long, value_enum, default_value_t = Kind::Passport)]
    pub kind: Kind,
    /// The member's name, family name last; the drawn holder's unless said otherwise.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The member's date of birth; the drawn holder's unless said otherwise.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub birth_date: Option<String>,
    /// Draw a specimen that has expired.
    #[arg(long, conflicts_with = "document")]
    pub expired: bool,
    /// Which specimen to draw: the same number gives the same document.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Leave the mesh up afterwards, until Ctrl-C.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub traces: stack::Traces,
}

/// The kinds of documents that can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A passport's photo page.
    Passport,
    /// A national identity card of the size of a bank card, front and back.
    Td1,
    /// A larger national identity card, one side.
    Td2,
    /// A driver licence, front and back, with a barcode.
    Licence,
}

/// # Errors
/// When something cannot be installed, built or started, or the verification cannot be carried through.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let setup = stack::Setup {
        addresses: Addresses::Free,
        trust_seed: Some(TRUST_SEED),
    };
    stack::with_settings(root, &arguments.traces, setup, &WITHOUT_WAITING, async |mesh| {
        let accepted = conversation::run(mesh, arguments).await?;
        // Whoever shows a document that is refused came to see why.
        if accepted {
            meetings::run(mesh, arguments.seed).await?;
        }
        stack::print_pages(mesh);
        if arguments.keep {
            let _published = Published::of(mesh)?;
            println!("\nthe mesh stays up; Ctrl-C stops it");
            return stack::until_a_service_ends(mesh).await;
        }
        Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
