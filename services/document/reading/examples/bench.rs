//! Measures the reader on specimens whose truth is known.
//!
//! `cargo run --release -p document-reading --example bench -- [--seeds N] [--first N] [--model DIR] [--degradations | --all-degradations]
//! [--worse] [--show]`
//!
//! `--worse` blurs every picture once more and adds noise, to see what happens where reading gets hard.
//!
//! For each way of getting worse: zones read exactly, documents whose checks all pass with the holder's own profile, those
//! of them with a wrong field, and the time of a page.

use document_reading::{DocumentReading, MrzFields, PageReading, Profile, Reader, ReaderConfig, check};
use mesh_types::{CheckName, CheckResult, DocumentKind};
use specimen::{Degradation, Passport, Truth, degrade, to_jpeg, to_png};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

struct Options {
    seeds: u64,
    first: u64,
    model: PathBuf,
    degradations: &'static [Degradation],
    worse: bool,
    show: bool,
}

#[derive(Default)]
struct Tally {
    pages: u32,
    exact: u32,
    accepted: u32,
    accepted_wrong: u32,
    not_found: u32,
    all_digits_but_wrong: u32,
    times: Vec<Duration>,
    not_passed: BTreeMap<CheckName, u32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = options()?;
    let reader = Reader::new(ReaderConfig::with_model_dir(&options.model))?;
    println!(
        "{:26} {:>5} {:>6} {:>9} {:>6} {:>8} {:>6} {:>9} {:>9}",
        "", "pages", "exact", "no zone", "wrong*", "accepted", "wrong", "median", "slowest"
    );
    for degradation in options.degradations {
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
    }
    println!("wrong*: every check digit passes, but a field is wrong");
    Ok(())
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
        self.accepted += u32::from(open.is_empty());
        self.accepted_wrong += u32::from(open.is_empty() && !exact);
    }

    fn print(&mut self, name: &str) {
        self.times.sort();
        let median = self.times.get(self.times.len() / 2).copied().unwrap_or_default();
        let slowest = self.times.last().copied().unwrap_or_default();
        println!(
            "{name:26} {:>5} {:>6} {:>9} {:>6} {:>8} {:>6} {:>7}ms {:>7}ms",
            self.pages,
            self.exact,
            self.not_found,
            self.all_digits_but_wrong,
            self.accepted,
            self.accepted_wrong,
            median.as_millis(),
            slowest.as_millis()
        );
        let open: Vec<_> = self
            .not_passed
            .iter()
            .map(|(name, count)| format!("{} {count}", name.as_str()))
            .collect();
        println!("{:26} not passed: {}", "", open.join(", "));
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

fn options() -> Result<Options, Box<dyn std::error::Error>> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let mut options = Options {
        seeds: 50,
        first: 0,
        model,
        degradations: &[Degradation::Clean],
        worse: false,
        show: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--seeds" => options.seeds = value()?.parse()?,
            "--first" => options.first = value()?.parse()?,
            "--model" => options.model = value()?.into(),
            "--degradations" => options.degradations = &Degradation::MEASURED,
            "--all-degradations" => options.degradations = &Degradation::ALL,
            "--worse" => options.worse = true,
            "--show" => options.show = true,
            other => return Err(format!("{other} is no option").into()),
        }
    }
    Ok(options)
}
