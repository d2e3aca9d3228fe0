//! The scenario file as a JSON Schema (draft 2020-12), from which editors complete and check.
//!
//! It refuses nothing that the readers accept. They refuse more: what depends on several places of the file is theirs to say.

use serde_json::{Map, Value, json};

use super::keys::{Case, Key, SCENARIO, Shape, Table};
use super::threshold::{Metric, MetricKind};

/// The schema, as pretty JSON with a newline at its end.
pub fn schema() -> String {
    let mut whole = table(&SCENARIO);
    whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    whole.insert("title".to_owned(), json!("A scenario of the lab"));
    whole.insert(
        "description".to_owned(),
        json!("Load, faults and promises, as `lab run` takes them. `lab check` says more than a schema can."),
    );
    format!("{:#}\n", Value::Object(whole))
}

fn table(table: &'static Table) -> Map<String, Value> {
    let cases = table.choice.as_ref().map_or(&[][..], |choice| choice.cases);
    let all = table.keys.iter().chain(cases.iter().flat_map(|case| case.keys));
    let properties: Map<String, Value> = all.map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), needed(table.keys));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !table.one_of.is_empty() {
        schema.insert("anyOf".to_owned(), table.one_of.iter().map(|key| json!({ "required": [key] })).collect());
    }
    if let Some(choice) = &table.choice {
        let described: Vec<Value> = cases.iter().map(|case| json!({ "const": case.name, "description": case.about })).collect();
        schema["properties"][choice.by]["oneOf"] = Value::Array(described);
        let conditions: Vec<Value> = cases.iter().map(|case| condition(choice.by, case, cases)).collect();
        schema.insert("allOf".to_owned(), Value::Array(conditions));
    }
    schema
}

/// In this case its own keys are known, and those of the others are not.
fn condition(by: &str, case: &'static Case, cases: &'static [Case]) -> Value {
    let others = cases.iter().flat_map(|case| case.keys).filter(|key| case.keys.iter().all(|own| own.name != key.name));
    let not_known: Map<String, Value> = others.map(|key| (key.name.to_owned(), json!(false))).collect();
    json!({
        "if": { "properties": { by: { "const": case.name } }, "required": [by] },
        "then": { "properties": not_known, "required": needed(case.keys) },
    })
}

fn needed(keys: &[Key]) -> Value {
    keys.iter().filter(|key| key.needed).map(|key| key.name).collect()
}

fn property(key: &'static Key) -> Value {
    let mut schema = shape(key.shape);
    schema.insert("description".to_owned(), json!(key.about));
    if let Some(default) = key.default.and_then(value) {
        schema.insert("default".to_owned(), default);
    }
    if let Some(example) = key.example.and_then(value) {
        schema.insert("examples".to_owned(), json!([example]));
    }
    Value::Object(schema)
}

/// What TOML says, as JSON.
fn value(toml: &str) -> Option<Value> {
    let table: Map<String, Value> = toml::from_str(&format!("value = {toml}")).ok()?;
    table.get("value").cloned()
}

/// Numbers, each with its unit, as `humantime` reads them.
const TIME: &str = "^\\s*([0-9][0-9\\s]*(\\.[0-9\\s]+)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h\
                    |days?|d|weeks?|wks?|w|months?|M|years?|yrs?|y)\\s*)+$";

fn shape(shape_of: Shape) -> Map<String, Value> {
    let schema = match shape_of {
        Shape::Only(number) => json!({ "const": number }),
        Shape::Switch => json!({ "type": "boolean" }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Name => json!({ "type": "string", "pattern": "\\S" }),
        Shape::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::Time { or_nothing } => {
            let mut schema = json!({ "type": "string", "pattern": TIME });
            if !or_nothing {
                schema["not"] = json!({ "pattern": "^[^1-9]*$" });
            }
            schema
        }
        Shape::Number { from, above, to } => {
            let mut schema = json!({ "type": "number" });
            if from.is_finite() {
                schema[if above { "exclusiveMinimum" } else { "minimum" }] = plain(from);
            }
            if to.is_finite() {
                schema["maximum"] = plain(to);
            }
            schema
        }
        Shape::Whole(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::Word(words) => json!({ "type": "string", "enum": words }),
        Shape::List(inner, not_empty) => {
            let mut schema = json!({ "type": "array", "items": shape(*inner) });
            if not_empty {
                schema["minItems"] = json!(1);
            }
            schema
        }
        Shape::Table(inner) => Value::Object(table(inner)),
        Shape::Named(inner) => json!({ "type": "object", "additionalProperties": shape(*inner) }),
        Shape::Thresholds(promise) => thresholds(*promise),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|inner| shape(*inner)).collect::<Vec<_>>() }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// Whole where it is, as an author writes it.
fn plain(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "numbers without a fraction, and small, in a table of ours")]
    if number.fract() == 0.0 { json!(number as i64) } else { json!(number) }
}

/// A metric has promises that its aggregates can keep.
fn thresholds(promise: Shape) -> Value {
    const ANY: &str = "avg|min|med|max|p\\(\\s*[0-9.]+\\s*\\)|rate|count|value";
    let kinds = [
        (MetricKind::Trend, "avg|min|med|max|p\\(\\s*[0-9.]+\\s*\\)"),
        (MetricKind::Rate, "rate"),
        (MetricKind::Counter, "count|rate"),
        (MetricKind::Gauge, "value|avg|min|max"),
        (MetricKind::Histogram, "avg|med|p\\(\\s*[0-9.]+\\s*\\)"),
        (MetricKind::Scraped, ANY),
    ];
    let patterns: Map<String, Value> = kinds
        .into_iter()
        .map(|(kind, aggregates)| {
            let mut metrics: Vec<&str> = Metric::ALL.iter().filter(|(_, metric)| metric.kind() == kind).map(|(name, _)| *name).collect();
            if kind == MetricKind::Scraped {
                metrics.push("scraped:\\s*[A-Za-z_:][A-Za-z0-9_:]*");
            }
            let expression = json!({
                "type": "string",
                "pattern": format!("^\\s*({aggregates})\\s*(<=|>=|==|!=|<|>)\\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\\s*$"),
            });
            let mut list = json!({ "type": "array", "items": shape(promise), "minItems": 1 });
            list["description"] = json!("What must hold, as an aggregate, a comparison and a value.");
            list["items"]["anyOf"][0] = expression.clone();
            list["items"]["anyOf"][1]["properties"]["threshold"]["pattern"] = expression["pattern"].clone();
            (format!("^\\s*({})\\s*(\\{{.*\\}})?$", metrics.join("|")), list)
        })
        .collect();
    json!({ "type": "object", "patternProperties": patterns, "additionalProperties": false })
}

#[cfg(test)]
mod tests;
