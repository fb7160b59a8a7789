//! Measures the reader on specimens whose truth is known: `cargo xtask bench ocr`, `… bench ocr -- --help`.
//!
//! For each way in which the pictures are worn: zones read exactly, what the document service's own policy decides for a
//! member who is the holder, how many of the accepted have a wrong field, and the time of a page. Ends with status 1 when
//! a document with a wrong field is accepted.

use clap::Parser;
use document_reading::{DocumentReading, MrzFields, PageReading, Profile, Reader, ReaderConfig, check};
use document_workflows::policy::decide;
use mesh_types::{CheckName, CheckResult, Decision, DocumentKind};
use specimen::{Degradation, Passport, Truth, degrade, to_jpeg, to_png};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Read drawn specimens and compare with their exact truth.
#[derive(Parser)]
struct Options {
    /// How many specimens are drawn for each row.
    #[arg(long, default_value_t = 50)]
    seeds: u64,
    /// The first specimen's seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The folder that holds ocrb.traineddata.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/model"))]
    model: PathBuf,
    /// Also rotated, blurred and noisy, and of low contrast in perspective.
    #[arg(long)]
    degradations: bool,
    /// Every way in which a specimen can be worn.
    #[arg(long)]
    all_degradations: bool,
    /// Blur every picture once more and add noise, to see what happens where reading gets hard.
    #[arg(long)]
    worse: bool,
    /// Show every zone that was misread and every check that did not pass.
    #[arg(long)]
    show: bool,
}

impl Options {
    fn degradations(&self) -> &'static [Degradation] {
        match (self.all_degradations, self.degradations) {
            (true, _) => &Degradation::ALL,
            (false, true) => &Degradation::MEASURED,
            (false, false) => &[Degradation::Clean],
        }
    }
}

#[derive(Default)]
struct Tally {
    pages: u32,
    exact: u32,
    accepted: u32,
    resubmit: u32,
    rejected: u32,
    accepted_wrong: u32,
    not_found: u32,
    all_digits_but_wrong: u32,
    times: Vec<Duration>,
    not_passed: BTreeMap<CheckName, u32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    let mut accepted_wrong = 0;
    let reader = Reader::new(ReaderConfig::with_model_dir(&options.model))?;
    println!(
        "{:26} {:>5} {:>6} {:>8} {:>8} {:>8} {:>14} {:>8} {:>8}",
        "", "pages", "exact", "accepted", "resubmit", "rejected", "accepted wrong", "median", "slowest"
    );
    for degradation in options.degradations() {
        let mut tally = Tally::default();
        for seed in options.first..options.first + options.seeds {
            let passport = Passport::from_seed(seed);
            let mut picture = degrade(&passport.draw(), *degradation, seed);
            if options.worse {
                picture = degrade(&picture, Degradation::BlurredNoisy, seed + 1);
            }
            let bytes = if *degradation == Degradation::Clean && !options.worse {
                to_png(&picture)
            } else {
                to_jpeg(&picture, 95)
            };
            let begun = Instant::now();
            let page = reader.read_page(&bytes).await?;
            tally.times.push(begun.elapsed());
            tally.count(page, passport.truth(), options.show.then_some(seed));
        }
        tally.print(degradation.name());
        accepted_wrong += tally.accepted_wrong;
    }
    Ok(if accepted_wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Tally {
    fn count(&mut self, page: PageReading, truth: &Truth, shown: Option<u64>) {
        let exact = page.mrz.as_ref().is_some_and(|mrz| is_exact(&mrz.fields, truth));
        let digits_pass = page.mrz.as_ref().is_some_and(|mrz| mrz.check_digits.all_passed());
        if let (Some(seed), false) = (shown, exact) {
            show(seed, &page, truth);
        }
        self.pages += 1;
        self.exact += u32::from(exact);
        self.not_found += u32::from(page.mrz.is_none());
        self.all_digits_but_wrong += u32::from(digits_pass && !exact);
        let profile = Profile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date,
        };
        let document = DocumentReading { pages: vec![page] };
        let checks = check(
            &document,
            &profile,
            DocumentKind::Passport,
            jiff::civil::date(2026, 1, 1),
        );
        let open: Vec<_> = checks
            .iter()
            .filter(|check| check.result != CheckResult::Passed)
            .collect();
        for check in &open {
            *self.not_passed.entry(check.name).or_default() += 1;
        }
        if let (Some(seed), false) = (shown, open.is_empty()) {
            let open: Vec<_> = open
                .iter()
                .map(|check| format!("{}:{}", check.name.as_str(), check.reason))
                .collect();
            println!("  {seed}: {}", open.join(" "));
        }
        match decide(&checks).decision {
            Decision::Accepted => {
                self.accepted += 1;
                self.accepted_wrong += u32::from(!exact);
            }
            Decision::Resubmit => self.resubmit += 1,
            Decision::Rejected => self.rejected += 1,
        }
    }

    fn print(&mut self, name: &str) {
        self.times.sort();
        let median = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        let slowest = self.times.last().copied().unwrap_or_default();
        println!(
            "{name:26} {:>5} {:>6} {:>8} {:>8} {:>8} {:>14} {:>6}ms {:>6}ms",
            self.pages,
            self.exact,
            self.accepted,
            self.resubmit,
            self.rejected,
            self.accepted_wrong,
            median.as_millis(),
            slowest.as_millis()
        );
        let open: Vec<_> = self
            .not_passed
            .iter()
            .map(|(name, count)| format!("{} {count}", name.as_str()))
            .collect();
        println!(
            "{:26} zones not found {}, wrong though every digit passes {}; checks not passed: {}",
            "",
            self.not_found,
            self.all_digits_but_wrong,
            open.join(", ")
        );
    }
}

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

/// Specimens are of nobody, so their zones may be shown.
fn show(seed: u64, page: &PageReading, truth: &Truth) {
    for line in 0..2 {
        let read = page.mrz.as_ref().map_or("", |mrz| mrz.lines[line].as_str());
        println!("  {seed}: truth {}\n  {seed}: read  {read}", truth.mrz[line]);
    }
}
