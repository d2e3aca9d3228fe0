//! What a query may ask of a span: attributes and intrinsics.

use super::tree::Tree;
use super::value::{Value, json};

/// Something that a span has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Field {
    /// `span.x`
    Span(String),
    /// `resource.x`
    Resource(String),
    /// `.x`: of the span, else of its resource.
    Either(String),
    /// What is no attribute.
    Intrinsic(Intrinsic),
}

/// What every span or its trace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Intrinsic {
    Name,
    Kind,
    Status,
    Duration,
    ChildCount,
    SpanId,
    ParentId,
    TraceId,
    TraceDuration,
    RootName,
    RootServiceName,
}

/// What an intrinsic can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Duration,
    Status,
    Kind,
}

/// As they are written; both spellings of those that have two.
pub(super) const INTRINSICS: [(&str, Intrinsic); 19] = [
    ("name", Intrinsic::Name),
    ("kind", Intrinsic::Kind),
    ("status", Intrinsic::Status),
    ("duration", Intrinsic::Duration),
    ("childCount", Intrinsic::ChildCount),
    ("traceDuration", Intrinsic::TraceDuration),
    ("rootName", Intrinsic::RootName),
    ("rootServiceName", Intrinsic::RootServiceName),
    ("span:id", Intrinsic::SpanId),
    ("span:parentID", Intrinsic::ParentId),
    ("span:name", Intrinsic::Name),
    ("span:kind", Intrinsic::Kind),
    ("span:status", Intrinsic::Status),
    ("span:duration", Intrinsic::Duration),
    ("span:childCount", Intrinsic::ChildCount),
    ("trace:id", Intrinsic::TraceId),
    ("trace:duration", Intrinsic::TraceDuration),
    ("trace:rootName", Intrinsic::RootName),
    ("trace:rootService", Intrinsic::RootServiceName),
];

impl Field {
    /// What it can be compared with; `None` for attributes, which may be anything.
    pub(super) fn kind(&self) -> Option<Type> {
        let Self::Intrinsic(intrinsic) = self else { return None };
        Some(match intrinsic {
            Intrinsic::Kind => Type::Kind,
            Intrinsic::Status => Type::Status,
            Intrinsic::Duration | Intrinsic::TraceDuration => Type::Duration,
            Intrinsic::ChildCount => Type::Number,
            Intrinsic::Name
            | Intrinsic::SpanId
            | Intrinsic::ParentId
            | Intrinsic::TraceId
            | Intrinsic::RootName
            | Intrinsic::RootServiceName => Type::Text,
        })
    }

    /// What the span has of it.
    pub(super) fn of<'t>(&self, tree: &Tree<'t>, index: usize) -> Value<'t> {
        let span = &tree.trace.spans[index];
        let own = |key: &str| span.attributes.get(key);
        let resource = |key: &str| span.resource.get(key);
        let found = match self {
            Self::Span(key) => own(key),
            Self::Resource(key) => resource(key),
            Self::Either(key) => own(key).or_else(|| resource(key)),
            Self::Intrinsic(intrinsic) => return intrinsic.of(tree, index),
        };
        found.map_or(Value::Nil, json)
    }
}

impl Intrinsic {
    fn of<'t>(self, tree: &Tree<'t>, index: usize) -> Value<'t> {
        let span = &tree.trace.spans[index];
        let root = || tree.root.map(|root| &tree.trace.spans[root]);
        let nanos = |nanos: u64| Value::Duration(i64::try_from(nanos).unwrap_or(i64::MAX));
        match self {
            Self::Name => Value::Text(&span.name),
            Self::Kind => Value::Kind(&span.kind),
            Self::Status => Value::Status(span.status.as_str()),
            Self::Duration => nanos(span.duration_nano),
            Self::ChildCount => {
                let children = tree.parents.iter().filter(|parent| **parent == Some(index)).count();
                Value::Int(i64::try_from(children).unwrap_or(i64::MAX))
            }
            Self::SpanId => Value::Text(&span.span_id),
            Self::ParentId => span.parent_span_id.as_deref().map_or(Value::Nil, Value::Text),
            Self::TraceId => Value::Text(&tree.trace.trace_id),
            Self::TraceDuration => nanos(tree.duration),
            Self::RootName => root().map_or(Value::Nil, |root| Value::Text(&root.name)),
            Self::RootServiceName => root().map_or(Value::Nil, |root| Value::Text(&root.service)),
        }
    }
}
