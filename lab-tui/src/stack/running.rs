//! A stack that runs, whichever it is.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::sync::mpsc;

use super::embedded::{Embedded, Options};
use super::ground::Ground;
use super::postgres::fetch::Progress;
use super::{Access, Endpoints, Notice, Secret};
use crate::observe::store::Store;
use crate::scenario::StackKind;

/// A stack that runs. Dropped, it ends soon and unwatched.
#[derive(Debug)]
pub struct Running {
    /// Where everything is.
    pub endpoints: Endpoints,
    /// What faults need to know.
    pub access: Access,
    system: Option<Embedded>,
    ground: Ground,
}

impl Running {
    /// Starts everything and waits until it is ready. A dropped start leaves nothing behind. Where PostgreSQL has to be fetched first,
    /// `told` hears how far that is.
    ///
    /// # Errors
    /// Which part did not start, and why.
    pub async fn start(
        kind: StackKind,
        options: &Options,
        store: &Store,
        notices: &mpsc::UnboundedSender<Notice>,
        told: &mut dyn FnMut(Progress),
    ) -> anyhow::Result<Self> {
        let ground = Ground::start(options, store).await?;
        let system = match kind {
            StackKind::Embedded => Some(Embedded::start(options, &ground, store, notices, told).await?),
            StackKind::None => None,
        };
        let endpoints = Endpoints {
            services: system.as_ref().map(|system| system.access.services.clone()).unwrap_or_default(),
            metrics: BTreeMap::new(),
            database: system.as_ref().map(|system| system.shown_database.clone()),
            otlp_grpc: format!("http://{}", ground.otlp_grpc),
            otlp_http: format!("http://{}", ground.otlp_http),
            tempo: Some(format!("http://{}", ground.tempo)),
        };
        let nothing = || Access { services: BTreeMap::new(), database: None, fault_token: Secret::random() };
        let access = system.as_ref().map_or_else(nothing, |system| system.access.clone());
        Ok(Self { endpoints, access, system, ground })
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
    pub async fn stop(self) {
        if let Some(system) = self.system {
            system.stop().await;
        }
    }
}
