//! Asks the stack's database once a second what its sessions do, over one connection of its own.
//!
//! It is quiet: a server that was killed is asked again a second later, and what it says of the lab's own question is left out.

mod sample;
mod statement;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_facts::event::{DatabaseSample, Fact};
use sample::{Before, read};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::stack::Secret;
use crate::tasks;

/// What the connection is called.
const APPLICATION: &str = "lab";

/// How often it is asked.
const PERIOD: Duration = Duration::from_secs(1);

/// The server gives a question up after that long, so that a look at a server in trouble does not add to it; and it lets nothing be changed.
const OPTIONS: [(&str, &str); 2] = [("statement_timeout", "900"), ("default_transaction_read_only", "on")];

/// A server that is stopped gives nothing up, and is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A sample, and when it was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The moment.
    pub at: Instant,
    /// What the database said.
    pub sample: Arc<DatabaseSample>,
}

/// The newest sample, for whoever wants to know. Asking ends with the last of its copies.
#[derive(Debug, Clone)]
pub struct DatabaseWatch {
    /// Nothing where the stack has no database.
    newest: Option<watch::Receiver<Option<Taken>>>,
}

impl DatabaseWatch {
    /// Begins to ask, where there is a database.
    ///
    /// # Errors
    /// Its URL cannot be used.
    pub fn start(url: Option<&Secret>) -> anyhow::Result<Self> {
        let Some(url) = url else { return Ok(Self { newest: None }) };
        let options = url.expose().parse::<PgConnectOptions>().context("the database URL cannot be used")?;
        let options = options.application_name(APPLICATION).options(OPTIONS).disable_statement_logging();
        let (sender, newest) = watch::channel(None);
        tasks::spawn(ask(options, sender));
        Ok(Self { newest: Some(newest) })
    }

    /// Whether there is a database to ask.
    pub fn has_database(&self) -> bool {
        self.newest.is_some()
    }

    /// What it said last.
    pub fn newest(&self) -> Option<Taken> {
        self.newest.as_ref()?.borrow().clone()
    }

    /// Tells each sample from now on. Never ends.
    pub async fn tell_all(&self, tell: impl Fn(Fact)) {
        if let Some(mut newest) = self.newest.clone() {
            newest.mark_unchanged();
            while newest.changed().await.is_ok() {
                let taken = newest.borrow_and_update().clone();
                if let Some(taken) = taken {
                    tell(Fact::Database(DatabaseSample::clone(&taken.sample)));
                }
            }
        }
        std::future::pending::<()>().await;
    }
}

/// Asks until nobody wants to know any more.
async fn ask(options: PgConnectOptions, sender: watch::Sender<Option<Taken>>) {
    let (mut connection, mut before) = (None, Before::default());
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = period.tick() => {}
            () = sender.closed() => return,
        }
        // A connection that failed, or did not answer in time, is dropped; the next one is made at the next turn.
        let Ok(Ok((open, sample))) = tokio::time::timeout(PATIENCE, look(connection.take(), &options, &mut before)).await else {
            before.forget();
            continue;
        };
        connection = Some(open);
        sender.send_replace(Some(Taken { at: Instant::now(), sample: Arc::new(sample) }));
    }
}

async fn look(open: Option<PgConnection>, options: &PgConnectOptions, before: &mut Before) -> sqlx::Result<(PgConnection, DatabaseSample)> {
    let mut connection = match open {
        Some(open) => open,
        None => options.connect().await?,
    };
    let sample = read(&mut connection, before).await?;
    Ok((connection, sample))
}
