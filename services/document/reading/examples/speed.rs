//! Pages per second, plain tesseract and the reader side by side, on the same pictures in the same run:
//! `cargo run -p document-reading --example speed -- --help`.
//!
//! Plain tesseract is what one would do without us: the whole page, English, one thread. Both work one page after the
//! other; the two take turns on each picture, so that whatever else the machine does hits both alike. The second ratio is
//! that of processor time, which a busy machine disturbs less.

use clap::Parser;
use document_reading::{Reader, ReaderConfig};
use specimen::{Degradation, Document, DocumentKind, degrade, to_jpeg, to_png};
use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Time plain tesseract and the reader on the same drawn specimens.
#[derive(Parser)]
struct Options {
    /// How many specimens are drawn for each way of being degraded.
    #[arg(long, default_value_t = 20)]
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
    /// The kinds of documents; only the side with the zone is read.
    #[arg(long, value_delimiter = ',', default_value = "passport", value_parser = ["passport", "td1", "td2", "mrv-a", "mrv-b"])]
    kinds: Vec<String>,
    /// Leave plain tesseract out, to measure how much is read exactly only.
    #[arg(long)]
    reader_only: bool,
}

#[derive(Default)]
struct Times {
    plain: Duration,
    reader: Duration,
    /// Processor seconds, with those of the engine.
    plain_cpu: f64,
    reader_cpu: f64,
    pages: u32,
    exact: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let reader = Reader::new(ReaderConfig::with_model_dir(std::path::absolute(&options.model)?))?;
    println!(
        "{:32} {:>5} {:>6} {:>14} {:>14} {:>6} {:>6}",
        "", "pages", "exact", "tesseract p/s", "reader p/s", "ratio", "cpu"
    );
    let mut all = Times::default();
    for kind in DocumentKind::ALL {
        if options.kinds.iter().any(|name| name == kind.name()) {
            for degradation in options.degradations() {
                let times = measure(&options, &reader, kind, *degradation).await?;
                times.print(&format!("{} {}", kind.name(), degradation.name()));
                all.add(&times);
            }
        }
    }
    all.print("all");
    Ok(())
}

impl Options {
    fn degradations(&self) -> &'static [Degradation] {
        match self.degradations {
            true => &Degradation::MEASURED,
            false => &[Degradation::Clean],
        }
    }
}

async fn measure(
    options: &Options,
    reader: &Reader,
    kind: DocumentKind,
    degradation: Degradation,
) -> Result<Times, Box<dyn std::error::Error>> {
    let mut times = Times::default();
    for seed in options.first..options.first + options.seeds {
        let document = Document::from_seed(kind, seed);
        let sides = document.draw();
        let side = sides.last().expect("a document has a side");
        let picture = degrade(side, degradation, seed);
        let bytes = match degradation {
            Degradation::Clean => to_png(&picture),
            _ => to_jpeg(&picture, 95),
        };
        if !options.reader_only {
            let begun = (Instant::now(), processor_seconds());
            plain_tesseract(&bytes)?;
            times.plain += begun.0.elapsed();
            times.plain_cpu += processor_seconds() - begun.1;
        }
        let begun = (Instant::now(), processor_seconds());
        let page = reader.read_page(&bytes).await?;
        times.reader += begun.0.elapsed();
        times.reader_cpu += processor_seconds() - begun.1;
        times.pages += 1;
        let read = page.mrz.iter().chain(&page.visas).next();
        let exact = read.is_some_and(|zone| zone.lines == document.truth().mrz);
        times.exact += u32::from(exact);
        if !exact {
            show(seed, read.map_or(&[], |zone| &zone.lines), &document.truth().mrz);
        }
    }
    Ok(times)
}

/// Specimens are of nobody, so their zones may be shown.
fn show(seed: u64, read: &[String], truth: &[String]) {
    println!("  seed {seed} is not read exactly");
    for line in truth {
        println!("    truth {line}");
    }
    for line in read {
        println!("    read  {line}");
    }
}

impl Times {
    fn add(&mut self, other: &Self) {
        self.plain += other.plain;
        self.reader += other.reader;
        self.plain_cpu += other.plain_cpu;
        self.reader_cpu += other.reader_cpu;
        self.pages += other.pages;
        self.exact += other.exact;
    }

    fn print(&self, name: &str) {
        let rate = |time: Duration| f64::from(self.pages) / time.as_secs_f64().max(1e-9);
        let (plain, reader) = match self.plain.is_zero() {
            true => (f64::NAN, rate(self.reader)),
            false => (rate(self.plain), rate(self.reader)),
        };
        println!(
            "{name:32} {:>5} {:>6} {plain:>14.2} {reader:>14.2} {:>6.2} {:>6.2}",
            self.pages,
            self.exact,
            reader / plain,
            self.plain_cpu / self.reader_cpu
        );
    }
}

/// The processor time of this process and of the children that have ended, out of the system's own books: fields 14 to 17
/// in hundredths of a second (`man 5 proc`). Not a number where there are none.
fn processor_seconds() -> f64 {
    let books = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = books.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse().ok())
        .collect();
    if fields.len() == 4 {
        fields.iter().sum::<f64>() / 100.0
    } else {
        f64::NAN
    }
}

/// The whole page as it is, English, one thread; the text is thrown away.
fn plain_tesseract(picture: &[u8]) -> std::io::Result<()> {
    let mut child = Command::new("tesseract")
        .args(["stdin", "stdout", "-l", "eng"])
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    child
        .stdin
        .take()
        .expect("standard input was asked for as a pipe")
        .write_all(picture)?;
    child.wait()?;
    Ok(())
}
