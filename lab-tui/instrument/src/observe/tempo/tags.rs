//! What can be asked for: names of attributes and the values that they have, for whoever writes a query in Grafana.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use lab_facts::query::{INTRINSICS, Query};
use lab_facts::trace::TraceSpan;
use serde_json::{Value, json};

use super::Served;
use super::parameters::{Parameters, anything};
use super::refused::Refused;
use crate::observe::store::Store;

/// How many values of a tag are told: nobody chooses from more.
const MOST: usize = 5_000;

/// The scopes that Tempo knows; of the last three the lab keeps nothing that could be asked for.
const SCOPES: [&str; 7] = ["none", "span", "resource", "intrinsic", "event", "link", "instrumentation"];

/// One flat list: names of attributes, whatever they belong to; intrinsics where they are asked for.
pub(super) async fn first(State(served): State<Served>, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    let (tags, inspected) = tags(&served, query.as_deref()).await?;
    let asked = Parameters::read(query.as_deref()).get("scope").is_some_and(|scope| scope == "intrinsic");
    let names: BTreeSet<String> =
        tags.into_iter().filter(|(scope, _)| asked || *scope != "intrinsic").flat_map(|(_, names)| names).collect();
    Ok(Json(json!({ "tagNames": names, "metrics": inspected })).into_response())
}

/// By scope; those without a name are left out.
pub(super) async fn second(State(served): State<Served>, RawQuery(query): RawQuery) -> Result<Response, Refused> {
    let (tags, inspected) = tags(&served, query.as_deref()).await?;
    let scopes = tags.into_iter().filter(|(_, names)| !names.is_empty()).map(|(scope, names)| json!({ "name": scope, "tags": names }));
    Ok(Json(json!({ "scopes": scopes.collect::<Value>(), "metrics": inspected })).into_response())
}

async fn tags(served: &Served, query: Option<&str>) -> Result<(Vec<(&'static str, BTreeSet<String>)>, Value), Refused> {
    let parameters = Parameters::read(query);
    let scope = parameters.get("scope").unwrap_or("none");
    let Some(scope) = SCOPES.into_iter().find(|known| *known == scope) else {
        return Err(Refused::bad(format!("invalid scope: {scope}")));
    };
    let (window, query) = (parameters.window()?, narrowing(&parameters)?);
    let collected = served.look(move |store| {
        let (mut span, mut resource) = (BTreeSet::new(), BTreeSet::new());
        let add = |names: &mut BTreeSet<String>, name: &String| {
            if !names.contains(name) && names.len() < MOST {
                names.insert(name.clone());
            }
        };
        if !["intrinsic", "event", "link", "instrumentation"].contains(&scope) {
            store.search(&query, std::slice::from_ref(&window), |trace, matched| {
                for one in matched.iter().map(|index| &trace.spans[*index]) {
                    one.attributes.keys().for_each(|name| add(&mut span, name));
                    one.resource.attributes().keys().for_each(|name| add(&mut resource, name));
                }
            });
        }
        let intrinsics: BTreeSet<String> = INTRINSICS.iter().map(|name| (*name).to_owned()).collect();
        let all = [("span", span), ("intrinsic", intrinsics), ("resource", resource)];
        let tags = all.into_iter().filter(|(name, _)| scope == "none" || scope == *name).collect();
        (tags, inspected(store))
    });
    collected.await
}

/// Texts alone, of an attribute whatever it belongs to.
pub(super) async fn first_values(
    State(served): State<Served>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let tag = Tag::read(&tag).unwrap_or(Tag::Either(tag));
    let (values, inspected) = values(&served, tag, query.as_deref()).await?;
    let values: BTreeSet<String> = values.into_iter().map(|(_, value)| value).collect();
    Ok(Json(json!({ "tagValues": values, "metrics": inspected })).into_response())
}

/// With their types, of an attribute in its scope or of an intrinsic.
pub(super) async fn second_values(
    State(served): State<Served>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let wrong = || Refused::bad(format!("tag name is not valid intrinsic or scoped attribute: {tag}"));
    let tag = Tag::read(&tag).ok_or_else(wrong)?;
    let (values, inspected) = values(&served, tag, query.as_deref()).await?;
    let values = values.into_iter().map(|(kind, value)| json!({ "type": kind, "value": value }));
    Ok(Json(json!({ "tagValues": values.collect::<Value>(), "metrics": inspected })).into_response())
}

/// Type and text of each value.
type Values = BTreeSet<(&'static str, String)>;

async fn values(served: &Served, tag: Tag, query: Option<&str>) -> Result<(Values, Value), Refused> {
    let parameters = Parameters::read(query);
    let (window, query) = (parameters.window()?, narrowing(&parameters)?);
    let collected = served.look(move |store| {
        let mut values = tag.fixed();
        if tag.has_others() {
            store.search(&query, std::slice::from_ref(&window), |trace, matched| {
                let root = trace.spans.iter().find(|span| span.parent_span_id.is_none());
                for one in matched.iter().map(|index| &trace.spans[*index]) {
                    if values.len() < MOST {
                        values.extend(tag.of(one, root));
                    }
                }
            });
        }
        (values, inspected(store))
    });
    collected.await
}

/// A tag whose values are asked for.
#[derive(Debug)]
enum Tag {
    Span(String),
    Resource(String),
    Either(String),
    Name,
    RootName,
    RootServiceName,
    Status,
    Kind,
    /// Something that every trace has another value of, so that nobody chooses among them.
    Unlisted,
}

impl Tag {
    /// As it is written in a query.
    fn read(text: &str) -> Option<Self> {
        // A name with other signs in it stands in quotes.
        let unquoted = |name: &str| name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).to_owned();
        Some(match text {
            "name" | "span:name" => Self::Name,
            "rootName" | "trace:rootName" => Self::RootName,
            "rootServiceName" | "trace:rootService" => Self::RootServiceName,
            "status" | "span:status" => Self::Status,
            "kind" | "span:kind" => Self::Kind,
            _ if INTRINSICS.contains(&text) => Self::Unlisted,
            _ => match text.split_once('.')? {
                (_, "") => return None,
                ("span", name) => Self::Span(unquoted(name)),
                ("resource", name) => Self::Resource(unquoted(name)),
                ("", name) => Self::Either(unquoted(name)),
                _ => return None,
            },
        })
    }

    /// Values that there are whatever came in.
    fn fixed(&self) -> Values {
        let words: &[&str] = match self {
            Self::Status => &["error", "ok", "unset"],
            Self::Kind => &["client", "consumer", "internal", "producer", "server"],
            _ => &[],
        };
        words.iter().map(|word| ("keyword", (*word).to_owned())).collect()
    }

    fn has_others(&self) -> bool {
        !matches!(self, Self::Status | Self::Kind | Self::Unlisted)
    }

    fn of(&self, span: &TraceSpan, root: Option<&TraceSpan>) -> Vec<(&'static str, String)> {
        let text = |text: &str| vec![("string", text.to_owned())];
        let attribute = |value: Option<&Value>| value.map(typed).unwrap_or_default();
        match self {
            Self::Span(key) => attribute(span.attributes.get(key)),
            Self::Resource(key) => attribute(span.resource.get(key)),
            Self::Either(key) => attribute(span.attributes.get(key).or_else(|| span.resource.get(key))),
            Self::Name => text(&span.name),
            Self::RootName => root.map(|root| text(&root.name)).unwrap_or_default(),
            Self::RootServiceName => root.map(|root| text(&root.service)).unwrap_or_default(),
            Self::Status | Self::Kind | Self::Unlisted => Vec::new(),
        }
    }
}

/// Each of a list by itself, as a query compares it.
fn typed(value: &Value) -> Vec<(&'static str, String)> {
    match value {
        Value::String(text) => vec![("string", text.clone())],
        Value::Bool(flag) => vec![("bool", flag.to_string())],
        Value::Number(number) if number.is_f64() => vec![("float", number.to_string())],
        Value::Number(number) => vec![("int", number.to_string())],
        Value::Array(list) => list.iter().filter(|one| !one.is_array()).flat_map(typed).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// The spans that are asked about. Whoever is still writing the query sends what there is of it, which narrows nothing until it is whole.
fn narrowing(parameters: &Parameters) -> Result<Query, Refused> {
    parameters.get("q").and_then(|text| Query::parse(text).ok()).map_or_else(anything, Ok)
}

fn inspected(store: &Store) -> Value {
    json!({ "inspectedBytes": store.bytes().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_queries_write_them() {
        assert!(matches!(Tag::read("resource.service.name"), Some(Tag::Resource(name)) if name == "service.name"));
        assert!(matches!(Tag::read("span.\"a b\""), Some(Tag::Span(name)) if name == "a b"));
        assert!(matches!(Tag::read(".x"), Some(Tag::Either(name)) if name == "x"));
        assert!(matches!(Tag::read("span:id"), Some(Tag::Unlisted)));
        for none in ["", "service.name", "span.", "event.x", "naem"] {
            assert!(Tag::read(none).is_none(), "{none}");
        }
        let list = typed(&json!(["a", 1, 1.5, true, null, [1]]));
        assert_eq!(list, [("string", "a"), ("int", "1"), ("float", "1.5"), ("bool", "true")].map(|(kind, text)| (kind, text.to_owned())));
    }
}
