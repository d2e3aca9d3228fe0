//! Requests that were looked at, as a line: what several of them share stands once in `names`, and is meant by its index there.

use std::collections::HashMap;
use std::sync::Arc;

use lab_facts::event::{Breakdown, Chosen, Hop, HopKind, TraceId, Trait};
use serde::{Deserialize, Serialize};

use super::outcome::WireOutcome;
use super::{Damage, duration};

/// No line tells of more requests, nor of more names.
const MOST: usize = 10_000;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WireBreakdowns {
    names: Vec<String>,
    /// Kind, and whose: an index of `names`.
    hops: Vec<(WireKind, usize)>,
    /// Service, key and value: indices of `names`.
    traits: Vec<(usize, usize, usize)>,
    requests: Vec<WireBreakdown>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireBreakdown {
    at: f64,
    load: usize,
    trace_id: String,
    outcome: WireOutcome,
    failed: Option<bool>,
    chosen: WireChosen,
    whole: bool,
    response_time_us: u32,
    /// Index of `hops`, and microseconds.
    parts_us: Vec<(usize, u32)>,
    /// Indices of `traits`.
    traits: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireKind {
    Service,
    Pool,
    Database,
    Network,
    Unseen,
    Unsent,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireChosen {
    Sampled,
    Slow,
    Failed,
}

/// Gives each different thing a number, in the order in which they come.
struct Numbers<T>(HashMap<T, usize>);

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn of(&mut self, one: &T, new: impl FnOnce()) -> usize {
        if let Some(known) = self.0.get(one) {
            return *known;
        }
        new();
        let number = self.0.len();
        self.0.insert(one.clone(), number);
        number
    }
}

impl From<&[Breakdown]> for WireBreakdowns {
    fn from(all: &[Breakdown]) -> Self {
        let (mut names, mut hops, mut traits) = (Numbers(HashMap::new()), Numbers(HashMap::new()), Numbers(HashMap::new()));
        let mut wire = Self::default();
        for one in all {
            let Breakdown { at, load, trace_id, outcome, failed, chosen, whole, micros, parts, traits: own } = one;
            let mut parts_us = Vec::with_capacity(parts.len());
            for (hop, micros) in parts {
                let name = names.of(&hop.name, || wire.names.push(hop.name.to_string()));
                parts_us.push((hops.of(hop, || wire.hops.push((hop.kind.into(), name))), *micros));
            }
            let mut numbers = Vec::with_capacity(own.len());
            for one in own {
                let Trait { service, key, value } = one.as_ref();
                let [service, key, value] = [service, key, value].map(|name| names.of(name, || wire.names.push(name.to_string())));
                numbers.push(traits.of(one, || wire.traits.push((service, key, value))));
            }
            wire.requests.push(WireBreakdown {
                at: at.as_secs_f64(),
                load: *load,
                trace_id: trace_id.to_string(),
                outcome: (*outcome).into(),
                failed: *failed,
                chosen: (*chosen).into(),
                whole: *whole,
                response_time_us: *micros,
                parts_us,
                traits: numbers,
            });
        }
        wire
    }
}

impl WireBreakdowns {
    pub(super) fn into_breakdowns(self) -> Result<Vec<Breakdown>, Damage> {
        let Self { names, hops, traits, requests } = self;
        if [names.len(), hops.len(), traits.len(), requests.len()].iter().any(|count| *count > MOST) {
            return Err("nobody looks at so many requests at once");
        }
        let names: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
        let name = |index: usize| names.get(index).cloned().ok_or("it has no such name");
        let hop = |(kind, of): (WireKind, usize)| Ok(Arc::new(Hop { kind: kind.into(), name: name(of)? }));
        let hops = hops.into_iter().map(hop).collect::<Result<Vec<_>, Damage>>()?;
        let read = |(service, key, value)| Ok(Arc::new(Trait { service: name(service)?, key: name(key)?, value: name(value)? }));
        let traits = traits.into_iter().map(read).collect::<Result<Vec<_>, Damage>>()?;
        let request = |one: WireBreakdown| {
            let WireBreakdown { at, load, trace_id, outcome, failed, chosen, whole, response_time_us: micros, parts_us, traits: own } = one;
            let part = |(hop, micros): (usize, u32)| Ok((hops.get(hop).cloned().ok_or("it has no such hop")?, micros));
            let parts = parts_us.into_iter().map(part).collect::<Result<Vec<_>, Damage>>()?;
            if parts.iter().map(|(_, micros)| u64::from(*micros)).sum::<u64>() != u64::from(micros) {
                return Err("the parts of a request do not add up to its time");
            }
            let own = own.into_iter().map(|index| traits.get(index).cloned().ok_or("it has no such trait"));
            Ok(Breakdown {
                at: duration(at)?,
                load,
                trace_id: TraceId::parse(&trace_id).ok_or("a trace ID is none")?,
                outcome: outcome.into(),
                failed,
                chosen: chosen.into(),
                whole,
                micros,
                parts,
                traits: own.collect::<Result<_, Damage>>()?,
            })
        };
        requests.into_iter().map(request).collect()
    }
}

impl From<HopKind> for WireKind {
    fn from(kind: HopKind) -> Self {
        match kind {
            HopKind::Service => Self::Service,
            HopKind::Pool => Self::Pool,
            HopKind::Database => Self::Database,
            HopKind::Network => Self::Network,
            HopKind::Unseen => Self::Unseen,
            HopKind::Unsent => Self::Unsent,
        }
    }
}

impl From<WireKind> for HopKind {
    fn from(kind: WireKind) -> Self {
        match kind {
            WireKind::Service => Self::Service,
            WireKind::Pool => Self::Pool,
            WireKind::Database => Self::Database,
            WireKind::Network => Self::Network,
            WireKind::Unseen => Self::Unseen,
            WireKind::Unsent => Self::Unsent,
        }
    }
}

impl From<Chosen> for WireChosen {
    fn from(chosen: Chosen) -> Self {
        match chosen {
            Chosen::Sampled => Self::Sampled,
            Chosen::Slow => Self::Slow,
            Chosen::Failed => Self::Failed,
        }
    }
}

impl From<WireChosen> for Chosen {
    fn from(chosen: WireChosen) -> Self {
        match chosen {
            WireChosen::Sampled => Self::Sampled,
            WireChosen::Slow => Self::Slow,
            WireChosen::Failed => Self::Failed,
        }
    }
}
