//! Methods, headers, bodies and what their variables are drawn from.

use super::*;
use crate::scenario::{Method, Target, Values};

const BASE: &str = r#"format = 1
title = "t"
[[load]]
name = "l"
executor = "constant-arrival-rate"
rate = 50
duration = "30s"
[[load.request]]
post = "https://a/{id}"
headers = { Content-Type = "application/json", x-user = "{user}", x-mail = "{mail}" }
body = '{"id": {id}, "die": "{die}"}'
[load.vars]
id = { from = 1, to = 1000 }
die = ["fair", 6, 0.5]
user = { csv = "users.csv", column = "name" }
mail = { csv = "./users.csv", column = "mail" }
"#;

/// One file is there.
fn files(path: &str) -> Result<String, String> {
    match path {
        "users.csv" => Ok("mail,name\na@x,Ann\nb@x,Bob\n".to_owned()),
        "broken.csv" => Ok("name\n\"Ann\n".to_owned()),
        "lines.csv" => Ok("name\n\"Ann\nBob\"\n".to_owned()),
        _ => Err(format!("there is no file `{path}`")),
    }
}

fn parse(old: &str, new: &str) -> Result<Plan, Refusals> {
    assert!(BASE.contains(old), "{old}");
    Plan::parse_given(&BASE.replacen(old, new, 1), "x.toml", &Given { services: SERVICES, files: Some(&files), ..Given::default() })
}

#[test]
fn a_request_is_read_with_all_that_it_sends() {
    let load = parse("title", "title").unwrap().loads.remove(0);
    let request = &load.requests[0];
    assert_eq!((request.name.as_str(), request.method), ("POST https://a/{id}", Method::Post));
    assert!(matches!(&request.target, Target::Absolute(url) if url.source() == "https://a/{id}"));
    let headers: Vec<(&str, &str)> = request.headers.iter().map(|(name, value)| (name.as_str(), value.source())).collect();
    assert_eq!(headers, [("content-type", "application/json"), ("x-user", "{user}"), ("x-mail", "{mail}")]);
    assert_eq!(request.body.as_ref().unwrap().variables().collect::<Vec<_>>(), ["id", "die"]);
    assert_eq!(load.vars["id"], Values::Range { from: 1, step: 1, last: 999 });
    assert_eq!(load.vars["die"], Values::List(vec!["fair".to_owned(), "6".to_owned(), "0.5".to_owned()]));
    let column = |name: &str| match &load.vars[name] {
        Values::Column { table, column } => (*table, column.iter().map(str::to_owned).collect::<Vec<_>>()),
        other => panic!("{other:?}"),
    };
    assert_eq!(column("user"), (0, vec!["Ann".to_owned(), "Bob".to_owned()]));
    assert_eq!(column("mail"), (0, vec!["a@x".to_owned(), "b@x".to_owned()]), "one file is one table, however it is written");
}

#[test]
fn each_method_names_its_requests() {
    for (key, method) in
        ["get", "post", "put", "patch", "delete", "head"].into_iter().zip(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    {
        let plan = parse("post = ", &format!("{key} = ")).unwrap();
        let request = &plan.loads[0].requests[0];
        assert_eq!((request.method.as_str(), request.name.as_str()), (method, format!("{method} https://a/{{id}}").as_str()));
    }
}

#[test]
fn ranges_have_steps_and_both_ends() {
    let range = |keys: &str| match parse("from = 1, to = 1000", keys) {
        Ok(plan) => plan.loads[0].vars["id"].clone(),
        Err(refusal) => panic!("{refusal}"),
    };
    assert_eq!(range("from = 5, to = 5"), Values::Range { from: 5, step: 1, last: 0 });
    assert_eq!(range("from = -10, to = 9, step = 10"), Values::Range { from: -10, step: 10, last: 1 });
    let (from, to) = (i64::MIN, i64::MAX);
    assert_eq!(range(&format!("from = {from}, to = {to}")), Values::Range { from, step: 1, last: u64::MAX });
}

#[test]
fn refusals() {
    let cases = [
        ("post = ", "# ", "x.toml:8:1: the request does not say what it asks for (add `get = \"/…\"`, or `post`, `put`,"),
        (
            "body = ",
            "put = \"/\"\nbody = ",
            "x.toml:11:7: the request is a POST, and cannot be a PUT as well (write a [[load.request]] for each)",
        ),
        ("post = ", "pots = ", "x.toml:9:1: unknown key `pots` (did you mean `post`?)"),
        ("https://a", "https://{id}", "x.toml:9:8: `https://{id}/{id}` has a variable or a password in its host"),
        ("https://a", "https://a:b", "x.toml:9:8: `https://a:b/{id}` is no URL: invalid port number"),
        ("https://a", "ftp://a", "x.toml:9:8: `ftp://a/{id}` is neither a path nor an http:// or https:// URL"),
        ("Content-Type", "\"content type\"", "x.toml:10:13: `content type` is no name of a header (write letters, digits and dashes"),
        ("Content-Type", "Traceparent", "x.toml:10:13: the header `traceparent` cannot be set: the lab writes it, so that"),
        ("Content-Type", "host", "x.toml:10:13: the header `host` cannot be set: it is what the URL says (leave it out)"),
        ("Content-Type", "content-length", "x.toml:10:13: the header `content-length` cannot be set: it is what the body is long"),
        ("Content-Type", "X-User", "x.toml:10:42: the header `x-user` is given twice (capitals do not matter; keep one of them)"),
        ("application/json", "a\\nb", "x.toml:10:28: the header `content-type` has a control character (leave line breaks out)"),
        ("application/json", "{dye}", "x.toml:10:28: the variable `dye` is not in [load.vars] (did you mean `die`?)"),
        ("application/json", "{", "x.toml:10:28: a `{` without its `}` (write a variable as `{name}`, a brace as `{{`)"),
        (
            "{die}",
            "{dye}",
            "x.toml:11:8: the variable `dye` is not in [load.vars] (did you mean `die`?; double the braces where no variable",
        ),
        ("{\"id\"", "{{\"id\"", "x.toml:11:8: a `{{` without its `}}`"),
        ("from = 1,", "from = 1001,", "x.toml:13:15: from = 1001 is above to = 1000 (swap the two)"),
        ("to = 1000", "to = 1000, step = 0", "x.toml:13:36: step = 0 leads nowhere (write a whole number from 1)"),
        ("from = 1, ", "", "x.toml:13:6: the key `from` is missing here (add `from = 1`)"),
        (", to = 1000", "", "x.toml:13:6: the key `to` is missing here (add `to = 1000`)"),
        ("to = 1000", "to = 1000.5", "x.toml:13:23: found the number `1000.5` where the scenario needs a whole number"),
        ("{ from = 1, to = 1000 }", "{}", "x.toml:13:6: the variable `id` has no values (write [\"a\", \"b\"], { from = 1, to = 6 } or"),
        (
            "{ from = 1, to = 1000 }",
            "3",
            "x.toml:13:6: found integer `3` where the scenario needs a list of values, { from, to } or { csv, column }",
        ),
        ("[\"fair\", 6, 0.5]", "[]", "x.toml:14:7: the variable `die` has no values (list at least one)"),
        ("6, 0.5", "true", "x.toml:14:16: found boolean `true` where the scenario needs a string or a number"),
        ("0.5", "nan", "x.toml:14:19: NaN is no number to send"),
        ("users.csv\", column = \"name", "user.csv\", column = \"name", "x.toml:15:16: there is no file `user.csv` (paths begin at"),
        (
            "users.csv\", column = \"name",
            "broken.csv\", column = \"name",
            "x.toml:15:16: `broken.csv` has a quote in line 2 that is never closed",
        ),
        (
            "users.csv\", column = \"name",
            "lines.csv\", column = \"name",
            "x.toml:10:57: a value of `user` has a control character, which no header",
        ),
        ("\"name\"", "\"nam\"", "x.toml:15:38: `users.csv` has no column `nam` (did you mean `name`?)"),
        (", column = \"name\"", "", "x.toml:15:8: the key `column` is missing here (add `column = \"id\"`)"),
        (
            "column = \"name\"",
            "column = \"name\", from = 1",
            "x.toml:15:53: a column of a file has no range (leave out what goes with neither)",
        ),
        ("csv = \"users.csv\", column = \"name\"", "column = \"name\"", "x.toml:15:19: a column of which file is not said (add `csv = "),
        (", x-mail = \"{mail}\"", "", "x.toml:16:8: no request uses the variable `mail` (write `{mail}` in one, or leave it out)"),
        ("csv = \"users.csv\"", "cvs = \"users.csv\"", "x.toml:15:10: unknown key `cvs` (did you mean `csv`?)"),
    ];
    let told = cases.map(|(old, new, expected)| (parse(old, new).expect_err(new).to_string(), expected));
    let others: Vec<_> = told.iter().filter(|(answer, expected)| !answer.starts_with(expected)).collect();
    assert!(others.is_empty(), "{others:#?}");
    // What a variable of a header may not hold, another one may.
    assert!(parse("\"fair\"", "\"fa\\nir\"").is_ok());
    let alone = Plan::parse(BASE, "x.toml", SERVICES).unwrap_err().to_string();
    assert!(
        alone.ends_with("`users.csv` cannot be read: this scenario lies in no folder (paths begin at the scenario's folder)"),
        "{alone}"
    );
}
