//! Measures the reader on specimens whose truth is known: `cargo xtask bench ocr`, `… bench ocr -- --help`.
//!
//! For each way in which the pictures are degraded and each kind of document: how many were read exactly, what the document
//! service's own policy decides for a member who is the holder, how many of the accepted have a wrong field, and the time
//! of a page. At the end the share that was decided without a person, and pages a second against plain tesseract on the
//! same pictures. Ends with status 1 when a document with a wrong field is accepted, when fewer than 95 % of the clean or
//! 80 % of all are decided without a person, or when fewer than 0.9 times as many pages a second are read; a look at a few
//! documents only (`--seeds`, `--kinds`) is held to the first of these alone.

mod judge;
mod plain;
mod tally;

use clap::Parser;
use document_reading::{DocumentReading, Reader, ReaderConfig};
use indicatif::{ProgressBar, ProgressStyle};
use judge::{Judged, judge};
use specimen::{Degradation, Document, DocumentKind, DocumentOptions, degrade, to_jpeg, to_png};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};
use tally::Tally;

/// Read drawn specimens and compare with their exact truth.
#[derive(Parser)]
struct Options {
    /// How many specimens are drawn for each kind and degradation; every tenth is expired.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first specimen's seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The folder that holds ocrb.traineddata.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/model"))]
    model: PathBuf,
    /// Kinds to measure: passport, td1, td2, licence.
    #[arg(long, value_delimiter = ',', value_parser = kind, default_value = "passport,td1,td2,licence")]
    kinds: Vec<DocumentKind>,
    /// Degradations to measure, `all` for every one that there is; by default five of them, one of which is `clean`.
    #[arg(long, value_delimiter = ',')]
    degradations: Vec<String>,
    /// Leave out the comparison with plain tesseract.
    #[arg(long)]
    no_plain: bool,
    /// Show every document that was misread or not accepted, and why.
    #[arg(long)]
    show: bool,
    /// Show the printed words of those as well.
    #[arg(long)]
    words: bool,
}

fn kind(name: &str) -> Result<DocumentKind, String> {
    let kinds = DocumentKind::ALL.into_iter();
    kinds.clone().find(|kind| kind.name() == name).ok_or_else(|| {
        let names: Vec<_> = kinds.map(DocumentKind::name).collect();
        format!("kinds are {}", names.join(", "))
    })
}

impl Options {
    fn degradations(&self) -> Result<Vec<Degradation>, String> {
        match self.degradations.as_slice() {
            [] => Ok(Degradation::MEASURED_ON_ALL_KINDS.to_vec()),
            [all] if all == "all" => Ok(Degradation::ALL.to_vec()),
            names => names
                .iter()
                .map(|name| {
                    let found = Degradation::ALL.into_iter().find(|way| way.name() == name.as_str());
                    found.ok_or_else(|| format!("no degradation {name}"))
                })
                .collect(),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let options = Options::parse();
    let degradations = options.degradations()?;
    let reader = Reader::new(ReaderConfig::with_model_dir(std::path::absolute(&options.model)?))?;
    let documents = options.seeds * (options.kinds.len() * degradations.len()) as u64;
    let progress = ProgressBar::new(documents).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} documents, {elapsed} gone, {eta} to go",
    )?);
    let mut tallies: BTreeMap<(Degradation, DocumentKind), Tally> = BTreeMap::new();
    let (mut ours, mut plain) = (Duration::ZERO, Duration::ZERO);
    for degradation in degradations {
        for kind in &options.kinds {
            for seed in options.first..options.first + options.seeds {
                let document = specimen_of(*kind, seed);
                let mut reading = DocumentReading::default();
                let mut times = Vec::new();
                for picture in pictures(&document, degradation, seed) {
                    let begun = Instant::now();
                    reading.pages.push(reader.read_page(&picture).await?);
                    times.push(begun.elapsed());
                    if !options.no_plain {
                        plain += plain::read(&picture).await?;
                    }
                }
                ours += times.iter().sum::<Duration>();
                let judged = judge(&document, seed, &reading, is_expired(seed));
                if options.show {
                    show(&progress, seed, degradation, &document, &judged);
                    if options.words && !judged.is_settled() {
                        show_words(&progress, &reading);
                    }
                }
                tallies.entry((degradation, *kind)).or_default().count(&judged, times);
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    let mut short = tally::print(&tallies);
    if !options.no_plain {
        let pages: usize = tallies.values().map(Tally::pages).sum();
        short.extend(plain::print(pages, ours, plain));
    }
    let is_held_to_all = documents >= WHOLE_RUN;
    short.retain(|shortcoming| is_held_to_all || shortcoming.is_never_allowed);
    short
        .iter()
        .for_each(|shortcoming| println!("NOT MET: {}", shortcoming.what));
    Ok(if short.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// So many documents are a measurement; shares of fewer say little.
const WHOLE_RUN: u64 = 400;

/// What a run fell short of.
pub(crate) struct Shortcoming {
    pub(crate) what: String,
    /// Also in a look at a few documents.
    pub(crate) is_never_allowed: bool,
}

/// Every tenth is expired: rejecting it is what should be done.
const fn is_expired(seed: u64) -> bool {
    seed % 10 == 9
}

fn specimen_of(kind: DocumentKind, seed: u64) -> Document {
    let options = DocumentOptions::new(kind, seed).today(judge::TODAY);
    if is_expired(seed) { options.expired() } else { options }.build()
}

/// The bytes of every side.
fn pictures(document: &Document, degradation: Degradation, seed: u64) -> Vec<Vec<u8>> {
    let sides = document.draw().into_iter().zip(seed..);
    sides
        .map(|(side, seed)| match degradation {
            Degradation::Clean => to_png(&side),
            degraded => to_jpeg(&degrade(&side, degraded, seed), 95),
        })
        .collect()
}

/// Specimens are of nobody, so what they say may be shown.
fn show(progress: &ProgressBar, seed: u64, degradation: Degradation, document: &Document, judged: &Judged) {
    if judged.is_settled() {
        return;
    }
    let (kind, way) = (document.kind().name(), degradation.name());
    let lines = [
        format!(
            "{kind} {seed} {way}: {} {}",
            judged.decision.as_str(),
            judged.open.join(" ")
        ),
        judged.difference.clone().unwrap_or_default(),
    ];
    progress.suspend(|| {
        lines
            .iter()
            .filter(|line| !line.is_empty())
            .for_each(|line| println!("{line}"))
    });
}

fn show_words(progress: &ProgressBar, reading: &DocumentReading) {
    let looks = reading
        .pages
        .iter()
        .filter_map(|page| page.printed.as_ref())
        .flat_map(|printed| &printed.looks);
    for words in looks {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        progress.suspend(|| println!("  words {}", texts.join(" ")));
    }
}
