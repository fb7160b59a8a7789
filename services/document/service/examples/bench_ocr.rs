//! Measures what the whole way from picture to ruling makes of specimens whose truth is known.
//!
//! `cargo run --release -p document-service --example bench_ocr -- [--seeds N] [--first N] [--concurrency N]`
//!
//! For each way of getting worse: zones read exactly, rulings with the holder's own profile, how many were accepted with
//! any wrong field (must be 0, else it ends with 1), and pages per second with so many at once.

use clap::Parser;
use document_reading::{DocumentReading, MrzFields, PageReading, Profile, Reader, ReaderConfig, check};
use document_service::config::default_model_dir;
use document_workflows::policy::decide;
use futures::{StreamExt, TryStreamExt, stream};
use mesh_types::{Decision, DocumentKind};
use specimen::{Degradation, Passport, Truth, degrade, to_jpeg, to_png};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Parser)]
struct Options {
    /// Specimens for each way of getting worse.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Pages read at once; by default one for each core.
    #[arg(long)]
    concurrency: Option<NonZeroUsize>,
}

#[derive(Default)]
struct Tally {
    pages: u32,
    exact: u32,
    accepted: u32,
    resubmit: u32,
    rejected: u32,
    accepted_wrong: u32,
    elapsed: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let at_once = options.concurrency.unwrap_or_else(cores).get();
    let reader = Reader::new(ReaderConfig::with_model_dir(default_model_dir()))?;
    println!("{at_once} pages at once");
    println!(
        "{:26} pages  exact  accepted  resubmit  rejected  accepted wrong  pages/s",
        ""
    );
    let mut total = Tally::default();
    for degradation in Degradation::MEASURED {
        let tally = measure(&reader, degradation, &options, at_once).await?;
        tally.print(degradation.name());
        total = total.plus(&tally);
    }
    total.print("all");
    Ok(if total.accepted_wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn measure(
    reader: &Reader,
    degradation: Degradation,
    options: &Options,
    at_once: usize,
) -> anyhow::Result<Tally> {
    // Drawn first, so that only reading is timed.
    let specimens: Vec<(Passport, Vec<u8>)> = (options.first..options.first + options.seeds)
        .map(|seed| {
            let passport = Passport::from_seed(seed);
            let picture = degrade(&passport.draw(), degradation, seed);
            let bytes = if degradation == Degradation::Clean {
                to_png(&picture)
            } else {
                to_jpeg(&picture, 95)
            };
            (passport, bytes)
        })
        .collect();
    let begun = Instant::now();
    let readings: Vec<PageReading> = stream::iter(specimens.iter().map(|(_, picture)| reader.read_page(picture)))
        .buffered(at_once)
        .try_collect()
        .await?;
    let mut tally = Tally {
        elapsed: begun.elapsed(),
        ..Tally::default()
    };
    for ((passport, _), reading) in specimens.iter().zip(readings) {
        tally.count(reading, passport.truth());
    }
    Ok(tally)
}

impl Tally {
    fn count(&mut self, page: PageReading, truth: &Truth) {
        let profile = Profile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date,
        };
        let exact = page.mrz.as_ref().is_some_and(|mrz| is_exact(&mrz.fields, truth));
        let document = DocumentReading { pages: vec![page] };
        // The day that specimens are valid on.
        let checks = check(
            &document,
            &profile,
            DocumentKind::Passport,
            jiff::civil::date(2026, 1, 1),
        );
        self.pages += 1;
        self.exact += u32::from(exact);
        match decide(&checks).decision {
            Decision::Accepted => {
                self.accepted += 1;
                self.accepted_wrong += u32::from(!exact);
            }
            Decision::Resubmit => self.resubmit += 1,
            Decision::Rejected => self.rejected += 1,
        }
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            pages: self.pages + other.pages,
            exact: self.exact + other.exact,
            accepted: self.accepted + other.accepted,
            resubmit: self.resubmit + other.resubmit,
            rejected: self.rejected + other.rejected,
            accepted_wrong: self.accepted_wrong + other.accepted_wrong,
            elapsed: self.elapsed + other.elapsed,
        }
    }

    fn print(&self, name: &str) {
        let speed = f64::from(self.pages) / self.elapsed.as_secs_f64();
        println!(
            "{name:26} {:>5}  {:>5}  {:>8}  {:>8}  {:>8}  {:>14}  {speed:>7.2}",
            self.pages, self.exact, self.accepted, self.resubmit, self.rejected, self.accepted_wrong
        );
    }
}

/// Whether every field of the zone is what stands on the specimen.
fn is_exact(fields: &MrzFields, truth: &Truth) -> bool {
    let sex = match fields.sex {
        document_reading::Sex::Female => specimen::Sex::Female,
        document_reading::Sex::Male => specimen::Sex::Male,
        document_reading::Sex::Unspecified => specimen::Sex::Unspecified,
    };
    fields.document_code == truth.document_code
        && fields.issuing_state == truth.issuing_state
        && fields.document_number == truth.document_number
        && fields.surname == truth.zone_surname
        && fields.given_names == truth.zone_given_names
        && fields.nationality == truth.nationality
        && fields.birth_date == Some(truth.birth_date)
        && sex == truth.sex
        && fields.expiry_date == Some(truth.expiry_date)
        && fields.optional_data == truth.optional_data
}
