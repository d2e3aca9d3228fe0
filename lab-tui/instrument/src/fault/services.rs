//! The services' control endpoints: all that a service is asked for goes to it as a whole, with a lease that is renewed for as long
//! as the lab lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use lab_facts::scenario::Affected;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex as Turn, Notify};
use url::Url;

use super::{End, Injected, Undone};
use crate::http;
use crate::observe::exposition;
use crate::stack::{Access, Secret};
use crate::tasks;

/// For how long a service goes on by itself. With the time that a request takes, it stays below three seconds.
const LEASE: Duration = Duration::from_millis(2500);
const RENEW: Duration = Duration::from_millis(800);
/// How long a service may take to say yes.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a service that does not answer is asked again before the fault is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Whoever rolls dice exposes this from its start.
const ROLLER: &str = "async_rolls_in_progress";
/// Counters of rolls, with the die in `die_type`; there after the first one.
const ROLLS: [&str; 2] = ["dice_rolls_total", "async_rolls_total"];
const AGAIN: Duration = Duration::from_millis(100);

/// Every service of the stack.
#[derive(Clone)]
pub(super) struct Services {
    all: Arc<BTreeMap<String, Arc<Service>>>,
}

struct Service {
    http: reqwest::Client,
    url: Url,
    token: Secret,
    /// Requests to the service take turns, so that the last one has the last word.
    turn: Turn<()>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    wanted: BTreeMap<u64, Wanted>,
    /// A task renews the lease.
    kept: bool,
    /// When the service last said yes.
    confirmed: Option<Instant>,
}

struct Wanted {
    fault: Value,
    /// For how long it may have lapsed in between.
    gap: Option<Duration>,
    struck: Struck,
}

/// How many requests met a fault.
#[derive(Debug, Default, Clone, Copy)]
struct Struck {
    /// In processes of the service that are gone.
    before: u64,
    /// As its process says.
    now: u64,
}

/// A service's answer.
#[derive(Debug, Default, Deserialize)]
struct Told {
    struck: BTreeMap<String, u64>,
}

/// One fault that a service is asked for. Dropped, it is asked for no longer.
struct Held {
    service: Arc<Service>,
    id: u64,
}

/// Why a service did not do as it was asked.
enum No {
    /// It understood, and cannot.
    Refused(String),
    /// It could not be asked.
    Silent(String),
}

impl Services {
    pub(super) fn new(access: &Access) -> anyhow::Result<Self> {
        let http = http::local().timeout(ANSWER).build()?;
        let service = |base: &Url| -> anyhow::Result<Arc<Service>> {
            Ok(Arc::new(Service {
                http: http.clone(),
                url: base.join("/lab/faults")?,
                token: access.fault_token.clone(),
                turn: Turn::default(),
                state: Mutex::default(),
                changed: Notify::new(),
            }))
        };
        let all = access.services.iter().map(|(name, base)| Ok((name.clone(), service(base)?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { all: Arc::new(all) })
    }

    /// Asks a service for a fault and keeps asking until that is undone.
    pub(super) async fn hold(&self, name: &str, seed: u64, requests: &Affected, effect: Value) -> anyhow::Result<Injected> {
        let Affected { service, route, probability } = requests;
        let asked = self.all.get(service).with_context(|| format!("the stack has no service `{service}`"))?;
        let fault = json!({ "name": name, "route": route, "probability": probability, "seed": seed, "effect": effect });
        let started = Instant::now();
        loop {
            let since = Instant::now();
            match asked.add(&fault).await {
                Ok(held) => {
                    let service = service.clone();
                    return Ok(Injected::new(since, async move { held.undo(&service).await }));
                }
                Err(No::Silent(_)) if started.elapsed() < PATIENCE => tokio::time::sleep(AGAIN).await,
                Err(No::Silent(why) | No::Refused(why)) => bail!("{service}: {why}"),
            }
        }
    }

    /// How often a die was rolled since the services began, as they count it; nothing where none does.
    pub(super) async fn rolls(&self, die: &str) -> Option<u64> {
        let texts = self.all.values().map(async |service| {
            let url = service.url.join("/metrics").ok()?;
            service.http.get(url).send().await.ok()?.error_for_status().ok()?.text().await.ok()
        });
        let texts: Vec<String> = join_all(texts).await.into_iter().flatten().collect();
        let samples = texts.iter().flat_map(|text| exposition::samples(text)).flatten();
        let mut known = samples.filter(|sample| sample.name == ROLLER || ROLLS.contains(&sample.name)).peekable();
        known.peek()?;
        let rolls = known.filter(|sample| ROLLS.contains(&sample.name));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = |value: f64| value.max(0.0) as u64;
        Some(rolls.filter(|sample| sample.label("die_type") == Some(die)).map(|sample| count(sample.value)).sum())
    }

    /// Asks for nothing any more, and returns when nothing is left: a service that does not answer lets its lease lapse.
    pub(super) async fn clear(&self) {
        join_all(self.all.values().map(async |service| {
            service.state().wanted.clear();
            if service.state().confirmed.is_some() {
                let _turn = service.turn.lock().await;
                service.put_or_lapse().await;
            }
        }))
        .await;
    }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for one more. What a service refuses never stands beside what it accepts.
    async fn add(self: &Arc<Self>, fault: &Value) -> Result<Held, No> {
        let _turn = self.turn.lock().await;
        let held = {
            let mut state = self.state();
            let id = state.next;
            state.next += 1;
            state.wanted.insert(id, Wanted { fault: fault.clone(), gap: None, struck: Struck::default() });
            // Before the first request, so that somebody takes it back should nobody wait for its end.
            if !std::mem::replace(&mut state.kept, true) {
                tasks::spawn(Arc::clone(self).keep());
            }
            Held { service: Arc::clone(self), id }
        };
        self.put().await?;
        Ok(held)
    }

    /// Renews the lease until nothing is wanted any more.
    async fn keep(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RENEW) => {}
                () = self.changed.notified() => {}
            }
            let _turn = self.turn.lock().await;
            // A service that is away is asked again; whether that was in time is seen at the end.
            let _ = self.put().await;
            let mut state = self.state();
            if state.wanted.is_empty() {
                state.kept = false;
                return;
            }
        }
    }

    /// Tells the service all that is wanted of it. It is the caller's turn.
    async fn put(&self) -> Result<Told, No> {
        let faults: Vec<Value> = self.state().wanted.values().map(|wanted| wanted.fault.clone()).collect();
        let body = json!({ "lease_ms": LEASE.as_millis(), "faults": faults });
        let sent = Instant::now();
        let request = self.http.put(self.url.clone()).bearer_auth(self.token.expose()).json(&body);
        // The URL is the lab's own affair.
        let response = request.send().await.map_err(|error| No::Silent(error.without_url().to_string()))?;
        match response.status() {
            StatusCode::OK => {
                let told = response.json::<Told>().await.unwrap_or_default();
                let mut state = self.state();
                let silent = state.confirmed.map_or(Duration::ZERO, |confirmed| sent.saturating_duration_since(confirmed));
                if silent > LEASE {
                    // Those that have just been added were not there to lapse; their own turn comes with their first renewal.
                    let last = state.next.saturating_sub(1);
                    state.wanted.iter_mut().filter(|(id, _)| **id != last).for_each(|(_, wanted)| wanted.gap = Some(silent));
                }
                state.confirmed = Some(Instant::now());
                state.wanted.values_mut().for_each(|wanted| wanted.hear(&told));
                Ok(told)
            }
            StatusCode::NOT_FOUND => Err(No::Refused("it does not take faults from this lab".to_owned())),
            status => {
                let said = response.json::<Value>().await.unwrap_or_default();
                Err(No::Refused(said["detail"].as_str().map_or_else(|| format!("it answered {status}"), str::to_owned)))
            }
        }
    }

    /// Like [`Self::put`], for wanting less: what cannot be told is waited for.
    async fn put_or_lapse(&self) -> Option<Told> {
        let told = self.put().await.ok();
        if told.is_none() {
            let left =
                self.state().confirmed.map_or(Duration::ZERO, |confirmed| (confirmed + LEASE).saturating_duration_since(Instant::now()));
            tokio::time::sleep(left).await;
        }
        told
    }
}

impl Wanted {
    /// A count that went down is another process's.
    fn hear(&mut self, told: &Told) {
        let Some(now) = self.fault["name"].as_str().and_then(|name| told.struck.get(name)) else { return };
        if *now < self.struck.now {
            self.struck.before += self.struck.now;
        }
        self.struck.now = *now;
    }
}

impl Held {
    async fn undo(self, name: &str) -> Undone {
        let service = Arc::clone(&self.service);
        let _turn = service.turn.lock().await;
        let (wanted, confirmed) = {
            let mut state = service.state();
            (state.wanted.remove(&self.id), state.confirmed)
        };
        let silent = confirmed.map_or(Duration::ZERO, |confirmed| confirmed.elapsed());
        let told = service.put_or_lapse().await;
        let wanted = wanted.map(|mut wanted| {
            wanted.hear(&told.unwrap_or_default());
            wanted
        });
        let touched = wanted.as_ref().map(|Wanted { struck, .. }| struck.before + struck.now);
        let end = match wanted.and_then(|wanted| wanted.gap).or((silent > LEASE).then_some(silent)) {
            None => End::Undone,
            Some(gap) => End::Early(format!("{name} could not be asked to go on with it for {:.1} s", gap.as_secs_f64())),
        };
        Undone { end, touched }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.service.state().wanted.remove(&self.id).is_some() {
            self.service.changed.notify_one();
        }
    }
}
