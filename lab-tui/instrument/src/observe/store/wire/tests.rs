use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::super::tests::{batch, talkative};
use super::*;

/// What `prost` makes of it, seen in the same way.
fn as_prost_reads(message: &[u8], compare: impl FnOnce(Result<&[Batch<'_>], String>)) {
    let request = match ExportTraceServiceRequest::decode(message) {
        Ok(request) => request,
        Err(error) => return compare(Err(error.to_string())),
    };
    let scopes = request.resource_spans.iter().flat_map(|resource| resource.scope_spans.iter().map(move |scope| (resource, scope)));
    let batches: Vec<_> = scopes
        .map(|(resource, scope)| Batch {
            empty: ResourceSpans {
                scope_spans: vec![ScopeSpans { spans: Vec::new(), ..scope.clone() }],
                resource: resource.resource.clone(),
                schema_url: resource.schema_url.clone(),
            },
            spans: scope.spans.iter().map(SpanRef::from).collect(),
        })
        .collect();
    compare(Ok(&batches));
}

fn message() -> Vec<u8> {
    let spans = || vec![talkative(1), talkative(70), Span::default()];
    let mut first = batch("a", spans());
    first.scope_spans.push(ScopeSpans { scope: None, spans: spans(), schema_url: "https://example.com/scope".to_owned() });
    first.schema_url = "https://example.com/resource".to_owned();
    let empty = ResourceSpans::default();
    ExportTraceServiceRequest { resource_spans: vec![first, empty, batch("b", spans())] }.encode_to_vec()
}

/// Without what nothing that we know sends, and so is left to `prost`.
fn usual(message: &[u8]) -> Vec<u8> {
    let mut request = ExportTraceServiceRequest::decode(message).unwrap();
    let spans = request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans).flat_map(|scope| &mut scope.spans);
    for span in spans {
        let events = span.events.iter_mut().map(|event| &mut event.attributes);
        [&mut span.attributes].into_iter().chain(events).for_each(|attributes| attributes.retain(|attribute| attribute.key_strindex == 0));
    }
    request.encode_to_vec()
}

#[test]
fn what_services_send_is_read_as_prost_reads_it() {
    let message = usual(&message());
    let read = read(&message).expect("nothing in it is for prost");
    assert_eq!(read.len(), 3);
    as_prost_reads(&message, |prost| assert_eq!(read, prost.unwrap()));
    assert_eq!(super::read(b""), Some(Vec::new()));
}

#[test]
fn what_is_damaged_is_never_read_otherwise_than_prost_reads_it() {
    let whole = usual(&message());
    let strange = message();
    let mut random = StdRng::seed_from_u64(7);
    let (mut both, mut neither) = (0, 0);
    for round in 0..4000 {
        let mut message = if round % 8 == 0 { strange.clone() } else { whole.clone() };
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..message.len());
            match random.random_range(0..5) {
                0 => message[at] ^= 1 << random.random_range(0..8),
                1 => message[at] = random.random(),
                2 => message.truncate(at.max(1)),
                3 => message.insert(at, random.random()),
                _ => drop(message.remove(at)),
            }
        }
        let Some(read) = read(&message) else {
            neither += 1;
            continue;
        };
        both += 1;
        // A number that is none is not equal to itself, but looks the same.
        as_prost_reads(&message, |prost| assert_eq!(format!("{read:?}"), format!("{:?}", prost.expect("prost refuses it"))));
    }
    assert!(both > 300 && neither > 300, "{both} read, {neither} left to prost");
}
