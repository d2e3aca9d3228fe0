//! What the lab writes, held against the schema that it prints.

use serde_json::Value;

use crate::common::{Place, ended};

/// Where a value is not as the schema says, or the schema says nothing of it. Knows the words that the lab's schemas use.
fn problems(value: &Value, schema: &Value, root: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        problems(value, &root["$defs"][name], root, place, found);
        return;
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let each = choices.iter().map(|choice| {
            let mut found = Vec::new();
            problems(value, choice, root, place, &mut found);
            found
        });
        let best = each.min_by_key(Vec::len).unwrap();
        found.extend(best);
        return;
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{place} is {value}, not {}", schema["const"]));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(several) => several.iter().map(|kind| kind.as_str().unwrap()).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let fits = kinds.is_empty() || kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number");
    if !fits {
        found.push(format!("{place} is {kind}, not {kinds:?}"));
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                problems(item, &schema["items"], root, &format!("{place}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                if !fields.contains_key(required.as_str().unwrap()) {
                    found.push(format!("{place} lacks {required}"));
                }
            }
            for (key, field) in fields {
                let described = [&schema["properties"][key], &schema["additionalProperties"]].into_iter().find(|schema| schema.is_object());
                match described {
                    Some(described) => problems(field, described, root, &format!("{place}.{key}"), found),
                    None => found.push(format!("{place}.{key} is not described")),
                }
            }
        }
        _ => {}
    }
}

/// One run with a fault and failures, and two with an array: every field is described, and every one that must be there is.
#[tokio::test]
async fn the_summary_is_as_its_schema_says() {
    let place = Place::new();
    let printed = place.run(&["schema", "summary"]).await;
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (field, described) in definition["properties"].as_object().into_iter().flatten() {
            assert!(described["description"].is_string(), "{name}.{field} has no description");
        }
    }
    let check = |value: &Value| {
        let mut found = Vec::new();
        problems(value, &schema, &schema, "$", &mut found);
        found
    };
    for scenarios in [&["locked-table"][..], &["traffic", "db-load"]] {
        let mut lab = place.lab(&[&["run"], scenarios, &["--json", "-"]].concat());
        let run = ended(lab.env("LAB_TIME_SCALE", "0.05").spawn().unwrap()).await;
        let summary: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", run.stdout, run.stderr));
        assert_eq!(check(&summary), Vec::<String>::new());
        if let Value::Object(mut fields) = summary {
            fields.insert("surprise".to_owned(), 1.into());
            fields.remove("seed");
            fields.insert("verdict".to_owned(), "perhaps".into());
            let found = check(&fields.into());
            assert_eq!(found.len(), 3, "{found:?}");
        }
    }
}
