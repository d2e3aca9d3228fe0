//! JSON Schema, as far as the lab's own schemas use it. A keyword that is not known here fails the test that meets it.

use regex_lite::Regex;
use serde_json::Value;

/// Whether the value keeps to the schema.
pub(crate) fn is_valid(schema: &Value, value: &Value) -> bool {
    let keywords = match schema {
        Value::Bool(all) => return *all,
        Value::Object(keywords) => keywords,
        other => panic!("{other} is no schema"),
    };
    keywords.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "title" | "description" | "default" | "examples" | "then" => true,
        "type" => is_type(wanted.as_str().unwrap(), value),
        "const" => wanted == value,
        "enum" => wanted.as_array().unwrap().contains(value),
        "pattern" => value.as_str().is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= wanted.as_u64().unwrap()),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| is_valid(wanted, item))),
        "required" => {
            value.as_object().is_none_or(|table| wanted.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap())))
        }
        "properties" => value.as_object().is_none_or(|table| {
            wanted.as_object().unwrap().iter().all(|(key, schema)| table.get(key).is_none_or(|value| is_valid(schema, value)))
        }),
        "patternProperties" => value
            .as_object()
            .is_none_or(|table| table.iter().all(|(key, value)| matching(wanted, key).all(|schema| is_valid(schema, value)))),
        "additionalProperties" => value.as_object().is_none_or(|table| {
            let listed = |key: &str| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
            let matched = |key: &str| schema.get("patternProperties").is_some_and(|patterns| matching(patterns, key).next().is_some());
            table.iter().filter(|(key, _)| !listed(key) && !matched(key)).all(|(_, value)| is_valid(wanted, value))
        }),
        "allOf" => wanted.as_array().unwrap().iter().all(|schema| is_valid(schema, value)),
        "anyOf" => wanted.as_array().unwrap().iter().any(|schema| is_valid(schema, value)),
        "oneOf" => wanted.as_array().unwrap().iter().filter(|schema| is_valid(schema, value)).count() == 1,
        "not" => !is_valid(wanted, value),
        "if" => !is_valid(wanted, value) || is_valid(&schema["then"], value),
        other => panic!("the keyword {other} is not known"),
    })
}

fn matching<'s>(patterns: &'s Value, key: &str) -> impl Iterator<Item = &'s Value> {
    patterns.as_object().unwrap().iter().filter(move |(pattern, _)| Regex::new(pattern).unwrap().is_match(key)).map(|(_, schema)| schema)
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("the type {other} is not known"),
    }
}
