//! The private PostgreSQL with real programs: started, killed, orphaned, swept. Nothing may be left behind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on ends; clippy only knows that of the test functions themselves"
)]

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_instrument::stack::port::{self, Port};
use lab_instrument::stack::postgres::{Event, Options, PrivatePostgres, Programs, StartError, processes};
use lab_instrument::stack::run_folder::RunFolder;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

/// Set for the process that [`owner`] becomes; the folder that it works in.
const OWNER: &str = "LAB_TEST_OWNER";

/// A place for run folders and templates of one test.
struct Place {
    root: TempDir,
    cache: PathBuf,
}

impl Place {
    /// With templates that the tests share and keep.
    fn new() -> Self {
        let root = TempDir::with_prefix("lab-").unwrap();
        // As root, the server runs as somebody else, who must be able to come here.
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        Self { root, cache }
    }

    /// Without any template.
    fn cold() -> Self {
        let mut place = Self::new();
        place.cache = place.root.path().join("cache");
        place
    }

    fn runs(&self) -> PathBuf {
        self.root.path().join("runs")
    }

    fn template(&self) -> Option<PathBuf> {
        let found: Vec<_> = fs::read_dir(&self.cache).ok()?.map(|entry| entry.unwrap().path()).collect();
        assert!(found.len() <= 1, "{found:?}");
        found.into_iter().next()
    }

    fn run_folder(&self) -> RunFolder {
        RunFolder::create_in(&self.runs()).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = || -> Vec<PathBuf> { fs::read_dir(self.runs()).into_iter().flatten().map(|entry| entry.unwrap().path()).collect() };
        if !std::thread::panicking() {
            within(Duration::from_secs(3), "every run folder is removed", || left().is_empty());
        }
        for folder in left() {
            processes::end_in(&folder.join("postgres/data"), Duration::ZERO);
        }
    }
}

fn options(place: &Place, folder: &Path) -> Options {
    Options {
        programs: Programs::find(None).unwrap(),
        folder: folder.to_owned(),
        cache: Some(place.cache.clone()),
        port: Port::Preferred(port::another()),
        guard_exe: env!("CARGO_BIN_EXE_lab").into(),
    }
}

async fn start(place: &Place, folder: &RunFolder) -> PrivatePostgres {
    PrivatePostgres::start(options(place, folder.path())).await.unwrap()
}

async fn connect(options: PgConnectOptions) -> PgConnection {
    options.connect().await.unwrap()
}

fn within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    started.elapsed()
}

fn pid_file(folder: &Path) -> Pid {
    let text = fs::read_to_string(folder.join("postgres/data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Whether a process runs. One that is dead but not yet fetched by its parent does not.
fn lives(pid: Pid) -> bool {
    let pid = sysinfo::Pid::from_u32(pid.as_raw_nonzero().get().unsigned_abs());
    let mut system = sysinfo::System::new().unwrap();
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), true);
    system.process(pid).is_some_and(|process| process.status() != sysinfo::ProcessStatus::Zombie)
}

/// The guard of the server that runs in this folder: its parent.
fn guard_of(folder: &Path) -> Pid {
    let mut system = sysinfo::System::new().unwrap();
    system.refresh_processes(sysinfo::ProcessesToUpdate::All, true);
    let server = sysinfo::Pid::from_u32(pid_file(folder).as_raw_nonzero().get().unsigned_abs());
    let parent = system.process(server).unwrap().parent().unwrap();
    Pid::from_raw(i32::try_from(parent.as_u32()).unwrap()).unwrap()
}

/// A process that is killed at the latest when the test ends.
struct Owner(Child);

impl Owner {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a process that owns a server, and waits until that runs. In a process group of its own, to be killed alone.
fn spawn_owner(place: &Place) -> (Owner, PathBuf, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "owner", "--nocapture", "--test-threads=1"]).env(OWNER, place.root.path());
    let child = Owner(command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let ready = place.root.path().join("ready");
    within(Duration::from_secs(20), "the owner starts", || ready.exists());
    let text = fs::read_to_string(&ready).unwrap();
    fs::remove_file(&ready).unwrap();
    let (folder, url) = text.split_once('\n').unwrap();
    (child, PathBuf::from(folder), url.to_owned())
}

/// No test: what [`spawn_owner`] runs.
#[tokio::test]
async fn owner() {
    let Some(root) = std::env::var_os(OWNER).map(PathBuf::from) else {
        return;
    };
    let folder = RunFolder::create_in(&root.join("runs")).unwrap();
    let options = Options {
        programs: Programs::find(None).unwrap(),
        folder: folder.path().to_owned(),
        cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        port: Port::Preferred(port::another()),
        guard_exe: env!("CARGO_BIN_EXE_lab").into(),
    };
    let postgres = PrivatePostgres::start(options).await.unwrap();
    fs::write(root.join("almost"), format!("{}\n{}", folder.path().display(), postgres.service_url())).unwrap();
    fs::rename(root.join("almost"), root.join("ready")).unwrap();
    // A test that is killed itself leaves this process behind, but not for long.
    tokio::time::sleep(Duration::from_secs(120)).await;
}

#[tokio::test]
async fn cold_then_warm() {
    let place = Place::cold();
    for warm in [false, true, true] {
        let folder = place.run_folder();
        let started = Instant::now();
        let postgres = start(&place, &folder).await;
        println!("start, warm {warm}: {:?}", started.elapsed());
        assert_eq!(postgres.from_template(), warm);

        let mut services = connect(postgres.service_url().parse().unwrap()).await;
        let (role, database): (String, String) =
            sqlx::query_as("SELECT current_user::text, current_database()::text").fetch_one(&mut services).await.unwrap();
        assert_eq!((role.as_str(), database.as_str()), ("diceuser", "dicedb"));
        sqlx::raw_sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)").execute(&mut services).await.unwrap();
        let is_super: bool =
            sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetch_one(&mut services).await.unwrap();
        assert!(!is_super);

        let mut superuser = connect(postgres.superuser_options()).await;
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'INSERT INTO t%'")
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(seen, 1);
        let secrets: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_statements WHERE query LIKE 'ALTER ROLE%'")
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        assert_eq!(secrets, 0);
        assert!(!fs::read_to_string(postgres.log()).unwrap().contains("PASSWORD"));
        drop((services, superuser));
        let started = Instant::now();
        postgres.stop().await;
        println!("stop: {:?}", started.elapsed());
        assert!(!folder.path().join("postgres").exists());
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_password() {
    let place = Place::new();
    let folder = place.run_folder();
    let postgres = start(&place, &folder).await;
    for options in [
        postgres.superuser_options().password("guess"),
        postgres.service_url().parse::<PgConnectOptions>().unwrap().password("guess"),
        postgres.superuser_options().socket(folder.path().join("postgres/socket")).username("diceuser"),
    ] {
        assert!(options.connect().await.is_err());
    }
    postgres.stop().await;
}

#[tokio::test]
async fn two_at_once_from_an_empty_cache() {
    let place = Place::cold();
    let (one, other) = (place.run_folder(), place.run_folder());
    let same = port::another();
    let with_port = |folder: &RunFolder| Options { port: Port::Preferred(same), ..options(&place, folder.path()) };
    let (first, second) = tokio::join!(PrivatePostgres::start(with_port(&one)), PrivatePostgres::start(with_port(&other)));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first.port(), second.port());
    for postgres in [&first, &second] {
        connect(postgres.superuser_options()).await.close().await.unwrap();
    }
    assert!(place.template().is_some());
    assert_eq!(RunFolder::live_in(&place.runs()).len(), 2);
    tokio::join!(first.stop(), second.stop());
}

#[tokio::test]
async fn a_killed_owner_takes_everything_with_it() {
    let place = Place::new();
    let (mut child, folder, url) = spawn_owner(&place);
    let (server, guard) = (pid_file(&folder), guard_of(&folder));

    // Ten busy connections, of which nine wait for a lock.
    let mut holder = connect(url.parse().unwrap()).await;
    sqlx::raw_sql("CREATE TABLE t (a int)").execute(&mut holder).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").execute(&mut holder).await.unwrap();
    let mut busy = Vec::new();
    for number in 0..9 {
        let mut connection = connect(url.parse().unwrap()).await;
        let statement = if number < 7 { "SELECT * FROM t" } else { "SELECT count(*) FROM (SELECT generate_series(1, 1e10)) AS endless" };
        busy.push(tokio::spawn(async move { sqlx::raw_sql(statement).execute(&mut connection).await }));
    }
    loop {
        let active: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE usename = 'diceuser' AND state = 'active'")
            .fetch_one(&mut holder)
            .await
            .unwrap();
        if active >= 10 {
            break;
        }
    }
    child.kill();
    let took = within(Duration::from_secs(3), "all is gone", || !lives(server) && !lives(guard) && !folder.exists());
    println!("gone after {took:?}");
    for task in busy {
        assert!(task.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn an_owner_killed_while_its_server_is_stopped() {
    let place = Place::new();
    let (mut child, folder, _) = spawn_owner(&place);
    let (server, guard) = (pid_file(&folder), guard_of(&folder));
    // It can answer neither polite signal.
    kill_process(server, Signal::STOP).unwrap();
    child.kill();
    let took = within(Duration::from_secs(3), "all is gone", || !lives(server) && !lives(guard) && !folder.exists());
    println!("gone after {took:?}");
}

#[tokio::test]
async fn an_owner_killed_together_with_its_guard() {
    let place = Place::new();
    let (mut child, folder, _) = spawn_owner(&place);
    let (server, guard) = (pid_file(&folder), guard_of(&folder));
    kill_process(guard, Signal::KILL).unwrap();
    child.kill();
    let took = within(Duration::from_secs(3), "the server is gone", || !lives(server) && !lives(guard));
    println!("gone after {took:?}");
    RunFolder::sweep_in(&place.runs());
}

#[tokio::test]
async fn a_killed_server_comes_back_on_its_port() {
    let place = Place::new();
    let folder = place.run_folder();
    let postgres = start(&place, &folder).await;
    let mut events = postgres.events();
    let url: PgConnectOptions = postgres.service_url().parse().unwrap();
    for _ in 0..2 {
        // A backend that computes does not notice that its server died, and keeps the next one from starting.
        let mut busy = connect(url.clone()).await;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut busy).await.unwrap();
        let busy = tokio::spawn(async move {
            sqlx::raw_sql("SELECT count(*) FROM (SELECT generate_series(1, 1e10)) AS endless").execute(&mut busy).await
        });
        let mut watcher = connect(postgres.superuser_options()).await;
        while !sqlx::query_scalar::<_, bool>("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1")
            .bind(pid)
            .fetch_one(&mut watcher)
            .await
            .unwrap()
        {}
        let killed = Instant::now();
        kill_process(pid_file(folder.path()), Signal::KILL).unwrap();
        assert_eq!(events.recv().await.unwrap(), Event::Exited { status: "signal 9".to_owned() });
        let event = tokio::time::timeout(Duration::from_secs(5), events.recv()).await.unwrap().unwrap();
        assert!(matches!(event, Event::Started { port, .. } if port == postgres.port()), "{event:?}");
        println!("healed after {:?}", killed.elapsed());
        connect(url.clone()).await.close().await.unwrap();
        connect(postgres.superuser_options()).await.close().await.unwrap();
        assert!(busy.await.unwrap().is_err());
    }
    postgres.stop().await;
}

#[tokio::test]
async fn a_named_port_that_is_taken() {
    let place = Place::new();
    let folder = place.run_folder();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = PrivatePostgres::start(Options { port: Port::Named(port), ..options(&place, folder.path()) }).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StartError::PortTaken(_)), "{error}");
    let (text, pid) = (error.to_string(), std::process::id());
    assert!(text.starts_with(&format!("port {port} is taken by ")), "{text}");
    assert!(text.ends_with(&format!("(pid {pid}): free it, or name another with --port postgres=PORT")), "{text}");
}

#[tokio::test]
async fn a_damaged_template_is_replaced() {
    let place = Place::cold();
    let folder = place.run_folder();
    start(&place, &folder).await.stop().await;
    let template = place.template().unwrap();
    let control = template.join("data/global/pg_control");
    let damages: [&dyn Fn(); 5] = [
        &|| fs::write(template.join("manifest.json"), "{").unwrap(),
        &|| fs::remove_file(template.join("manifest.json")).unwrap(),
        &|| fs::remove_file(template.join("data/PG_VERSION")).unwrap(),
        &|| fs::write(&control, "short").unwrap(),
        // Only the server notices this one.
        &|| fs::write(&control, [7; 8192]).unwrap(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        let postgres = start(&place, &folder).await;
        assert!(!postgres.from_template(), "damage {number}");
        connect(postgres.superuser_options()).await.close().await.unwrap();
        postgres.stop().await;
    }
    let postgres = start(&place, &folder).await;
    assert!(postgres.from_template());
    postgres.stop().await;
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_to() {
    let place = Place::new();
    let folder = place.run_folder();
    fs::write(place.root.path().join("file"), "").unwrap();
    let cache = Some(place.root.path().join("file/cache"));
    let postgres = PrivatePostgres::start(Options { cache, ..options(&place, folder.path()) }).await.unwrap();
    connect(postgres.superuser_options()).await.close().await.unwrap();
    postgres.stop().await;
}

#[tokio::test]
async fn a_cancelled_start_leaves_nothing() {
    let place = Place::cold();
    // At any moment: while initdb runs, while the template is kept or copied, while the server starts.
    for after in [0, 5, 20, 100, 300, 600, 800, 1000, 1200, 30, 60, 90, 120, 150] {
        let folder = place.run_folder();
        let path = folder.path().to_owned();
        let start = PrivatePostgres::start(options(&place, &path));
        let result = tokio::time::timeout(Duration::from_millis(after), start).await;
        drop(result);
        drop(folder);
        within(Duration::from_secs(3), "the folder is gone", || !path.exists());
        assert_eq!(processes::living_in(&path.join("postgres/data")), []);
        let half_made = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
        let left: Vec<_> = fs::read_dir(&place.cache).into_iter().flatten().flatten().filter(half_made).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_sweep_ends_an_orphan_and_leaves_the_living_alone() {
    let place = Place::new();
    let living = place.run_folder();
    let postgres = start(&place, &living).await;
    let (mut child, folder, _) = spawn_owner(&place);
    let (server, guard) = (pid_file(&folder), guard_of(&folder));
    assert_eq!(RunFolder::live_in(&place.runs()), [folder.clone(), living.path().to_owned()]);
    // Both at once, and a server that cannot answer the last resort's signal: nobody is left to clean up.
    kill_process(server, Signal::STOP).unwrap();
    kill_process(guard, Signal::KILL).unwrap();
    child.kill();
    within(Duration::from_secs(1), "the guard is dead", || !lives(guard));
    assert!(lives(server) && folder.exists());

    // The first thread of a killed process can be gone while another still holds its files, and with them its locks.
    let took = within(Duration::from_secs(5), "the folder is swept", || {
        RunFolder::sweep_in(&place.runs());
        !folder.exists()
    });
    println!("swept in {took:?}");
    within(Duration::from_secs(1), "the orphan is gone", || !lives(server));
    assert_eq!(RunFolder::live_in(&place.runs()), [living.path().to_owned()]);
    connect(postgres.superuser_options()).await.close().await.unwrap();
    postgres.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_log() {
    let place = Place::new();
    let folder = place.run_folder();
    let bin = place.root.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && exec echo 'postgres (PostgreSQL) 17.2'\necho 'no room on device' >&2\nexit 3\n";
    for program in ["postgres", "initdb"] {
        fs::write(bin.join(program), script).unwrap();
        fs::set_permissions(bin.join(program), Permissions::from_mode(0o755)).unwrap();
    }
    let programs = Programs::find(Some(&bin)).unwrap();
    let error = PrivatePostgres::start(Options { programs, ..options(&place, folder.path()) }).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("initdb failed (exit code 3)") && text.contains("no room on device"), "{text}");
}

#[test]
fn a_wrong_folder_for_the_programs_is_named() {
    let error = Programs::find(Some(Path::new("/nowhere/bin"))).unwrap_err().to_string();
    assert!(error.starts_with("--pg-bin (or LAB_PG_BIN) is /nowhere/bin, but /nowhere/bin/postgres cannot be used"), "{error}");
}

#[test]
fn a_parent_that_is_not_ours_is_refused() {
    let place = Place::new();
    let elsewhere = place.root.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.root.path().join("link")).unwrap();
    let error = RunFolder::create_in(&place.root.path().join("link")).unwrap_err().to_string();
    assert!(error.contains("should be a folder, and is not"), "{error}");
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o777)).unwrap();
    let error = RunFolder::create_in(&elsewhere).unwrap_err().to_string();
    assert!(error.contains("is writable for other users"), "{error}");
}

#[test]
fn creating_and_sweeping_at_once() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let folder = place.run_folder();
                    RunFolder::sweep_in(&place.runs());
                    assert!(folder.path().join("lock").exists());
                }
            });
        }
    });
}
