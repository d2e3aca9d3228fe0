//! The embedded stack: a private PostgreSQL, and the three services as child processes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lab_facts::event::ProcessChange;
use lab_facts::scenario::StackKind;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use url::Url;

use super::attached;
use super::ground::Ground;
use super::port::Port;
use super::postgres::fetch::Progress;
use super::postgres::{self, PrivatePostgres, Source};
use super::service::{Service, Spec};
use super::{Access, Notice, Secret};
use crate::http;
use crate::observe::store::Store;
use crate::tasks;

/// The services of the embedded stack, in the order in which they start.
pub const SERVICES: [&str; 3] = ["die-service", "dice-roller", "frontend"];

/// Everything that has a port, with the port it has where that is free.
pub const STANDARD_PORTS: [(&str, u16); 7] = [
    ("die-service", 8109),
    ("dice-roller", 8110),
    ("frontend", 8111),
    ("postgres", 5432),
    ("otlp-grpc", 4317),
    ("otlp-http", 4318),
    ("tempo", 3200),
];

/// How long the chain may take until frontend says that it is ready.
const READY: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);
/// How long somebody else's database may take to answer.
const DATABASE: Duration = Duration::from_secs(5);
const WRITE_URL: &str = "write postgresql://user:password@host:5432/database";

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ports that the user named, by the names of [`STANDARD_PORTS`].
    pub ports: BTreeMap<String, u16>,
    /// An existing database instead of a private one.
    pub database_url: Option<String>,
    /// Where the PostgreSQL programs come from, where there is no such database.
    pub postgres: Source,
    /// Further environment of the services; wins over the lab's own.
    pub env: Vec<(String, String)>,
    /// What runs already, where that is the stack.
    pub attached: attached::Options,
}

/// The running system.
#[derive(Debug)]
pub(super) struct Embedded {
    /// What faults need to know.
    pub(super) access: Access,
    /// The database's URL, as it may be shown.
    pub(super) shown_database: String,
    services: Vec<Service>,
    postgres: Option<PrivatePostgres>,
}

impl Options {
    /// Whether the options make sense by themselves and on that stack; nothing is asked or started.
    ///
    /// # Errors
    /// What does not, without the secrets in it.
    pub fn check(&self, kind: StackKind) -> anyhow::Result<()> {
        let embedded = kind == StackKind::Embedded;
        let there = |name: &&String| embedded || name.starts_with("otlp-") || *name == "tempo";
        if let Some(missing) = self.ports.keys().find(|name| !there(name)) {
            bail!("the stack `{}` has no {missing}; leave its port out", kind.name());
        }
        if kind == StackKind::None {
            ensure!(self.database_url.is_none(), "the stack `none` has no database; leave the database URL out");
            return Ok(());
        }
        let postgres = &self.postgres;
        if !embedded && (postgres.bin.is_some() || postgres.version.is_some() || postgres.mirror.is_some()) {
            bail!("the stack `attach` starts no PostgreSQL; leave --pg-bin, --pg-version and --pg-mirror out");
        }
        for (name, port) in &self.ports {
            let other = self.ports.iter().find(|(other, number)| *other != name && *number == port);
            ensure!(other.is_none(), "{name} and {} cannot both have port {port}", other.map_or("", |(other, _)| other));
        }
        for (name, value) in &self.env {
            // Where a service listens, and what it answered, the lab learns from INFO lines.
            let loud = ["info", "debug", "trace"].contains(&value.to_lowercase().as_str());
            ensure!(
                name != "RUST_LOG" && (name != "LOG_LEVEL" || loud),
                "the lab reads the services' INFO lines; {name} may be LOG_LEVEL=info or debug"
            );
        }
        self.postgres.check()?;
        let Some(url) = &self.database_url else { return Ok(()) };
        let shown = without_password(url)?;
        ensure!(shown.starts_with("postgresql://") || shown.starts_with("postgres://"), "{WRITE_URL}");
        url.parse::<PgConnectOptions>().map(drop).with_context(|| format!("{shown} cannot be used; {WRITE_URL}"))
    }
}

impl Embedded {
    /// Starts everything and waits until the whole chain is ready. A dropped start leaves nothing behind.
    pub(super) async fn start(
        options: &Options,
        ground: &Ground,
        store: &Store,
        notices: &mpsc::UnboundedSender<Notice>,
        told: &mut dyn FnMut(Progress),
    ) -> anyhow::Result<Self> {
        let exe = std::env::current_exe().context("cannot find the lab's own program")?;
        let (postgres, database_url) = match &options.database_url {
            Some(url) => {
                check_database(url).await?;
                (None, url.clone())
            }
            None => {
                let programs = options.postgres.programs(told).await?;
                let mut wanted = postgres::Options::new(programs, ground.folder.path())?;
                wanted.port = port_of(options, "postgres");
                let postgres = PrivatePostgres::start(wanted).await?;
                forward(&postgres, notices.clone());
                let url = postgres.service_url();
                (Some(postgres), url)
            }
        };

        let mut env = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("http://{}", ground.otlp_grpc)),
            ("OTEL_SEMCONV_STABILITY_OPT_IN".to_owned(), "database/dup".to_owned()),
        ];
        let fault_token = Secret::random();
        let mut services: Vec<Service> = Vec::new();
        let mut urls = BTreeMap::new();
        for name in SERVICES {
            let mut own = env.clone();
            if name == "die-service" {
                own.push(("DATABASE_URL".to_owned(), database_url.clone()));
                // So that a session which waits for a lock leads to the trace that waits with it.
                own.push(("DB_SQLCOMMENTER".to_owned(), "true".to_owned()));
            }
            if name == "frontend" {
                // Where the user named no other address, the page's traces are looked at in the lab.
                own.push(("TRACE_URL_TEMPLATE".to_owned(), format!("http://{}/trace/{{trace_id}}", ground.tempo)));
            }
            own.extend(options.env.iter().cloned());
            own.push(("LAB_FAULT_TOKEN".to_owned(), fault_token.expose().to_owned()));
            let spec = Spec { name, env: own, port: port_of(options, name), exe: exe.clone() };
            let service = Service::start(spec, store.clone(), notices.clone()).await?;
            // Those that follow in the chain know those before them.
            env.push((format!("{}_URL", name.to_uppercase().replace('-', "_")), service.url.to_string()));
            urls.insert(name.to_owned(), service.url.clone());
            services.push(service);
        }
        await_ready(&services).await?;
        let shown_database = without_password(&database_url)?;
        let access = Access { services: urls, database: Some(database_url.into()), fault_token };
        Ok(Self { access, shown_database, services, postgres })
    }

    /// Returns when the database is gone for good; never where it is somebody else's.
    pub(super) async fn lost(&self) {
        match &self.postgres {
            Some(postgres) => postgres.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Ends everything in order: the services first, which flush what they have, then the database.
    pub(super) async fn stop(self) {
        // The door first, so that what is under way inside can still end.
        for service in self.services.into_iter().rev() {
            service.stop().await;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

pub(super) fn port_of(options: &Options, name: &str) -> Port {
    let standard = STANDARD_PORTS.iter().find(|(known, _)| *known == name).map_or(0, |(_, port)| *port);
    options.ports.get(name).map_or(Port::Preferred(standard), |port| Port::Named(*port))
}

/// Refuses somebody else's database before anything is started on it.
pub(super) async fn check_database(url: &str) -> anyhow::Result<()> {
    let shown = without_password(url)?;
    let options: PgConnectOptions = url.parse()?;
    let connect = tokio::time::timeout(DATABASE, options.connect());
    let connection = connect.await.with_context(|| format!("the database at {shown} did not answer within {} s", DATABASE.as_secs()))?;
    connection.with_context(|| format!("cannot use the database at {shown}"))?;
    Ok(())
}

/// The URL as it may be shown.
pub(super) fn without_password(url: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(url).with_context(|| format!("the database URL cannot be read; {WRITE_URL}"))?;
    if url.password().is_some() {
        // Fails for URLs without a host, which have no password.
        let _ = url.set_password(Some("…"));
    }
    url.set_query(None);
    Ok(url.to_string().replace("%E2%80%A6", "…"))
}

/// Deaths and returns of the database, as far as anybody listens.
fn forward(postgres: &PrivatePostgres, notices: mpsc::UnboundedSender<Notice>) {
    let mut events = postgres.events();
    tasks::spawn(async move {
        loop {
            let change = match events.recv().await {
                Ok(postgres::Event::Exited { status, .. }) => ProcessChange::Exited(status),
                Ok(postgres::Event::Started { .. }) => ProcessChange::Restarted,
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let _ = notices.send(Notice { name: "postgres".to_owned(), change });
        }
    });
}

/// Readiness goes down the chain: the last service started is ready when all before it are.
async fn await_ready(services: &[Service]) -> anyhow::Result<()> {
    let Some(door) = services.last() else { return Ok(()) };
    let client = http::local().build()?;
    let url = door.url.join("/health/ready")?;
    let mut said = String::new();
    let ready = async {
        loop {
            match client.get(url.clone()).send().await {
                Ok(response) if response.status().is_success() => return,
                Ok(response) => said = format!("it answers {}", response.status()),
                Err(error) => said = error.to_string(),
            }
            tokio::time::sleep(READY_POLL).await;
        }
    };
    let waited = tokio::time::timeout(READY, ready).await;
    waited.with_context(|| format!("the stack was not ready within {} s: {url}: {said}", READY.as_secs()))
}
