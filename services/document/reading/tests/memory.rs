//! What large pictures take, in the programs that read them, and how these are ended.

use bytes::Bytes;
use document_reading::{Fault, ReadError, Reader, ReaderConfig};
use specimen::dear;
use std::{
    collections::BTreeMap,
    fs,
    path::absolute,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const MIB: u64 = 1 << 20;

/// Each test looks at all programs of this process.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn config() -> ReaderConfig {
    ReaderConfig::with_model_dir(absolute("model").expect("the package's folder"))
}

fn reader() -> Reader {
    Reader::new(config()).expect("all programs are there")
}

/// The programs, by the first 15 letters of their names. A child that is about to become one still has the memory and the
/// name of this process.
const PROGRAMS: [&str; 4] = ["document-pictur", "tesseract", "pdfinfo", "pdftoppm"];

/// The most that the programs of this process took at once, and each by its name, in bytes.
#[derive(Debug, Default)]
struct Peaks {
    at_once: u64,
    each: BTreeMap<String, u64>,
}

/// What the kernel says of each child of this process.
fn children() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("this process").flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<String> = children
        .flat_map(|children| children.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let status = |child: &String| fs::read_to_string(format!("/proc/{child}/status")).ok();
    children.iter().filter_map(status).collect()
}

/// Looks at all children of this process until told to stop.
fn watch(stop: &AtomicBool, peaks: &Mutex<Peaks>) {
    while !stop.load(Ordering::Relaxed) {
        let mut peaks = peaks.lock().expect("nobody panics");
        let mut sum = 0;
        for status in children() {
            let value = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
            let bytes = |key: &str| {
                let kib = value(key).and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
                kib.unwrap_or(0) << 10
            };
            let name = value("Name:").unwrap_or("");
            if !PROGRAMS.contains(&name) {
                continue;
            }
            sum += bytes("VmRSS:");
            let peak = peaks.each.entry(name.to_owned()).or_default();
            *peak = bytes("VmHWM:").max(*peak);
        }
        peaks.at_once = peaks.at_once.max(sum);
        drop(peaks);
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

async fn watched<T>(work: impl Future<Output = T>) -> (T, Peaks) {
    let (stop, peaks) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Peaks::default())));
    let (stopped, seen) = (stop.clone(), peaks.clone());
    let watching = std::thread::spawn(move || watch(&stopped, &seen));
    let done = work.await;
    stop.store(true, Ordering::Relaxed);
    watching.join().expect("it does not panic");
    (done, std::mem::take(&mut *peaks.lock().expect("nobody panics")))
}

/// Reads a picture by itself and holds what it took against what was set aside.
async fn read_alone(reader: &Reader, what: &str, file: Vec<u8>) {
    let file = Bytes::from(file);
    let opened = reader.open(&file).await.expect("opened");
    let aside = opened.memory_bytes(1).expect("a page");
    let started = Instant::now();
    let (read, peaks) = watched(reader.read_page_of(&opened, 1)).await;
    println!(
        "{what} ({} KiB): {} MiB of {} MiB set aside, {:.1} s",
        file.len() >> 10,
        peaks.at_once >> 20,
        aside >> 20,
        started.elapsed().as_secs_f32(),
    );
    let page = read.expect("read");
    assert!(page.width >= 2400, "{what}");
    assert!((MIB..=aside).contains(&peaks.at_once), "{what}: {peaks:?}");
}

#[tokio::test]
async fn a_page_takes_no_more_memory_than_is_set_aside_for_it() {
    let _alone = ALONE.lock().await;
    read_alone(&reader(), "PNG, RGBA, 16 bits", dear::png_of_zeros(false)).await;
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn the_dearest_picture_of_each_format_takes_no_more_memory_than_is_set_aside_for_it() {
    let (_alone, reader) = (ALONE.lock().await, reader());
    for (what, file) in dear::pictures() {
        read_alone(&reader, what, file).await;
    }
}

#[tokio::test]
async fn a_picture_larger_than_its_header_says_is_refused_within_the_memory_that_is_set_aside() {
    let (_alone, reader) = (ALONE.lock().await, reader());
    let file = Bytes::from(dear::small_tiff_around_a_large_jpeg());
    let opened = reader.open(&file).await.expect("its header says 10 x 10 pixels");
    let aside = opened.memory_bytes(1).expect("a page");
    let (read, peaks) = watched(reader.read_page_of(&opened, 1)).await;
    println!("{} MiB of {} MiB set aside", peaks.at_once >> 20, aside >> 20);
    assert!(peaks.at_once <= aside, "{peaks:?}");
    let error = read.expect_err("refused");
    assert!(matches!(error, ReadError::TooCostly { .. }), "{error:?}");
}

#[tokio::test]
async fn pages_at_once_take_no_more_than_the_memory_for_pictures() {
    const MOST_MIB: u32 = 400;
    let _alone = ALONE.lock().await;
    let reader = Reader::new(ReaderConfig {
        picture_memory_mib: MOST_MIB,
        ..config()
    });
    let (reader, page) = (
        reader.expect("all programs are there"),
        specimen::to_png(&specimen::Passport::from_seed(1).draw()),
    );
    let mut readings = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (reader, page) = (reader.clone(), page.clone());
        readings.spawn(async move { reader.read_page(&page).await });
    }
    let (read, peaks) = watched(readings.join_all()).await;
    assert!(read.iter().all(Result::is_ok), "{read:?}");
    println!("8 pages: {} MiB of {MOST_MIB} MiB at once", peaks.at_once >> 20);
    assert!(peaks.at_once <= u64::from(MOST_MIB) * MIB, "{peaks:?}");
}

/// The programs of this process that read pictures now.
fn readers() -> usize {
    let is_reader = |status: &String| status.contains("document-pictur") && !status.contains("(zombie)");
    children().iter().filter(|status| is_reader(status)).count()
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_ended() {
    let _alone = ALONE.lock().await;
    let mut hurried = config();
    hurried.files.limits.wall_clock = Duration::from_millis(300);
    let hurried = Reader::new(hurried).expect("all programs are there");
    let mut idle = config();
    idle.files.limits.cpu_seconds = 1;
    let idle = Reader::new(idle).expect("all programs are there");
    let file = dear::unreadable_barcode();
    for (limit, reader) in [("time on the wall", hurried), ("processor time", idle)] {
        let error = reader.read_page(&file).await.expect_err("it takes seconds");
        assert!(matches!(error, ReadError::TooCostly { .. }), "{limit}: {error:?}");
        assert_eq!(error.fault(), Fault::Picture);
    }
}

#[tokio::test]
async fn a_cancel_ends_the_search() {
    let (_alone, reader) = (ALONE.lock().await, reader());
    let file = dear::unreadable_barcode();
    let mut reading = Box::pin(reader.read_page(&file));
    let a_second = tokio::time::timeout(Duration::from_secs(1), &mut reading).await;
    assert!(a_second.is_err(), "it takes seconds");
    assert_eq!(readers(), 1);
    drop(reading);
    let dropped = Instant::now();
    while readers() > 0 {
        assert!(dropped.elapsed() < Duration::from_secs(3), "the search goes on");
        tokio::task::yield_now().await;
    }
}
