//! `[[load.request]]`: one key for each method.

use super::{Key, Shape, Table, key};

pub(super) const REQUEST: Table = Table {
    keys: &[
        key("name", Shape::Text, "Unique in its load; by default the method and what is asked for.").example("\"roll\""),
        key("weight", Shape::Whole(0, 4_294_967_295), "How often it is drawn, against the others' weights.").default("1").example("9"),
        method(
            "get",
            "A path on the load's service, or an http:// or https:// URL. `{name}` is a variable, percent-encoded; `{{` is a brace.",
        ),
        method("post", "The same for a POST."),
        method("put", "The same for a PUT."),
        method("patch", "The same for a PATCH."),
        method("delete", "The same for a DELETE."),
        method("head", "The same for a HEAD."),
        key("headers", Shape::Named(&Shape::Text), "Headers, which may have variables.")
            .example("{ content-type = \"application/json\" }")
            .stand_in("{}"),
        key(
            "body",
            Shape::Text,
            "What is sent. `{name}` is a variable and other braces are themselves, so that JSON can be written as it is.",
        )
        .example("'{\"die\": \"fair\"}'"),
        key("expect_status", Shape::List(&Shape::Whole(100, 599), false), "Statuses that are no failure; by default 200 to 399.")
            .example("[200, 404]"),
    ],
    one_of: &METHODS,
    choice: None,
};

/// The keys that say what is asked for, the usual one first.
pub(in crate::scenario) const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

const fn method(name: &'static str, about: &'static str) -> Key {
    key(name, Shape::Pattern("^(/|https?://)"), about).example("\"/dice\"").stand_in("\"http://127.0.0.1/\"")
}
