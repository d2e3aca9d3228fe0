//! The private PostgreSQL of one lab: found on this machine or fetched, filled from a template, guarded by a process that ends it
//! however the lab ends.
//!
//! All slow work (`initdb`, copying, starting) is done in the guard process: dropping [`PrivatePostgres`] or the future
//! of [`PrivatePostgres::start`] closes the guard's pipe, and everything ends within three seconds.

mod config;
pub mod fetch;
pub mod guard;
mod inbox;
pub mod processes;
pub mod programs;
mod server;
pub mod template;
pub mod user;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub use fetch::Source;
pub use guard::Event;
pub use programs::{NotFound, Programs};
pub use template::default_cache;

use super::port::{Port, PortTaken};
use crate::out::sentence;
use crate::tasks;
use guard::Settings;

/// The services' login role, which owns their database. Its password is public: it opens nothing but throw-away data.
pub const ROLE: &str = "diceuser";
pub const PASSWORD: &str = "dicepass";
pub const DATABASE: &str = "dicedb";

/// How long the guard may take to end the server and clear away.
const GUARD_END: Duration = Duration::from_secs(5);
/// Longer than the slowest machine needs for `initdb` and a start.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a private server is started from.
#[derive(Debug, Clone)]
pub struct Options {
    pub programs: Programs,
    /// The run folder, see [`super::run_folder::RunFolder::path`].
    pub folder: PathBuf,
    /// Where templates are kept between runs, see [`default_cache`]. Without one every start runs `initdb`.
    pub cache: Option<PathBuf>,
    pub port: Port,
    /// The program that understands `guard` as its first argument.
    pub guard_exe: PathBuf,
}

impl Options {
    /// The usual options: the preferred port is 5432, and this very program is the guard.
    ///
    /// # Errors
    /// The system cannot tell the path of this program.
    pub fn new(programs: Programs, folder: &Path) -> std::io::Result<Self> {
        Ok(Self {
            programs,
            folder: folder.to_owned(),
            cache: default_cache(),
            port: Port::Preferred(5432),
            guard_exe: std::env::current_exe()?,
        })
    }
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error(transparent)]
    PortTaken(#[from] PortTaken),
    /// Displayed with its causes; where the server itself failed, with the last lines of its log.
    #[error("the private PostgreSQL did not start: {said}", said = sentence(.0))]
    Other(anyhow::Error),
}

/// Not a source: its causes are in the text already, and would be told twice.
impl From<anyhow::Error> for StartError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// A running server. Dropping it ends the server soon afterwards; [`PrivatePostgres::stop`] waits for that.
#[derive(Debug)]
pub struct PrivatePostgres {
    /// Its end is what the guard waits for.
    stdin: ChildStdin,
    guard: Child,
    events: broadcast::Sender<Event>,
    /// Set when the guard has ended, and the server with it.
    gone: CancellationToken,
    place: PathBuf,
    port: u16,
    from_template: bool,
    password: String,
}

impl PrivatePostgres {
    /// Starts the server and returns when it can be used.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing is left behind then, nor when the future is dropped.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        tokio::time::timeout(START_LIMIT, Self::start_unlimited(options))
            .await
            .map_err(|_| anyhow!("it was not ready after {} s", START_LIMIT.as_secs()))?
    }

    async fn start_unlimited(options: Options) -> Result<Self, StartError> {
        let Options { programs, folder, cache, port, guard_exe } = options;
        // The guard works elsewhere.
        let absolute = |path: PathBuf| std::path::absolute(&path).with_context(|| format!("{}", path.display()));
        let (folder, cache) = (absolute(folder)?, cache.map(absolute).transpose()?);
        let place = folder.join("postgres");
        let settings = Settings { programs, folder, cache, port };
        let (mut guard, stdin, mut lines) = spawn_guard(&guard_exe, &settings).await?;
        let (port, from_template) = match started(&mut lines).await {
            Ok(started) => started,
            Err(error) => {
                // It tells why it ends while it still clears away; the folder is the lab's to remove afterwards.
                drop(stdin);
                let _ = tokio::time::timeout(GUARD_END, guard.wait()).await;
                return Err(error);
            }
        };
        let (events, _) = broadcast::channel(64);
        let password = format!("{:032x}", rand::random::<u128>());
        let gone = CancellationToken::new();
        let this = Self { stdin, guard, events, gone: gone.clone(), place, port, from_template, password };
        this.set_superuser_password().await.context("cannot set the superuser's password")?;
        let (events, data) = (this.events.clone(), this.place.join("data"));
        tasks::spawn(async move {
            while let Some(event) = next_event(&mut lines).await {
                // Nobody may be listening.
                let _ = events.send(event);
            }
            // The guard has ended: in order, or because somebody killed it. A server without its guard would outlive the lab.
            let _ = tokio::task::spawn_blocking(move || processes::end_in(&data, Duration::from_secs(1))).await;
            let _ = events.send(Event::Exited { status: "for good, with its guard process".to_owned() });
            gone.cancel();
        });
        Ok(this)
    }

    /// Through the socket, where the system itself tells the server who connects.
    async fn set_superuser_password(&self) -> sqlx::Result<()> {
        let options = options(self.port).socket(self.place.join("socket")).username("postgres").database("postgres");
        // It is ready, or restarting because somebody killed it this very moment.
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut connection = loop {
            match options.connect().await {
                Err(_) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                result => break result?,
            }
        };
        // Neither the log nor the statistics that the lab shows may keep the statement.
        let quiet = "SET log_min_error_statement = panic; SET log_statement = none; SET log_min_duration_statement = -1; \
                     SET pg_stat_statements.track = none";
        sqlx::raw_sql(quiet).execute(&mut connection).await?;
        // Hexadecimal digits need no quoting.
        let alter = format!("ALTER ROLE postgres PASSWORD '{}'", self.password);
        sqlx::raw_sql(sqlx::AssertSqlSafe(alter)).execute(&mut connection).await?;
        connection.close().await
    }

    /// On 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the start was spared `initdb`.
    pub fn from_template(&self) -> bool {
        self.from_template
    }

    /// What the services connect to.
    pub fn service_url(&self) -> String {
        format!("postgresql://{ROLE}:{PASSWORD}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// The superuser's connection to the services' database. Its password was drawn for this run.
    pub fn superuser_options(&self) -> PgConnectOptions {
        options(self.port).username("postgres").password(&self.password).database(DATABASE)
    }

    /// The server's log, which is cut when it becomes long.
    pub fn log(&self) -> PathBuf {
        self.place.join("server.log")
    }

    /// Deaths and restarts of the server from now on. The channel closes when the guard ends.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Returns when the server is gone for good, because its guard is.
    pub async fn lost(&self) {
        self.gone.cancelled().await;
    }

    /// Ends the server and returns when it is gone.
    pub async fn stop(self) {
        let Self { stdin, mut guard, place, .. } = self;
        drop(stdin);
        if tokio::time::timeout(GUARD_END, guard.wait()).await.is_err() {
            let _ = guard.kill().await;
        }
        // If the guard was killed, its server still runs.
        let _ = tokio::task::spawn_blocking(move || {
            processes::end_in(&place.join("data"), Duration::from_secs(1));
            let _ = std::fs::remove_dir_all(&place);
        })
        .await;
    }
}

async fn spawn_guard(program: &Path, settings: &Settings) -> anyhow::Result<(Child, ChildStdin, Lines<BufReader<ChildStdout>>)> {
    let mut command = Command::new(program);
    // In its own process group, because Ctrl-C in the terminal is for the lab to answer.
    command.arg("guard").current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guard = command.spawn().with_context(|| format!("cannot start {} guard", program.display()))?;
    let mut stdin = guard.stdin.take().context("the guard has no input")?;
    let stdout = guard.stdout.take().context("the guard has no output")?;
    let mut line = serde_json::to_vec(settings).context("a path is not valid UTF-8")?;
    line.push(b'\n');
    stdin.write_all(&line).await.context("the guard does not listen")?;
    Ok((guard, stdin, BufReader::new(stdout).lines()))
}

/// The port of the server, and whether it came from the template, as soon as it can be used.
async fn started(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<(u16, bool), StartError> {
    loop {
        match next_event(lines).await {
            Some(Event::Started { port, from_template, .. }) => return Ok((port, from_template)),
            Some(Event::PortTaken(taken)) => return Err(taken.into()),
            Some(Event::Failed { reason }) => return Err(anyhow!(reason).into()),
            Some(Event::Exited { .. }) => {}
            None => return Err(anyhow!("its guard process ended unexpectedly").into()),
        }
    }
}

/// The guard's next event; nothing when it has ended.
async fn next_event(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Event> {
    loop {
        // A line that is no event can only come from something linked into the guard.
        if let Ok(event) = serde_json::from_str(&lines.next_line().await.ok()??) {
            return Some(event);
        }
    }
}

/// Where the server is, whatever `PG*` variables the lab was started with.
fn options(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable).application_name("obslab")
}
