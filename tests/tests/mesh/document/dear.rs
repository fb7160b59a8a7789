//! Pictures that take most memory to read, eight of them at once.

use crate::support::*;
use mesh_testkit::{Mesh, eventually};
use specimen::dear;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the service and its programs may take together (the figure): 1.5 GiB.
const MOST_MEMORY: u64 = 1536 << 20;

/// What three other calls may take meanwhile.
const MOST_TIME: Duration = Duration::from_secs(3);

/// The resident memory of a process and of its children, in bytes. A child that is about to become a program still shares
/// the memory of its parent, and its name.
fn resident(pid: u32) -> u64 {
    let name = |status: &str| status.lines().next().unwrap_or_default().to_owned();
    let bytes = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) << 10
    };
    let own = fs::read_to_string(format!("/proc/{pid}/status")).expect("the service runs");
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .expect("the service runs")
        .flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<String> = children
        .flat_map(|children| children.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|child| fs::read_to_string(format!("/proc/{child}/status")).ok())
        .filter(|status| name(status) != name(&own))
        .collect();
    bytes(&own) + children.iter().map(|status| bytes(status)).sum::<u64>()
}

/// Watches a process until told to stop; the most that it took with its children.
struct Watch {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    watching: std::thread::JoinHandle<()>,
}

impl Watch {
    fn over(pid: u32) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, seen) = (stop.clone(), most.clone());
        let watching = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                seen.fetch_max(resident(pid), Ordering::Relaxed);
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        Self { stop, most, watching }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.watching.join().expect("it does not panic");
        self.most.load(Ordering::Relaxed)
    }
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn eight_pictures_of_50_megapixels_stay_under_1_5_gib() {
    let mesh = Mesh::builder().setting("document", "OCR_CONCURRENCY", "8").start();
    let mesh = mesh.await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let pictures: Vec<_> = dear::pictures().into_iter().take(8).collect();
    let mut uploads = Vec::new();
    for (what, picture) in &pictures {
        let member_id = caller.register(passport(150).truth()).await;
        let upload = caller.upload(member_id, std::slice::from_ref(picture)).await;
        uploads.push((*what, member_id, upload));
    }
    let pid = mesh.document.pid().await.expect("the service runs");
    let idle = resident(pid);
    let (watch, began) = (Watch::over(pid), Instant::now());
    let mut started = Vec::new();
    for (_, member_id, upload) in &uploads {
        let request = by_document(*member_id, upload.document_url.clone());
        started.push(caller.start(request).await.expect("it starts").verification_id);
    }
    let (slowest, answers) = (AtomicU64::new(0), AtomicU64::new(0));
    for ((what, _, upload), verification_id) in uploads.iter().zip(&started) {
        let read = async || {
            let asked = Instant::now();
            caller.get(verification_id).await.expect("answered");
            caller.register(passport(151).truth()).await;
            let document = caller.document(&upload.document_id).await;
            slowest.fetch_max(asked.elapsed().as_millis() as u64, Ordering::Relaxed);
            answers.fetch_add(3, Ordering::Relaxed);
            (document.pages_read == 1).then_some(())
        };
        eventually(Duration::from_secs(180), what, read)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
    let (most, slowest) = (watch.end(), Duration::from_millis(slowest.into_inner()));
    println!(
        "{} pictures of 50 megapixels in {:.1} s: {} MiB at most, {} MiB idle; {} other calls, the slowest three took \
         {slowest:.1?}",
        uploads.len(),
        began.elapsed().as_secs_f32(),
        most >> 20,
        idle >> 20,
        answers.into_inner(),
    );
    let in_vain = "SELECT sum(engine_limits + unended) FROM document_pages".to_owned();
    let in_vain = mesh
        .postgres
        .sql_at(&mesh.databases.document, &[in_vain])
        .await
        .expect("asked");
    assert_eq!(in_vain.trim(), "0", "readings that ran into a limit or died");
    assert!(most < MOST_MEMORY, "{} MiB", most >> 20);
    assert!(slowest < MOST_TIME, "{slowest:?}");
    mesh.stop().await.expect("the mesh stops");
}
