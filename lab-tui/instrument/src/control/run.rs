//! What a running lab knows of the run that is on: whoever has the model is asked, and says it as of now.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use lab_facts::model::Model;
use lab_facts::verdict::Verdict;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::report::{self, Summary};
use crate::stack::Endpoints;

/// The figures of a run, as of now.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunNow {
    /// A [`Summary`].
    pub figures: serde_json::Value,
    /// The same for a person.
    pub told: String,
}

/// Somebody who waits for the figures.
#[derive(Debug)]
pub struct Asking(oneshot::Sender<RunNow>);

/// Where whoever has the model hears that somebody asks.
#[derive(Debug)]
pub struct Desk {
    asking: mpsc::UnboundedReceiver<Asking>,
    scenario: String,
    endpoints: Endpoints,
}

/// What asks there.
#[derive(Debug, Clone)]
pub struct RunWatch(mpsc::UnboundedSender<Asking>);

/// Both sides. Nobody is there to answer until a run begins.
pub fn desk(endpoints: &Endpoints) -> (Desk, RunWatch) {
    let (sender, asking) = mpsc::unbounded_channel();
    (Desk { asking, scenario: String::new(), endpoints: endpoints.clone() }, RunWatch(sender))
}

impl Desk {
    /// A run begins. Whoever asked before has an answer already: that there is none.
    pub fn begin(&mut self, scenario: &str, endpoints: &Endpoints) {
        while self.asking.try_recv().is_ok() {}
        scenario.clone_into(&mut self.scenario);
        self.endpoints = endpoints.clone();
    }

    /// The next who asks; waits for ever once nobody can.
    pub async fn asked(&mut self) -> Asking {
        match self.asking.recv().await {
            Some(asking) => asking,
            None => std::future::pending().await,
        }
    }

    /// Tells how the run stands.
    pub fn answer(&self, asking: Asking, model: &Model, verdict: &Verdict) {
        let summary = Summary::new(&self.scenario, model, verdict, &self.endpoints, None);
        // Nothing in it is a map of anything but texts; whoever asks sees null where that should change.
        let figures = serde_json::to_value(&summary).unwrap_or_default();
        // Who does not wait any more wants to hear nothing.
        let _ = asking.0.send(RunNow { figures, told: report::text(&summary, None) });
    }
}

/// Null while there is no run.
pub(super) async fn answer(watch: &RunWatch) -> Response {
    let (sender, answered) = oneshot::channel();
    let asked = watch.0.send(Asking(sender)).is_ok();
    let run = if asked { tokio::time::timeout(super::PATIENCE, answered).await.ok().and_then(Result::ok) } else { None };
    Json(run).into_response()
}
