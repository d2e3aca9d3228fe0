//! What the load sends, as a server sees it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};

use crate::common::Place;

const SCENARIO: &str = r#"
format = 1
title = "requests"
seed = 11
[[load]]
name = "l"
executor = "shared-iterations"
iterations = 60
[[load.request]]
get = "BASE/users/{id}?die={die}"
[[load.request]]
put = "BASE/users/{id}"
headers = { Content-Type = "application/json", x-user = "{name}" }
body = '{"name": "{name}", "roll": {"times": {times}}}'
expect_status = [201]
[[load.request]]
post = "BASE/rolls"
[[load.request]]
delete = "BASE/users/{id}"
[[load.request]]
head = "BASE/users/{id}"
[[load.request]]
patch = "BASE/users/{id}"
body = "{times}"
[load.vars]
id = { csv = "users.csv", column = "id" }
name = { csv = "users.csv", column = "name" }
times = { from = 1, to = 1000 }
die = ["a b", 6]
[thresholds]
http_req_failed = ["rate==0"]
"#;

/// Counts nothing and judges nothing: writes down what it was asked, and that a PUT has created something.
async fn server() -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let app = Router::new().fallback(move |request: Request| {
        let log = Arc::clone(&log);
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 10_000).await.unwrap();
            let header = |headers: &HeaderMap, name| headers.get(name).map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap());
            let headers = ["content-type", "x-user", "content-length"].map(|name| header(&parts.headers, name).unwrap_or_default());
            assert_eq!(header(&parts.headers, "traceparent").unwrap().len(), 55);
            let created = parts.method == "PUT";
            let line = format!("{} {} {headers:?} {}", parts.method, parts.uri, String::from_utf8(body.to_vec()).unwrap());
            log.lock().unwrap().push(line);
            if created { StatusCode::CREATED } else { StatusCode::OK }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    (base, asked)
}

#[tokio::test]
async fn methods_headers_and_bodies_arrive_and_one_seed_sends_the_same_again() {
    let place = Place::new();
    let (base, asked) = server().await;
    place.write("users.csv", "\u{feff}id,name\r\n1,Zoë\r\n2,\"Bob, jr\"\r\n3,Cy\r\n");
    let scenario = place.write("requests.toml", &SCENARIO.replace("BASE", &base));
    let mut runs = Vec::new();
    for _ in 0..2 {
        let run = place.run(&["run", scenario.to_str().unwrap()]).await;
        assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
        runs.push(std::mem::take(&mut *asked.lock().unwrap()));
    }
    // One user sends them one after the other.
    assert_eq!(runs[0].len(), 60);
    assert_eq!(runs[0], runs[1]);
    let users = [("1", "Zoë"), ("2", "Bob, jr"), ("3", "Cy")];
    for line in &runs[0] {
        let (method, rest) = line.split_once(' ').unwrap();
        let (uri, rest) = rest.split_once(' ').unwrap();
        let id = uri.strip_prefix("/users/").map(|rest| rest.split('?').next().unwrap());
        let of = |headers: [&str; 3], body: &str| format!("{headers:?} {body}");
        match method {
            "GET" => assert!(uri.ends_with("?die=a%20b") || uri.ends_with("?die=6"), "{line}"),
            "PUT" => {
                // The id of the path and the name of the header and the body are of one row.
                let name = users.iter().find(|(known, _)| Some(*known) == id).unwrap().1;
                let times = rest.rsplit_once(": ").unwrap().1.trim_end_matches('}');
                let body = format!("{{\"name\": \"{name}\", \"roll\": {{\"times\": {times}}}}}");
                assert_eq!(rest, of(["application/json", name, &body.len().to_string()], &body));
            }
            "PATCH" => assert!(rest.ends_with(|last: char| last.is_ascii_digit()), "{line}"),
            "POST" => assert_eq!(rest, of(["", "", "0"], "")),
            "DELETE" | "HEAD" => assert_eq!(rest, of([""; 3], "")),
            other => panic!("{other}"),
        }
    }
    for method in ["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD"] {
        assert!(runs[0].iter().any(|line| line.starts_with(&format!("{method} "))), "{method}: {:#?}", runs[0]);
    }
    place.assert_empty();
}

/// Each is refused before anything starts, at each place in the scenario that wants it.
#[tokio::test]
async fn a_file_that_does_not_fit_is_refused() {
    let place = Place::new();
    let scenario = place.write("requests.toml", &SCENARIO.replace("BASE", "http://127.0.0.1:1"));
    let folder = scenario.parent().unwrap().display();
    // The limit lies in the middle of a character.
    let large = format!("id,name\n{}", "ü".repeat(6_000_000));
    let cases: [(Option<&[u8]>, String); 5] = [
        (None, format!("there is no file `{folder}/users.csv` (paths begin at the scenario's folder)")),
        (Some(b"id,name\n\xff\xfe,1\n"), format!("`{folder}/users.csv` is not UTF-8 text (paths begin at the scenario's folder)")),
        (Some(large.as_bytes()), format!("`{folder}/users.csv` is larger than 10 MiB (paths begin at the scenario's folder)")),
        (
            Some(b"id,name\n1\n"),
            "`users.csv` has another number of fields in line 2 than columns: 1, not 2 (correct the file, or name another)".to_owned(),
        ),
        (Some(b"id,name\n"), "`users.csv` has no rows below the names of its columns (correct the file, or name another)".to_owned()),
    ];
    for (content, expected) in cases {
        if let Some(content) = content {
            std::fs::write(place.path("users.csv"), content).unwrap();
        }
        let run = place.run(&["run", scenario.to_str().unwrap()]).await;
        let told = ["id = { csv = ", "name = { csv = "].map(|var| {
            let line = SCENARIO.lines().position(|line| line.starts_with(var)).unwrap() + 1;
            format!("lab: {}:{line}:{}: {expected}\n", scenario.display(), var.len() + 1)
        });
        assert_eq!(run.stderr, told.concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(104), ""));
    }
    place.assert_empty();
}
