//! A stack that runs, whichever it is.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use lab_facts::scenario::StackKind;
use tokio::sync::mpsc;

use super::attached::Attached;
use super::embedded::{Embedded, Options, check_database, without_password};
use super::ground::Ground;
use super::postgres::fetch::Progress;
use super::{Access, Endpoints, Notice, Secret};
use crate::observe::store::Store;

/// A stack that runs. Dropped, it ends soon and unwatched.
#[derive(Debug)]
pub struct Running {
    /// Where everything is.
    pub endpoints: Endpoints,
    /// What faults need to know; nothing of what is not the lab's to disturb.
    pub access: Access,
    /// Who is asked what its sessions do: the database's URL, with its password.
    pub database: Option<Secret>,
    /// What the user should know of it.
    pub remarks: Vec<String>,
    system: Option<Embedded>,
    ground: Ground,
}

impl Running {
    /// Starts everything and waits until it is ready. A dropped start leaves nothing behind. Where PostgreSQL has to be fetched first,
    /// `told` hears how far that is.
    ///
    /// # Errors
    /// Which part did not start, and why.
    pub fn start<'a>(
        kind: StackKind,
        options: &'a Options,
        store: &'a Store,
        notices: &'a mpsc::UnboundedSender<Notice>,
        told: &'a mut dyn FnMut(Progress),
    ) -> LocalBoxFuture<'a, anyhow::Result<Self>> {
        async move {
            let ground = Ground::start(options, store).await?;
            let mut running = Self::empty(ground);
            match kind {
                StackKind::Embedded => {
                    let system = Embedded::start(options, &running.ground, store, notices, told).await?;
                    running.endpoints.services.clone_from(&system.access.services);
                    running.endpoints.database = Some(system.shown_database.clone());
                    running.access = system.access.clone();
                    running.database.clone_from(&running.access.database);
                    running.system = Some(system);
                }
                StackKind::Attach => running.attach(options).await?,
                StackKind::None => {}
            }
            Ok(running)
        }
        .boxed_local()
    }

    /// No services, and no database.
    fn empty(ground: Ground) -> Self {
        let endpoints = Endpoints {
            services: BTreeMap::new(),
            metrics: BTreeMap::new(),
            attached: Vec::new(),
            database: None,
            otlp_grpc: format!("http://{}", ground.otlp_grpc),
            otlp_http: format!("http://{}", ground.otlp_http),
            tempo: Some(format!("http://{}", ground.tempo)),
        };
        let access = Access { services: BTreeMap::new(), database: None, fault_token: Secret::random() };
        Self { endpoints, access, database: None, remarks: Vec::new(), system: None, ground }
    }

    /// Finds what runs already. None of it is for faults.
    async fn attach(&mut self, options: &Options) -> anyhow::Result<()> {
        if let Some(url) = &options.database_url {
            check_database(url).await?;
            self.endpoints.database = Some(without_password(url)?);
            self.database = Some(url.clone().into());
        }
        let Attached { metrics, remarks } = Attached::find(&options.attached).await?;
        self.endpoints.services.clone_from(&options.attached.services);
        self.endpoints.attached = options.attached.services.keys().cloned().collect();
        self.endpoints.metrics = metrics;
        self.remarks = remarks;
        Ok(())
    }

    /// The run's own folder, which dies with it.
    pub fn folder(&self) -> &Path {
        self.ground.folder.path()
    }

    /// Returns when the private database is gone for good; never where there is none.
    pub async fn lost(&self) {
        match &self.system {
            Some(system) => system.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Ends everything in order.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        async move {
            if let Some(system) = self.system {
                system.stop().await;
            }
        }
        .boxed()
    }
}
