//! What a fenced program cannot do, shown with real programs; each row also shows that it is the fence that stops it.

use document_sandbox::{Confinement, Limits, Output, Run, RunError, Sandbox, SandboxConfig, SandboxError};
use std::{
    ffi::OsStr,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const MIB: u64 = 1 << 20;

fn limits() -> Limits {
    Limits {
        memory_bytes: 512 * MIB,
        cpu_seconds: 1,
        wall_clock: Duration::from_secs(10),
        file_bytes: MIB,
        ..Limits::default()
    }
}

/// Set to run these tests on a kernel that can't fence programs in; they then show only what it has.
const ALLOW_UNFENCED: &str = "MESH_ALLOW_UNFENCED";

/// A sandbox. On a kernel that can't fence programs in these tests would show nothing, so they fail there unless told that it
/// is known.
fn sandbox(readable: &Path) -> Sandbox {
    let sandbox = Sandbox::new(SandboxConfig {
        limits: limits(),
        readable: vec![readable.to_owned()],
        confinement: Confinement::BestEffort,
    })
    .expect("a fence as far as the kernel has one");
    let lacking = sandbox.confinement().lacking();
    assert!(
        lacking.is_empty() || std::env::var_os(ALLOW_UNFENCED).is_some(),
        "this kernel lacks {}, so these tests would show less than they say; set {ALLOW_UNFENCED}=1 to run the rest",
        lacking.join(" and ")
    );
    sandbox
}

async fn run(sandbox: &Sandbox, program: &str, arguments: &[&str]) -> Result<Output, RunError> {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let run = Run {
        program: Path::new(program),
        arguments: &arguments,
        environment: &[],
        max_output_bytes: 1024,
    };
    sandbox.run(run, b"in\n").await
}

/// Whether the same command succeeds with no fence around it.
fn succeeds_unfenced(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("the program is there").success()
}

/// By what a row is refused.
#[derive(PartialEq)]
enum By {
    Landlock,
    Seccomp,
}

#[tokio::test]
async fn what_is_outside_the_fence_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("another folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let mut other = Command::new("sleep").arg("60").spawn().expect("a process to aim at");

    let sandbox = sandbox(folder.path());
    let in_force = sandbox.confinement();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret").expect("written");
    let secret = secret.display();
    let table = [
        (
            By::Landlock,
            "read the list of users",
            "exec cat /etc/passwd".to_owned(),
        ),
        (By::Landlock, "read another's file", format!("exec cat {secret}")),
        (By::Landlock, "empty another's file", format!(": > {secret}")),
        (
            By::Landlock,
            "write elsewhere",
            format!("echo x > {}/made", outside.path().display()),
        ),
        (By::Landlock, "list a folder", "exec ls /home".to_owned()),
        (
            By::Landlock,
            "read another's environment",
            "exec cat /proc/$PPID/environ".to_owned(),
        ),
        (
            By::Landlock,
            "write in a folder it may read",
            format!("echo x > {}/made", folder.path().display()),
        ),
        (By::Seccomp, "connect", format!("exec 3<>/dev/tcp/127.0.0.1/{port}")),
        (
            By::Seccomp,
            "fork",
            "for i in {1..100}; do /bin/true & done; wait".to_owned(),
        ),
        (
            By::Seccomp,
            "look whether another lives",
            format!("kill -0 {}", other.id()),
        ),
        (
            By::Seccomp,
            "raise its own limit",
            "ulimit -S -t 0; ulimit -S -t 1".to_owned(),
        ),
    ];
    let mut shown = 0;
    for (by, what, script) in &table {
        if (*by == By::Landlock && in_force.landlock_abi.is_none()) || (*by == By::Seccomp && !in_force.seccomp) {
            continue;
        }
        let fenced = run(&sandbox, "bash", &["-c", script]).await;
        assert!(matches!(fenced, Err(RunError::Failed { .. })), "{what}: {fenced:?}");
        let kept = std::fs::read_to_string(outside.path().join("secret")).expect("still there");
        assert_eq!(kept, "secret", "{what}");
        assert!(!outside.path().join("made").exists(), "{what}");
        shown += 1;
    }
    println!("{shown} of {} attempts were refused", table.len());
    assert!(
        shown == table.len() || !in_force.is_whole(),
        "{shown} of {}",
        table.len()
    );
    for (_, what, script) in table {
        assert!(succeeds_unfenced("bash", &["-c", &script], outside.path()), "{what}");
    }
    other.kill().and_then(|()| other.wait()).expect("ended");
}

#[tokio::test]
async fn what_goes_beyond_a_limit_is_stopped_and_what_stays_below_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(folder.path());
    let dd = |of: &'static str, block: &'static str, count: &'static str| ["if=/dev/zero", of, block, count];

    let much_memory = run(&sandbox, "dd", &dd("of=/dev/null", "bs=2G", "count=1")).await;
    assert!(matches!(much_memory, Err(RunError::Failed { .. })), "{much_memory:?}");
    let memory = run(&sandbox, "dd", &dd("of=/dev/null", "bs=64M", "count=1")).await;
    assert!(memory.is_ok(), "{memory:?}");

    let large_file = run(&sandbox, "dd", &dd("of=large", "bs=1M", "count=1024")).await;
    assert!(matches!(large_file, Err(RunError::Failed { .. })), "{large_file:?}");
    let file = run(&sandbox, "dd", &dd("of=small", "bs=512K", "count=1")).await;
    assert!(file.is_ok(), "{file:?}");

    let started = Instant::now();
    let busy = run(&sandbox, "bash", &["-c", "while :; do :; done"]).await;
    assert!(matches!(busy, Err(RunError::Killed { signal: 9 })), "{busy:?}");
    assert!(
        started.elapsed() < limits().wall_clock,
        "the processor time was the limit"
    );

    let hurried = sandbox.with_limits(Limits {
        wall_clock: Duration::from_millis(200),
        ..limits()
    });
    let idle = run(&hurried, "sleep", &["60"]).await;
    assert!(matches!(idle, Err(RunError::TimedOut { .. })), "{idle:?}");

    let endless = run(&sandbox, "cat", &["/dev/zero"]).await;
    assert!(
        matches!(endless, Err(RunError::OutputTooLarge { limit: 1024 })),
        "{endless:?}"
    );
}

#[tokio::test]
async fn a_program_that_behaves_works() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("model"), "model ").expect("written");
    let sandbox = sandbox(folder.path());
    let script = format!("echo own > own; exec cat own {}/model - ", folder.path().display());
    let output = run(&sandbox, "bash", &["-c", &script]).await.expect("works");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "own\nmodel in\n");

    let environment = run(&sandbox, "env", &[]).await.expect("works");
    let environment = String::from_utf8(environment.stdout).expect("text");
    let mut names: Vec<&str> = environment
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["LC_ALL", "OMP_THREAD_LIMIT", "PATH", "TMPDIR", "TZ"]);
    let own = environment
        .lines()
        .find_map(|line| line.strip_prefix("TMPDIR="))
        .expect("its folder");
    assert!(!Path::new(own).exists(), "its folder is gone with it");
}

#[tokio::test]
async fn a_program_without_rights_has_none_as_root_either() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("closed");
    std::fs::write(&file, "closed").expect("written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).expect("closed");
    let read = run(&sandbox(folder.path()), "cat", &[file.to_str().expect("text")]).await;
    assert!(matches!(read, Err(RunError::Failed { .. })), "{read:?}");
}

#[tokio::test]
async fn a_dropped_run_leaves_no_process_and_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(folder.path());
    // An argument that only this process has.
    let argument = format!("61.{}", std::process::id());
    let arguments = [argument.as_str()];
    let mut running = Box::pin(run(&sandbox, "sleep", &arguments));
    let own = loop {
        tokio::select! {
            ended = &mut running => panic!("it sleeps: {ended:?}"),
            () = tokio::task::yield_now() => {}
        }
        if let Some(pid) = process_with(&argument) {
            break std::fs::read_link(format!("/proc/{pid}/cwd")).expect("its folder");
        }
    };
    assert!(own.exists());
    drop(running);
    let deadline = Instant::now() + Duration::from_secs(5);
    while process_with(&argument).is_some() {
        assert!(Instant::now() < deadline, "the process lives on");
        tokio::task::yield_now().await;
    }
    assert!(!own.exists());
}

/// The process with `argument`, once it runs its program.
fn process_with(argument: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").expect("there are processes");
    processes.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = command.split(|byte| *byte == 0);
        words.any(|word| word == argument.as_bytes()).then_some(pid)
    })
}

#[tokio::test]
async fn what_cannot_be_run_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(folder.path());
    for program in ["no-such-program", "/no/such/program"] {
        let missing = run(&sandbox, program, &[]).await;
        assert!(matches!(missing, Err(RunError::Missing { .. })), "{missing:?}");
    }
    let file = folder.path().join("text");
    std::fs::write(&file, "no program").expect("written");
    let text = run(&sandbox, file.to_str().expect("text"), &[]).await;
    assert!(matches!(text, Err(RunError::Start { .. })), "{text:?}");

    let nowhere = Sandbox::new(SandboxConfig {
        limits: limits(),
        readable: vec!["/no/such/folder".into()],
        confinement: Confinement::BestEffort,
    });
    if sandbox.confinement().landlock_abi.is_some() {
        assert!(matches!(nowhere, Err(SandboxError::Folder { .. })), "{nowhere:?}");
    }
}

#[tokio::test]
async fn a_program_that_is_talked_with_answers_until_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(folder.path());
    let start = |script: &str| {
        let arguments = ["-c", script].map(OsStr::new);
        let run = Run {
            program: Path::new("bash"),
            arguments: &arguments,
            environment: &[],
            max_output_bytes: 0,
        };
        sandbox.start(&run).expect("started").talk()
    };
    let mut answer = [0; 3];
    let mut talk = start("while read -r line; do echo \"<$line\"; done; exit 7");
    for (said, heard) in [(b"a\n", b"<a\n"), (b"b\n", b"<b\n")] {
        talk.say(said).await.expect("it listens");
        talk.hear(&mut answer).await.expect("it answers");
        assert_eq!(&answer, heard);
    }
    for (script, wanted) in [("exit 7", "Failed { code: 7 }"), ("exit 0", "Failed { code: 0 }")] {
        let ended = start(script).hear(&mut answer).await.expect_err("it says nothing");
        let ended = format!("{ended:?}");
        assert!(ended.contains(wanted), "{script}: {ended}");
    }
    let silent = Limits {
        wall_clock: Duration::from_millis(100),
        ..limits()
    };
    let arguments = ["60"].map(OsStr::new);
    let run = Run {
        program: Path::new("sleep"),
        arguments: &arguments,
        environment: &[],
        max_output_bytes: 0,
    };
    let mut talk = sandbox.with_limits(silent).start(&run).expect("started").talk();
    let silent = talk.hear(&mut answer).await.expect_err("it says nothing");
    assert!(matches!(silent, RunError::TimedOut { .. }), "{silent:?}");
}

#[tokio::test]
async fn a_program_has_more_time_by_what_it_waited() {
    let folder = tempfile::tempdir().expect("a folder");
    let hurried = Limits {
        wall_clock: Duration::from_millis(100),
        ..limits()
    };
    let sandbox = sandbox(folder.path()).with_limits(hurried);
    // It waits for a line that never comes.
    let arguments = ["-c", "read -r -t 0.5 line; echo a"].map(OsStr::new);
    let run = Run {
        program: Path::new("bash"),
        arguments: &arguments,
        environment: &[],
        max_output_bytes: 0,
    };
    for (more, in_time) in [(Duration::ZERO, false), (Duration::from_secs(30), true)] {
        let mut talk = sandbox.start(&run).expect("started").talk();
        talk.extend(more);
        let heard = talk.hear(&mut [0; 2]).await;
        assert_eq!(heard.is_ok(), in_time, "{heard:?}");
    }
}
