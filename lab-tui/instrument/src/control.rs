//! How other commands ask a running lab: its addresses in a file, its store behind a Unix socket, both in the run's own folder
//! and readable by its owner only.

mod database;
mod run;

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lab_facts::event::{Drops, TraceId};
use lab_facts::query::Query;
use lab_facts::trace::Trace;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::http;
use crate::http::serve::{self, Listener, Protocol};
use crate::observe::database::DatabaseWatch;
use crate::observe::found::FoundTrace;
use crate::observe::logs::{LogQuestion, LogReader, LogText};
use crate::observe::source::Source;
use crate::observe::store::Store;
use crate::stack::Endpoints;
use crate::stack::run_folder::RunFolder;
use crate::tasks;

pub use database::{DatabaseNow, PoolNow};
pub use run::{Asking, Desk, RunNow, RunWatch, desk};

const FILE: &str = "lab.json";
const ASIDE: &str = "lab.json.new";
const SOCKET: &str = "control.sock";

/// How long it takes whoever has the model to answer at the most: it is asked between two events. Between two runs nobody does.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a running lab says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the lab's own process.
    pub pid: u32,
    /// Of the program.
    pub version: String,
    /// Where everything is.
    pub endpoints: Endpoints,
    /// What it could not keep so far of the telemetry that came in.
    #[serde(default)]
    pub drops: Drops,
}

/// The lab's side: what it says of itself can change while it runs.
#[derive(Debug)]
pub struct Control {
    folder: PathBuf,
    status: Arc<Mutex<Status>>,
}

impl Control {
    /// Where everything is from now on.
    pub fn tell(&self, endpoints: &Endpoints) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.endpoints = endpoints.clone();
        // The socket knows it in any case.
        let _ = write(&self.folder, &status);
    }
}

/// Writes the file and answers on the socket for as long as the runtime lives.
///
/// # Errors
/// When the run's folder cannot be written.
pub fn serve(folder: &Path, endpoints: &Endpoints, store: Store, database: DatabaseWatch, run: RunWatch) -> anyhow::Result<Control> {
    let socket = folder.join(SOCKET);
    let listener = UnixListener::bind(&socket).with_context(|| format!("cannot make the control socket {}", socket.display()))?;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    let (version, drops) = (env!("CARGO_PKG_VERSION").to_owned(), Drops::default());
    let status = Status { pid: std::process::id(), version, endpoints: endpoints.clone(), drops };
    write(folder, &status)?;
    let status = Arc::new(Mutex::new(status));
    let told = Arc::clone(&status);
    let now = move || told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let tell = {
        let now = now.clone();
        move |State(store): State<Store>| async move { Json(Status { drops: store.drops(), ..now() }) }
    };
    let of_database = move || async move { database::answer(&database, &now().endpoints).await };
    let router = Router::new().route("/status", get(tell)).route("/traces", get(search)).route("/traces/{id}", get(trace));
    let of_run = move || async move { run::answer(&run).await };
    let router = router.route("/logs", post(logs)).with_state(store).route("/db", get(of_database)).route("/run", get(of_run));
    tasks::spawn(serve::serve(Listener::Unix(listener), Protocol::Http1, router, CancellationToken::new()));
    Ok(Control { folder: folder.to_owned(), status })
}

fn write(folder: &Path, status: &Status) -> anyhow::Result<()> {
    // Whoever reads it sees the old one or the new one.
    let aside = folder.join(ASIDE);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(&serde_json::to_vec_pretty(status)?)?;
    std::fs::rename(aside, folder.join(FILE))?;
    Ok(())
}

async fn trace(State(store): State<Store>, UrlPath(id): UrlPath<String>) -> Response {
    let Some(id) = TraceId::parse(&id) else { return StatusCode::NOT_FOUND.into_response() };
    match Source::Store(store).complete_trace(id).await {
        Ok(Some(trace)) => Json(trace).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What is looked for.
#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    q: String,
    limit: usize,
}

/// The newest traces that match, newest first.
async fn search(State(store): State<Store>, wanted: axum::extract::Query<Wanted>) -> Response {
    let Wanted { q, limit } = wanted.0;
    let query = match Query::parse(&q) {
        Ok(query) => query,
        Err(misread) => return (StatusCode::BAD_REQUEST, misread.to_string()).into_response(),
    };
    let looked = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        let always = 0..u64::MAX;
        let keep = |trace: &Trace, matched: &[usize]| found.push(FoundTrace::new(trace, matched.len()));
        store.search_newest(&query, std::slice::from_ref(&always), limit, keep);
        found
    });
    match looked.await {
        Ok(found) => Json(found).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The lines that fit, one JSON object a line; for who follows, until one of the two ends.
async fn logs(State(store): State<Store>, question: Json<LogQuestion>) -> Response {
    let filter = match question.filter() {
        Ok(filter) => filter,
        Err(refused) => return (StatusCode::BAD_REQUEST, refused).into_response(),
    };
    let pages = futures_util::stream::unfold(LogReader::new(store, filter, question.follow), async |mut reader| {
        let page = reader.next().await?;
        let lines: Result<String, serde_json::Error> = page.iter().map(|line| Ok(serde_json::to_string(line)? + "\n")).collect();
        Some((lines.map(Bytes::from), reader))
    });
    Body::from_stream(pages).into_response()
}

/// A running lab, to be asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// The newest lab that runs, or the one with that process ID.
    ///
    /// # Errors
    /// When there is none, or it cannot be reached.
    pub fn find(pid: Option<u32>) -> anyhow::Result<Self> {
        let mut folders: Vec<PathBuf> = RunFolder::live();
        if let Some(pid) = pid {
            folders.retain(|folder| folder.file_name().is_some_and(|name| name.to_string_lossy() == pid.to_string()));
        }
        let Some(socket) = folders.into_iter().map(|folder| folder.join(SOCKET)).find(|socket| socket.exists()) else {
            match pid {
                Some(pid) => bail!("no lab with process ID {pid} is running; leave --lab out to ask the newest"),
                None => bail!("no lab is running; start one with `lab` or `lab up`"),
            }
        };
        let http = http::local().unix_socket(socket).build()?;
        Ok(Self { http })
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> BoxFuture<'_, anyhow::Result<Status>> {
        async move { Ok(self.get("/status").await?.error_for_status()?.json().await?) }.boxed()
    }

    /// The figures of the run that is on; `None` while there is none.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn run(&self) -> BoxFuture<'_, anyhow::Result<Option<RunNow>>> {
        async move { Ok(self.get("/run").await?.error_for_status()?.json().await?) }.boxed()
    }

    /// What its database does.
    ///
    /// # Errors
    /// When it does not answer, has no database, or has not heard of it yet.
    pub fn database(&self) -> BoxFuture<'_, anyhow::Result<DatabaseNow>> {
        async move {
            let response = self.get("/db").await?;
            if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE) {
                bail!(response.text().await?);
            }
            Ok(response.error_for_status()?.json().await?)
        }
        .boxed()
    }

    /// One trace, which it completes for a moment where it is still being written; `None` when it does not hold it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn trace(&self, id: TraceId) -> BoxFuture<'_, anyhow::Result<Option<Trace>>> {
        async move {
            let response = self.get(&format!("/traces/{id}")).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            Ok(Some(response.error_for_status()?.json().await?))
        }
        .boxed()
    }

    /// The newest traces that match, newest first, at most `limit`.
    ///
    /// # Errors
    /// When it does not answer, or does not understand the query.
    pub fn search<'a>(&'a self, query: &'a Query, limit: u32) -> BoxFuture<'a, anyhow::Result<Vec<FoundTrace>>> {
        async move {
            let asked = self.http.get("http://lab/traces").query(&[("q", query.as_str()), ("limit", &limit.to_string())]);
            let response = asked.send().await.context("the lab does not answer")?;
            if response.status() == StatusCode::BAD_REQUEST {
                bail!("the lab does not understand the query: {}", response.text().await?);
            }
            Ok(response.error_for_status()?.json().await?)
        }
        .boxed()
    }

    /// Its log lines that fit, as they come.
    ///
    /// # Errors
    /// When it does not answer, or does not understand the question.
    pub fn logs<'a>(&'a self, question: &'a LogQuestion) -> BoxFuture<'a, anyhow::Result<Logs>> {
        async move {
            let response = self.http.post("http://lab/logs").json(question).send().await.context("the lab does not answer")?;
            if response.status() == StatusCode::BAD_REQUEST {
                bail!("the lab does not understand the question: {}", response.text().await?);
            }
            Ok(Logs { response: response.error_for_status()?, read: Vec::new() })
        }
        .boxed()
    }

    async fn get(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        self.http.get(format!("http://lab{path}")).send().await.context("the lab does not answer")
    }
}

/// Log lines that are on their way.
#[derive(Debug)]
pub struct Logs {
    response: reqwest::Response,
    read: Vec<u8>,
}

impl Logs {
    /// The next ones, at least one; `None` when there are no more.
    ///
    /// # Errors
    /// When the lab ends in the middle, or says something else than lines.
    pub fn page(&mut self) -> BoxFuture<'_, anyhow::Result<Option<Vec<LogText>>>> {
        async move {
            loop {
                let whole = self.read.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                if whole > 0 {
                    let lines: Vec<u8> = self.read.drain(..whole).collect();
                    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                    return Ok(Some(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?));
                }
                match self.response.chunk().await? {
                    Some(chunk) => self.read.extend_from_slice(&chunk),
                    None => return Ok(None),
                }
            }
        }
        .boxed()
    }
}
