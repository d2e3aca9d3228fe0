//! Flags of the stack, and how it is brought up so that an interruption at any moment cleans up.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use clap::builder::{FalseyValueParser, OsStringValueParser, TypedValueParser as _};
use lab_facts::exit::Exit;
use lab_facts::scenario::StackKind;
use lab_instrument::control::{self, Control, Desk};
use lab_instrument::fault::{self, Injector};
use lab_instrument::observe::backends::Backends;
use lab_instrument::observe::database::DatabaseWatch;
use lab_instrument::observe::store::{DEFAULT_BYTES, Store};
use lab_instrument::out;
use lab_instrument::stack::attached;
use lab_instrument::stack::embedded::{Options, SERVICES, STANDARD_PORTS};
use lab_instrument::stack::postgres::NotFound;
use lab_instrument::stack::postgres::fetch::{Source, WRITE_MIRROR};
use lab_instrument::stack::run_folder::RunFolder;
use lab_instrument::stack::{Notice, Running, children};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::mpsc;
use url::Url;

use super::Failure;
use super::attach::AttachFlags;
use super::fetching::Fetching;
use super::size::store_bytes;
use crate::tui::is_lent;

/// What becomes of a run that was interrupted before it could begin.
pub(crate) const INTERRUPTED: &str = "interrupted before the stack was ready";

/// How long the processes of a start that was given up may take to end: as long as PostgreSQL's guard does.
const CLEANING: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(crate) struct StackFlags {
    /// Where the system runs: with the lab, already, or nowhere in its hands; else as the scenarios say
    #[arg(long, env = "LAB_STACK", value_enum)]
    stack: Option<Kind>,
    #[command(flatten)]
    attach: AttachFlags,
    /// Use this PostgreSQL instead of a private one, such as postgresql://user:password@host:5432/database; of what is attached, read it
    #[arg(long, value_name = "URL", env = "LAB_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where initdb and postgres are, if not on PATH or in one of the usual places
    #[arg(long, value_name = "FOLDER", env = "LAB_PG_BIN", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pg_bin: Option<PathBuf>,
    /// Use this version of PostgreSQL, fetched once, whatever this machine has, such as 17.6
    #[arg(long, value_name = "VERSION", env = "LAB_PG_VERSION")]
    pg_version: Option<String>,
    /// Fetch PostgreSQL from here, where it has to be fetched: the address before /VERSION/postgresql-VERSION-SYSTEM.tar.gz
    #[arg(long, value_name = "URL", env = "LAB_PG_MIRROR", hide_env_values = true)]
    pg_mirror: Option<String>,
    /// Fetch nothing: a PostgreSQL must be here, or have been fetched before
    #[arg(long, env = "LAB_NO_DOWNLOAD", value_parser = FalseyValueParser::new())]
    no_download: bool,
    /// Insist on a port: frontend, dice-roller, die-service, postgres, otlp-grpc, otlp-http or tempo
    #[arg(long = "port", value_name = "NAME=PORT", env = "LAB_PORT", value_delimiter = ',', value_parser = port)]
    ports: Vec<(String, u16)>,
    /// How much memory traces and log lines may take before newer ones push out the oldest, at least 16MiB; 256MiB if not given
    #[arg(long, value_name = "SIZE", env = "LAB_STORE_BYTES", value_parser = store_bytes)]
    store_bytes: Option<usize>,
    /// Further environment of the services, such as DB_POOL_MAX=4
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// The lab's own services and a PostgreSQL
    Embedded,
    /// Services that run already: --service says where
    Attach,
    /// Requests go to whole URLs, or to the scenario's own services
    None,
}

impl From<Kind> for StackKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self::Embedded,
            Kind::Attach => Self::Attach,
            Kind::None => Self::None,
        }
    }
}

/// A stack that is up, and what goes with it.
pub(crate) struct Up {
    pub(crate) stack: Running,
    pub(crate) control: Control,
    /// Where others ask for the figures of the run that is on.
    pub(crate) desk: Desk,
    /// What further programs tell their ends by.
    pub(crate) told: mpsc::UnboundedSender<Notice>,
    /// Further environment of the services.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) store: Store,
    pub(crate) backends: Backends,
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
    pub(crate) interrupts: Interrupts,
    pub(crate) injector: Injector,
    pub(crate) database: DatabaseWatch,
}

impl StackFlags {
    /// Brings the stack up. `None` when the user interrupted it, which was told; nothing is left then.
    /// `needed` is the stack that the scenarios need, unless the user insists on another. `more` goes into the services' environment,
    /// unless the user set it.
    pub(crate) async fn start(
        mut self,
        needed: Option<StackKind>,
        more: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Up>, Failure> {
        let (insisted, attached) = self.attached().map_err(|error| Failure::new(Exit::BadInput, error))?;
        let kind = insisted.or(needed).unwrap_or_default();
        let env = self.env.clone();
        let store = Store::new(self.store_bytes.unwrap_or(DEFAULT_BYTES));
        self.env.splice(..0, more);
        self.database_url = self.database_url.filter(|url| !url.is_empty());
        // What is attached is not the lab's to restore either.
        let somebody_elses = kind == StackKind::Embedded && self.database_url.is_some();
        let options = self.options(kind, attached).map_err(|error| Failure::new(Exit::BadInput, error))?;
        let mut interrupts = Interrupts::listen()?;
        let (told, notices) = mpsc::unbounded_channel();
        let mut fetching = Fetching::new();
        if kind == StackKind::Embedded {
            fetching.begin();
        }
        let mut fetched = |progress| fetching.show(progress);
        let stack = tokio::select! {
            stack = Running::start(kind, &options, &store, &told, &mut fetched) => Some(stack),
            () = interrupts.next() => None,
        };
        // Its line goes before anything else is said.
        drop(fetching);
        let Some(stack) = stack else {
            interrupts.cleaned_up().await;
            // A child inherits the folder's lock until it has become its own program, which may be after the start was given up.
            RunFolder::sweep();
            out::note(&format!("lab: {INTERRUPTED}"));
            return Ok(None);
        };
        let stack = stack.map_err(|error| {
            // A folder that the user named and that is wrong is a bad flag; programs that are nowhere are not.
            let bad_flag = options.postgres.bin.is_some() && error.is::<NotFound>();
            Failure::new(if bad_flag { Exit::BadInput } else { Exit::NotReady }, error)
        })?;
        let ready = async {
            let database = DatabaseWatch::start(stack.database.as_ref())?;
            let (desk, run) = control::desk(&stack.endpoints);
            let control = control::serve(stack.folder(), &stack.endpoints, store.clone(), database.clone(), run)?;
            anyhow::Ok((control, desk, injector(&stack, somebody_elses).await?, database))
        };
        match ready.await {
            Ok((control, desk, injector, database)) => Ok(Some(Up {
                stack,
                control,
                desk,
                told,
                env,
                store,
                backends: Backends::default(),
                notices,
                interrupts,
                injector,
                database,
            })),
            Err(error) => {
                stack.stop().await;
                Err(Failure::new(Exit::NotReady, error))
            }
        }
    }

    /// The stack that the user insists on, and what is attached.
    ///
    /// # Errors
    /// When the flags do not go together.
    pub(crate) fn attached(&self) -> anyhow::Result<(Option<StackKind>, attached::Options)> {
        self.attach.read(self.stack.map(StackKind::from))
    }

    /// A variable that is set to nothing counts as not set.
    fn options(self, kind: StackKind, attached: attached::Options) -> anyhow::Result<Options> {
        let mirror = self.pg_mirror.filter(|mirror| !mirror.is_empty());
        // The parser's own words may repeat a password, and say nothing to who uses it.
        let mirror = mirror.map(|mirror| Url::parse(&mirror).map_err(|_| anyhow!("{WRITE_MIRROR}"))).transpose()?;
        if self.database_url.as_ref().is_some_and(|url| Url::parse(url).is_err()) {
            bail!("the database URL cannot be read; write postgresql://user:password@host:5432/database");
        }
        for (index, (name, port)) in self.ports.iter().enumerate() {
            if let Some((_, other)) = self.ports[..index].iter().find(|(other, _)| other == name) {
                bail!("{name} cannot have both port {other} and port {port}; name it once");
            }
        }
        let options = Options {
            ports: self.ports.into_iter().collect(),
            database_url: self.database_url,
            postgres: Source {
                bin: self.pg_bin.filter(|folder| !folder.as_os_str().is_empty()),
                version: self.pg_version.filter(|version| !version.is_empty()),
                mirror,
                no_download: self.no_download,
                ..Source::default()
            },
            env: self.env,
            attached,
        };
        options.check(kind)?;
        if kind == StackKind::Embedded {
            for service in SERVICES {
                services::check(service, &options.env).map_err(|why| anyhow!("{service} would not start with that --env: {why}"))?;
            }
        }
        Ok(options)
    }
}

/// What brings faults about, once nothing is left of those of an earlier lab.
async fn injector(stack: &Running, somebody_elses: bool) -> anyhow::Result<Injector> {
    if somebody_elses {
        for restored in fault::restore_left_behind(&stack.access).await? {
            out::note(&format!("restored what an earlier lab could not: {restored}"));
        }
    }
    Injector::new(&stack.access)
}

/// SIGINT, SIGTERM and SIGHUP: the three ways in which a user, a supervisor or a closing terminal ends a program.
pub(crate) struct Interrupts {
    signals: mpsc::UnboundedReceiver<i32>,
}

impl Interrupts {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (sender, signals) = mpsc::unbounded_channel();
        // Not tokio's: what comes while it is about to listen is heard by nobody, and has lost its usual end already.
        let mut heard = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| Failure::new(Exit::NotReady, error))?;
        std::thread::spawn(move || heard.forever().try_for_each(|signal| sender.send(signal)));
        Ok(Self { signals })
    }

    /// Waits until nothing is left of a start that was given up, unless the user is impatient.
    pub(crate) async fn cleaned_up(&mut self) {
        tokio::select! {
            () = children::ended(CLEANING) => {}
            () = self.next() => {}
        }
    }

    /// The same while there is a screen: a Ctrl-C in the editor that has the terminal is not the lab's.
    pub(crate) async fn of_screen(&mut self) {
        while self.heard().await == SIGINT && is_lent() {}
    }

    pub(crate) async fn next(&mut self) {
        self.heard().await;
    }

    async fn heard(&mut self) -> i32 {
        match self.signals.recv().await {
            Some(signal) => signal,
            // Cannot happen while the thread above lives; never is the right answer then.
            None => std::future::pending().await,
        }
    }
}

fn port(text: &str) -> Result<(String, u16), String> {
    let names = STANDARD_PORTS.map(|(name, _)| name);
    let (name, number) = text.split_once('=').ok_or("write NAME=PORT, such as frontend=9000")?;
    if !names.contains(&name) {
        return Err(format!("`{name}` has no port; known: {}", names.join(", ")));
    }
    match number.parse() {
        Ok(number) if number > 0 => Ok((name.to_owned(), number)),
        _ => Err(format!("`{number}` is no port; write 1 to 65535")),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, such as DB_POOL_MAX=4".to_owned()),
    }
}
