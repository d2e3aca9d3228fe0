//! One seed fixes every draw of a run.

use super::*;

const PLAN: &str = r#"
format = 1
title = "t"
seed = 7

[[load]]
name = "arrivals"
executor = "ramping-arrival-rate"
arrivals = "poisson"
stages = [{ target = 100, duration = "2s" }]
[[load.request]]
weight = 3
get = "http://arrivals/{die}?times={times}"
[[load.request]]
weight = 2
post = "http://arrivals/{id}"
headers = { x-user = "{name}" }
body = '{"die": "{die}", "times": {times}}'
[load.vars]
die = ["fair", "risky", 6]
times = { from = 1, to = 1000 }
id = { csv = "users.csv", column = "id" }
name = { csv = "users.csv", column = "name" }

[[load]]
name = "users"
executor = "constant-vus"
vus = 7
duration = "2s"
think_time = { min = "10ms", max = "90ms" }
[[load.request]]
weight = 1
delete = "http://users/{id}"
[[load.request]]
weight = 4
put = "http://users/{even}"
body = "{name}"
[load.vars]
even = { from = 0, to = 100, step = 2 }
id = { csv = "users.csv", column = "id" }
name = { csv = "users.csv", column = "name" }
"#;

/// What each load sent, by index: arrivals are sent in the order of their indices, and users take theirs as they send.
async fn sequences(seed: u32, answer: fn(usize) -> (Duration, u16)) -> [Vec<String>; 2] {
    let users: String = (0..50).map(|id| format!("{id},name {id}\n")).collect();
    let plan = Plan::parse_given(
        PLAN,
        "t",
        &lab_facts::scenario::Given { files: Some(&|_| Ok(format!("id,name\n{users}"))), ..Default::default() },
    )
    .unwrap();
    let told = walk(Plan { seed, ..plan }, answer, None).await;
    let of = |host: &str| told.sent.iter().map(|(_, what)| what.clone()).filter(|what| what.contains(host)).collect();
    [of("http://arrivals/"), of("http://users/")]
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_seed_send_the_same() {
    let quick = |sent| (Duration::from_millis(5 + sent as u64 % 7), 200);
    let slow = |sent| (Duration::from_millis(40 + sent as u64 % 31), 200);
    let [arrivals, users] = sequences(7, quick).await;
    assert!(arrivals.len() > 50 && users.len() > 100, "{} and {}", arrivals.len(), users.len());
    assert_eq!([arrivals.clone(), users.clone()], sequences(7, quick).await);
    // A slower system keeps users from sending as much, and changes nothing else.
    let [same, fewer] = sequences(7, slow).await;
    assert_eq!(arrivals, same);
    assert!(fewer.len() < users.len());
    assert_eq!(users[..fewer.len()], fewer);
    let [others, theirs] = sequences(8, quick).await;
    assert!(arrivals[..20] != others[..20] && users[..20] != theirs[..20]);
    // All kinds are among them.
    for (kind, all) in [("GET", &arrivals), ("POST", &arrivals), ("DELETE", &users), ("PUT", &users)] {
        let kinds = all.iter().filter(|what| what.split(' ').next() == Some(kind) || kind == "GET" && what.starts_with("http"));
        assert!(kinds.count() > 5, "{kind}: {all:?}");
    }
}
