//! One lab in a folder of its own, so that tests run side by side and each sees what it leaves behind.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder in which labs run: nobody else's lab is found or disturbed.
pub(crate) struct Place {
    folder: TempDir,
    cache: PathBuf,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lab").tempdir().unwrap();
        // PostgreSQL's own user must be able to walk through it.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache") }
    }

    /// With a cache of its own, in which there is nothing yet.
    pub(crate) fn cold() -> Self {
        let mut place = Self::new();
        place.cache = place.path("cache");
        place
    }

    pub(crate) fn use_cache(&mut self, cache: PathBuf) {
        self.cache = cache;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `lab` with these arguments. The database template is shared by all tests, as it is by all of a user's labs.
    pub(crate) fn lab(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command
            .args(arguments)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env("TMPDIR", self.folder.path())
            .env("LAB_CACHE_DIR", &self.cache)
            .env("LAB_DATA_DIR", self.path("data"))
            .env("LAB_CONFIG", "/dev/null")
            .env_remove("LAB_EVENTS")
            .env_remove("LAB_NO_RECORD")
            .env_remove("LAB_BASELINE")
            .env_remove("LAB_NOISE_THRESHOLD")
            .env_remove("LAB_FAIL_ON_REGRESSION")
            .env_remove("LAB_TIME_SCALE")
            .env_remove("LAB_JSON")
            .env_remove("LAB_JUNIT")
            .env_remove("LAB_HTML")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("GITHUB_ACTIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs to the end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.lab(arguments).spawn().unwrap()).await
    }

    /// `lab up` with these flags, once it is up.
    pub(crate) async fn up(&self, flags: &[&str]) -> Up {
        let mut arguments = vec!["up"];
        arguments.extend(flags);
        let mut child = self.lab(&arguments).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let up = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.starts_with("the stack is up") {
                    return;
                }
                said += &line;
            }
            panic!("lab up ended: {said}");
        };
        tokio::time::timeout(PATIENCE, up).await.expect("lab up");
        // Read on, so that it never waits for its reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let status = self.status(child.id().unwrap()).await.unwrap();
        Up { child, status }
    }

    /// `lab run` with these arguments, once its services have answered `requests` at the service named.
    pub(crate) async fn run_until(&self, arguments: &[&str], service: &str, requests: f64) -> Up {
        let child = self.lab(&[&["run"], arguments].concat()).spawn().unwrap();
        let pid = child.id().unwrap();
        until("the stack", PATIENCE, || async { self.status(pid).await.is_some() }).await;
        let up = Up { child, status: self.status(pid).await.unwrap() };
        let base = &up.url(service);
        until("the load", PATIENCE, || async move {
            let answered = [
                metric(base, "http_requests_total", &[("handler", "/roll")]).await,
                metric(base, "http_requests_total", &[("handler", "/dice")]).await,
            ];
            answered.into_iter().flatten().any(|answered| answered >= requests)
        })
        .await;
        up
    }

    /// What the lab of that process says of itself, once it does.
    pub(crate) async fn status(&self, pid: u32) -> Option<Value> {
        let status = self.run(&["status", "--json", "--lab", &pid.to_string()]).await;
        serde_json::from_str(&status.stdout).ok()
    }

    /// Nothing of any lab is left in this place.
    pub(crate) fn assert_empty(&self) {
        let folders: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir() && path.file_name().unwrap().to_string_lossy().starts_with("obslab-"))
            .flat_map(|path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()))
            .collect();
        assert!(folders.is_empty(), "left behind: {folders:?}");
    }
}

/// A stack that is up.
pub(crate) struct Up {
    pub(crate) child: Child,
    status: Value,
}

impl Up {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// `http://127.0.0.1:port` of a service.
    pub(crate) fn url(&self, service: &str) -> String {
        self.status["endpoints"]["services"][service].as_str().unwrap().trim_end_matches('/').to_owned()
    }

    /// Of what is no service, such as `otlp_http`.
    pub(crate) fn address(&self, name: &str) -> String {
        self.status["endpoints"][name].as_str().unwrap().to_owned()
    }

    pub(crate) fn postgres_port(&self) -> u16 {
        let url = self.status["endpoints"]["database"].as_str().unwrap();
        url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0.parse().unwrap()
    }

    /// As the services know it.
    pub(crate) fn database_url(&self) -> String {
        format!("postgresql://diceuser:dicepass@127.0.0.1:{}/dicedb", self.postgres_port())
    }

    /// Ctrl-C, and the wait for the end.
    pub(crate) async fn stop(self) {
        signal(self.pid(), Signal::INT);
        assert_eq!(ended(self.child).await.code, Some(0));
    }
}

pub(crate) async fn ended(child: Child) -> Ended {
    ended_within(PATIENCE, child).await
}

pub(crate) async fn ended_within(limit: Duration, mut child: Child) -> Ended {
    async fn read(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
        let mut text = String::new();
        if let Some(mut stream) = stream {
            stream.read_to_string(&mut text).await.unwrap();
        }
        text
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let all = async { tokio::join!(child.wait(), read(stdout), read(stderr)) };
    let (status, stdout, stderr) = tokio::time::timeout(limit, all).await.expect("the lab did not end");
    Ended { code: status.unwrap().code(), stdout, stderr }
}

pub(crate) fn client() -> reqwest::Client {
    lab_instrument::http::local().build().unwrap()
}

/// Status and JSON body of a GET.
pub(crate) async fn get(url: &str) -> (u16, Value) {
    let response = client().get(url).send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The value of a metric with these labels at a service's `/metrics`; `None` when it is not there.
pub(crate) async fn metric(base: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let text = client().get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    let matches = |line: &&str| {
        let named = line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        named && labels.iter().all(|(key, value)| line.contains(&format!("{key}=\"{value}\"")))
    };
    let found: Vec<f64> = text.lines().filter(matches).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// Waits until a condition holds; says what it waited for when it never does.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + limit;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited {limit:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A process and all below it, each with its command line. A process is told from a later one of the same number by its start.
pub(crate) fn family(root: u32) -> Vec<(u32, u64, String)> {
    let system = processes();
    let mut known = HashSet::from([sysinfo::Pid::from_u32(root)]);
    loop {
        let children: Vec<_> = system
            .processes()
            .values()
            .filter(|process| process.thread_kind().is_none())
            .filter(|process| process.parent().is_some_and(|parent| known.contains(&parent)) && !known.contains(&process.pid()))
            .map(sysinfo::Process::pid)
            .collect();
        if children.is_empty() {
            break;
        }
        known.extend(children);
    }
    let known = known.into_iter().filter_map(|pid| system.process(pid));
    known.map(|process| (process.pid().as_u32(), process.start_time(), command_line(process))).collect()
}

/// Those of the family that still live.
pub(crate) fn alive(family: &[(u32, u64, String)]) -> Vec<String> {
    let system = processes();
    let lives = |(pid, start, _): &&(u32, u64, String)| {
        let process = system.process(sysinfo::Pid::from_u32(*pid));
        process.is_some_and(|process| process.start_time() == *start && process.status() != sysinfo::ProcessStatus::Zombie)
    };
    family.iter().filter(lives).map(|(pid, _, command)| format!("{pid} {command}")).collect()
}

fn processes() -> System {
    let mut system = System::new().unwrap();
    let what = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    system
}

fn command_line(process: &sysinfo::Process) -> String {
    process.cmd().iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The spans of an OTLP message in JSON, each with what is asked of it in a place of its own.
pub(crate) fn otlp_spans(message: &Value) -> Vec<Value> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut spans = Vec::new();
    for batch in list(message, "resourceSpans") {
        let resource = attributes_of(&batch["resource"]["attributes"]);
        for span in list(&batch, "scopeSpans").iter().flat_map(|scope| list(scope, "spans")) {
            let kind = ["", "internal", "server", "client"][usize::try_from(span["kind"].as_u64().unwrap()).unwrap()];
            spans.push(serde_json::json!({
                "service": resource["service.name"], "name": span["name"], "kind": kind, "span_id": span["spanId"],
                "parent_span_id": span["parentSpanId"], "attributes": attributes_of(&span["attributes"]),
            }));
        }
    }
    spans
}

/// OTLP's attributes, by key.
pub(crate) fn attributes_of(list: &Value) -> Value {
    let plain = |value: &Value| match value.as_object().and_then(|value| value.iter().next()) {
        Some((kind, Value::String(number))) if kind == "intValue" => number.parse::<i64>().unwrap().into(),
        Some((_, value)) => value.clone(),
        None => Value::Null,
    };
    list.as_array().into_iter().flatten().map(|pair| (pair["key"].as_str().unwrap().to_owned(), plain(&pair["value"]))).collect()
}
