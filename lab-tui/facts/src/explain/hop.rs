//! Where the time goes that a span has for itself: told by its kind, its attributes and who is below it, never by a service's name.

use serde_json::Value;

use crate::event::{Hop, HopKind};
use crate::trace::TraceSpan;

/// The semantic conventions' name for the pool that a connection comes from.
const POOL: &str = "db.client.connection.pool.name";

/// What instrumentations call the wait for a connection that does not name its pool: words of a thing and of what is done to it.
const POOLED: [&str; 3] = ["pool", "connection", "datasource"];
const TAKEN: [&str; 6] = ["acquire", "checkout", "check_out", "getconnection", "get_connection", "borrow"];

/// The hop of a span with these children.
pub(super) fn of(span: &TraceSpan, children: &[&TraceSpan]) -> Hop {
    let service = span.service.as_str();
    if is_pool(span) {
        return hop(HopKind::Pool, service);
    }
    if let Some(system) = database(span) {
        return hop(HopKind::Database, system);
    }
    if span.kind != "client" {
        return hop(HopKind::Service, service);
    }
    match children.iter().find(|child| child.kind == "server") {
        Some(server) => hop(HopKind::Network, &format!("{service} → {}", server.service)),
        None => hop(HopKind::Unseen, &format!("{service} → {}", peer(span))),
    }
}

/// Whether another span is to be expected below this one, in another service.
pub(super) fn calls_a_service(span: &TraceSpan) -> bool {
    span.kind == "client" && !is_pool(span) && database(span).is_none()
}

fn hop(kind: HopKind, name: &str) -> Hop {
    Hop { kind, name: name.into() }
}

fn text<'s>(span: &'s TraceSpan, key: &str) -> Option<&'s str> {
    span.attributes.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// What a CLIENT span, or an INTERNAL one where the database lives in the service itself, says that it asks. The second name is the
/// older one.
fn database(span: &TraceSpan) -> Option<&str> {
    let asks = matches!(span.kind.as_str(), "client" | "internal");
    text(span, "db.system.name").or_else(|| text(span, "db.system")).filter(|_| asks)
}

/// A wait for a connection is no query, even where it says which database it is for.
fn is_pool(span: &TraceSpan) -> bool {
    if !matches!(span.kind.as_str(), "internal" | "client") || text(span, "db.query.text").is_some() {
        return false;
    }
    let name = span.name.to_lowercase();
    let sounds = || POOLED.iter().any(|word| name.contains(word)) && TAKEN.iter().any(|word| name.contains(word));
    let queries = || text(span, "db.operation.name").is_some();
    (text(span, POOL).is_some() && !queries()) || sounds()
}

/// Who was called, as far as the caller says.
fn peer(span: &TraceSpan) -> String {
    let port = span.attributes.get("server.port").and_then(Value::as_u64);
    match (text(span, "peer.service"), text(span, "server.address"), port) {
        (Some(service), ..) => service.to_owned(),
        (None, Some(address), Some(port)) => format!("{address}:{port}"),
        (None, Some(address), None) => address.to_owned(),
        (None, None, _) => span.name.clone(),
    }
}
