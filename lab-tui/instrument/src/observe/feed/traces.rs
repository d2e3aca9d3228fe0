//! Asks a Tempo for traces by their IDs, so many a second and not too many at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lab_facts::event::TraceId;
use lab_facts::explain;
use tokio::time::Instant;
use url::Url;

use super::Wishes;
use super::health::Health;
use crate::observe::backends::TempoClient;
use crate::observe::store::Store;

/// A hundred a second.
const PACE: Duration = Duration::from_millis(10);
/// Where nothing is due.
const IDLE: Duration = Duration::from_millis(100);
const UNDER_WAY: usize = 8;

pub(super) struct Asking {
    tempo: TempoClient,
    store: Store,
    wishes: Arc<Wishes>,
    health: Health,
}

impl Asking {
    pub(super) fn new(tempo: &Url, store: &Store, wishes: &Arc<Wishes>, health: Health) -> anyhow::Result<Self> {
        Ok(Self { tempo: TempoClient::new(tempo)?, store: store.clone(), wishes: Arc::clone(wishes), health })
    }

    /// Never ends by itself.
    pub(super) async fn run(self) {
        let Self { tempo, store, wishes, mut health } = self;
        let mut under_way = FuturesUnordered::new();
        let mut turn = Instant::now();
        loop {
            tokio::select! {
                Some((id, answered)) = under_way.next() => match answered {
                    Ok(batches) => {
                        health.well();
                        for batch in batches {
                            store.feed_spans(id, batch);
                        }
                        look(&store, &wishes, id);
                        wishes.silent.store(false, Ordering::Relaxed);
                    }
                    Err(error) => {
                        turn = turn.max(Instant::now() + health.ill(&error));
                        wishes.lock().failed(id, std::time::Instant::now());
                        wishes.silent.store(health.is_silent(), Ordering::Relaxed);
                    }
                },
                () = tokio::time::sleep_until(turn), if under_way.len() < UNDER_WAY => {
                    let (next, is_full) = {
                        let mut queue = wishes.lock();
                        (queue.next(std::time::Instant::now()), queue.is_full())
                    };
                    if is_full {
                        health.sampled();
                    }
                    turn = Instant::now() + if next.is_some() { PACE } else { IDLE };
                    let Some(id) = next else { continue };
                    // Services that send their spans to the lab leave nothing to ask for.
                    if whole(&store, id).is_some_and(|(_, is_whole)| is_whole) {
                        look(&store, &wishes, id);
                        continue;
                    }
                    let tempo = &tempo;
                    under_way.push(async move { (id, tempo.spans(id).await) });
                }
            }
        }
    }
}

/// How many spans of it are in the store, and whether these are all.
fn whole(store: &Store, id: TraceId) -> Option<(usize, bool)> {
    let trace = store.trace(id)?;
    Some((trace.spans.len(), explain::is_whole(&trace.spans)))
}

fn look(store: &Store, wishes: &Wishes, id: TraceId) {
    let (spans, is_whole) = whole(store, id).unwrap_or_default();
    wishes.lock().answered(id, spans, is_whole, std::time::Instant::now());
}
