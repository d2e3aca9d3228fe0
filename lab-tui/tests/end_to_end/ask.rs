//! Questions to a running lab.

use crate::common::{PATIENCE, Place, get, until};

#[tokio::test]
async fn a_trace_goes_from_the_browser_to_the_database() {
    let place = Place::new();
    let up = place.up(&[]).await;
    let (status, body) = get(&format!("{}/roll?die=fair", up.url("frontend"))).await;
    assert_eq!(status, 200);
    let id = body["trace_id"].as_str().unwrap().to_owned();
    let (place, id) = (&place, &id);
    // Each service sends its own: frontend and dice-roller two spans each, die-service three.
    until("the whole trace", PATIENCE, || async move {
        let trace = place.run(&["trace", id, "--json"]).await;
        trace.stdout.matches("\"endTimeUnixNano\": ").count() == 7
    })
    .await;
    until("its log lines", PATIENCE, || async move { place.run(&["trace", id]).await.stdout.matches("Request completed").count() == 3 })
        .await;
    let shown = place.run(&["trace", id]).await.stdout;
    let order = [
        "frontend GET /roll",
        "frontend GET",
        "dice-roller GET /roll",
        "dice-roller GET",
        "die-service GET /dice",
        "die-service SELECT die_specifications",
    ];
    let mut from = 0;
    for label in order {
        from += shown[from..].find(label).unwrap_or_else(|| panic!("{label} after its parent in\n{shown}")) + label.len();
    }
    assert!(shown.contains("db.query.text=SELECT") && shown.contains("$1") && !shown.contains("'fair'"), "{shown}");
    let query =
        format!("{{ trace:id = \"{id}\" }} && {{ resource.service.name = \"die-service\" && span.db.system.name = \"postgresql\" }}");
    let found = place.run(&["traces", &query, "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap_or_else(|error| panic!("{error}: {found:?}"));
    let expected = serde_json::json!({"trace_id": id, "root_service": "frontend", "root_name": "GET /roll", "spans": 7, "matched": 7});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(found[0][key], *value, "{found:#}");
    }
    assert_eq!(found.as_array().unwrap().len(), 1);
    let listed = place.run(&["traces", "--limit", "1"]).await.stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    let none = place.run(&["traces", "{ resource.service.name = \"nobody\" }"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("no trace of the lab matches"), "{}", none.stderr);
    let misread = place.run(&["traces", "{ statsu = error }"]).await;
    assert_eq!(misread.code, Some(104));
    assert!(misread.stderr.contains("at character 3: `statsu` is no field"), "{}", misread.stderr);
    let unknown = place.run(&["trace", "00000000000000000000000000000001"]).await;
    assert_eq!(unknown.code, Some(104));
    assert!(unknown.stderr.contains("the lab has no trace"), "{}", unknown.stderr);
    up.stop().await;
    place.assert_empty();
}

#[tokio::test]
async fn without_a_running_lab_the_answer_says_so() {
    let place = Place::new();
    for arguments in [&["status"][..], &["trace", "00000000000000000000000000000001"], &["status", "--lab", "1"]] {
        let answer = place.run(arguments).await;
        assert_eq!(answer.code, Some(100), "{arguments:?}");
        assert!(answer.stderr.contains("no lab"), "{}", answer.stderr);
    }
}

#[tokio::test]
async fn two_labs_run_side_by_side() {
    let place = Place::new();
    let (one, two) = tokio::join!(place.up(&[]), place.up(&[]));
    // `status` of the newest was asked by both; ask each by its number.
    let mut addresses = Vec::new();
    for lab in [&one, &two] {
        let status = place.run(&["status", "--json", "--lab", &lab.pid().to_string()]).await;
        let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
        assert_eq!(status["pid"], lab.pid());
        let endpoints = &status["endpoints"];
        for service in ["frontend", "dice-roller", "die-service"] {
            addresses.push(endpoints["services"][service].to_string());
        }
        addresses.extend(["database", "otlp_grpc", "otlp_http"].map(|key| endpoints[key].to_string()));
        let frontend = endpoints["services"]["frontend"].as_str().unwrap();
        assert_eq!(get(&format!("{frontend}roll?die=fair")).await.0, 200);
    }
    let distinct: std::collections::HashSet<&String> = addresses.iter().collect();
    assert_eq!(distinct.len(), 12, "{addresses:?}");
    tokio::join!(one.stop(), two.stop());
    place.assert_empty();
}
