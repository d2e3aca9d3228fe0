//! A trace copied out of the store, to be read when the store is not held any more: nobody who brings spans waits for whoever looks.

use std::collections::HashMap;

use lab_facts::event::TraceId;
use lab_facts::trace::{Trace, TraceSpan};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

use super::Store;
use super::origins::Origin;
use super::packed::Head;
use super::unpacked::{Excerpt, unpack};
use crate::observe::import;

/// All that is needed to read a trace.
#[derive(Debug)]
struct Copy {
    id: TraceId,
    spans: Vec<(Head, Box<[u8]>)>,
    words: Excerpt,
    origins: HashMap<u32, Origin>,
}

impl Store {
    /// The trace without its log lines.
    pub(super) fn spans_of(&self, id: TraceId) -> Option<Trace> {
        let copy = self.copy_of(id)?;
        let mut spans: Vec<TraceSpan> = copy
            .spans()
            .filter_map(|(head, span)| {
                let origin = copy.origins.get(&head.origin)?;
                Some(import::span(&origin.service, origin.attributes.clone(), span))
            })
            .collect();
        spans.sort_by_key(|span| span.start_unix_nano);
        Some(Trace { trace_id: id.to_string(), spans, logs: Vec::new() })
    }

    /// The spans of a trace as they were sent: those of one resource and scope together, in the order in which they came in.
    pub fn resource_spans(&self, id: TraceId) -> Option<Vec<ResourceSpans>> {
        let copy = self.copy_of(id)?;
        let mut batches: Vec<(u32, ResourceSpans)> = Vec::new();
        for (head, span) in copy.spans() {
            let place = batches.iter().position(|(origin, _)| *origin == head.origin).unwrap_or_else(|| {
                let said = copy.origins.get(&head.origin).map(|origin| &*origin.said).unwrap_or_default();
                batches.push((head.origin, ResourceSpans::decode(said).unwrap_or_default()));
                batches.len() - 1
            });
            // One scope is all that an origin has.
            if let Some(scope) = batches[place].1.scope_spans.first_mut() {
                scope.spans.push(span);
            }
        }
        Some(batches.into_iter().map(|(_, batch)| batch).collect())
    }

    fn copy_of(&self, id: TraceId) -> Option<Copy> {
        let inner = self.lock();
        let trace = inner.traces.get(&id)?;
        let mut words = Excerpt::default();
        trace.each_symbol(|symbol| {
            if let Some(text) = inner.texts.shared(symbol) {
                words.0.entry(symbol).or_insert_with(|| text.clone());
            }
        });
        let mut origins = HashMap::new();
        for head in &trace.heads {
            if let Some(origin) = inner.origins.get(head.origin) {
                origins.entry(head.origin).or_insert_with(|| origin.clone());
            }
        }
        Some(Copy { id, spans: trace.spans().map(|(head, tail)| (*head, tail.into())).collect(), words, origins })
    }
}

impl Copy {
    /// In the order in which they came in.
    fn spans(&self) -> impl Iterator<Item = (&Head, Span)> {
        self.spans.iter().map(|(head, tail)| (head, unpack(&self.id.0, head, tail, &self.words)))
    }
}
