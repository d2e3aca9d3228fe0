//! Users, and what becomes of requests at the end of a load.

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn times(told: &Told) -> Vec<u128> {
    told.sent.iter().map(|(at, _)| *at).collect()
}

/// Requests that ended so, and the response times they were told with.
fn ended(told: &Told, outcome: Outcome) -> BTreeMap<u32, u32> {
    summed(&told.windows).0.remove(&outcome).unwrap_or_default()
}

fn lag(told: &Told) -> u32 {
    told.windows.iter().map(|window| window.lag.max()).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_user_goes_on_when_it_has_its_answer() {
    let told = walk(one_load("constant-vus", "vus = 2\nduration = \"1s\""), |_| (ms(100), 200), None).await;
    let expected: Vec<u128> = (0..10).flat_map(|turn| [turn * 100; 2]).collect();
    assert_eq!(times(&told), expected);
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(100, 20)]));
    assert_eq!((summed(&told.windows).1, lag(&told)), ((20, 0), 0));
}

/// 100 ms for the answer and 150 ms to think; the fourth answer would end at 850 ms, and the next turn at the load's end is none.
#[tokio::test(start_paused = true)]
async fn a_user_thinks_between_an_answer_and_the_next_request() {
    let keys = "start = \"2s\"\nduration = \"1s\"\nthink_time = \"150ms\"";
    let told = walk(one_load("constant-vus", keys), |_| (ms(100), 200), None).await;
    assert_eq!(times(&told), [2000, 2250, 2500, 2750]);
    // Not the user's thinking, but only the answer, is response time.
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(100, 4)]));
    assert_eq!(lag(&told), 0);
}

/// A turn that is nearly there is not asked of the pacer; the user waits for it.
#[tokio::test(start_paused = true)]
async fn a_thought_of_half_a_millisecond_comes_to_an_end() {
    let told = walk(one_load("constant-vus", "duration = \"1s\"\nthink_time = \"500us\""), |_| (ms(99), 200), None).await;
    // Simulated timers fire on whole milliseconds, so the last one, due at 999.5 ms, is sent later.
    assert_eq!(times(&told), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
}

#[tokio::test(start_paused = true)]
async fn a_think_time_between_two_is_drawn_anew_each_time() {
    let keys = "duration = \"20s\"\nthink_time = { min = \"50ms\", max = \"150ms\" }";
    let told = walk(one_load("constant-vus", keys), |_| (ms(100), 200), None).await;
    let gaps: Vec<u128> = times(&told).windows(2).map(|pair| pair[1] - pair[0] - 100).collect();
    // Simulated timers fire on whole milliseconds.
    assert!(gaps.iter().all(|gap| (50..=151).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < 65) && gaps.iter().any(|gap| *gap > 135), "{gaps:?}");
    assert!(gaps.len().abs_diff(100) < 8, "{}", gaps.len());
}

/// The second request is slow; whoever is free sends the next one, and the slow user sends no more than two of the ten.
#[tokio::test(start_paused = true)]
async fn iterations_are_shared_by_whoever_is_free() {
    let answer = |sent| (ms(if sent == 1 { 400 } else { 50 }), 200);
    let told = walk(one_load("shared-iterations", "vus = 2\niterations = 10"), answer, None).await;
    assert_eq!(times(&told), [0, 0, 50, 100, 150, 200, 250, 300, 350, 400]);
    assert_eq!(summed(&told.windows).1, (10, 0));
}

#[tokio::test(start_paused = true)]
async fn each_user_has_its_own_iterations() {
    let answer = |sent| (ms(if sent == 1 { 400 } else { 50 }), 200);
    let told = walk(one_load("per-vu-iterations", "vus = 2\niterations = 4"), answer, None).await;
    assert_eq!(times(&told), [0, 0, 50, 100, 150, 400, 450, 500]);
    assert_eq!(summed(&told.windows).1, (8, 0));
}

/// What there was no time for is dropped and counted, in the load's last window.
#[tokio::test(start_paused = true)]
async fn iterations_that_there_was_no_time_for_are_counted() {
    for (executor, undone) in [("shared-iterations", 12), ("per-vu-iterations", 32)] {
        let told = walk(one_load(executor, "vus = 2\niterations = 20\nmax_duration = \"400ms\""), |_| (ms(100), 200), None).await;
        assert_eq!(times(&told), [0, 0, 100, 100, 200, 200, 300, 300], "{executor}");
        assert_eq!(summed(&told.windows).1, (8 + undone, undone), "{executor}");
        assert!(told.windows.iter().filter(|window| window.dropped > 0).all(|window| window.index == 3), "{executor}");
    }
}

/// Up to four users within four seconds, there for one, and down to one within three.
#[tokio::test(start_paused = true)]
async fn users_come_and_go_with_the_ramp() {
    let stages =
        "start_vus = 0\nstages = [{ target = 4, duration = \"4s\" }, { target = 4, duration = \"1s\" }, { target = 1, duration = \"3s\" }]";
    let told = walk(one_load("ramping-vus", stages), |_| (ms(500), 200), None).await;
    let in_second = |second: u128| times(&told).iter().filter(|at| **at / 1000 == second).count();
    // Two requests a second for each user who is there; one who comes does so at the end of its part, one who goes as well.
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8].map(in_second), [0, 2, 4, 6, 8, 8, 6, 4, 0]);
    assert_eq!(summed(&told.windows).1, (38, 0));
}

/// The answer to the second user's last request comes 800 ms after that user had to go, and 300 ms are given.
#[tokio::test(start_paused = true)]
async fn a_request_may_outlast_its_user_by_the_ramp_downs_grace() {
    let keys = |grace| {
        format!(
            "start_vus = 2\ngraceful_ramp_down = \"{grace}\"\nstages = [{{ target = 2, duration = \"1s\" }}, {{ target = 1, duration = \"0s\" }}, \
             {{ target = 1, duration = \"3s\" }}]"
        )
    };
    let told = walk(one_load("ramping-vus", &keys("300ms")), |_| (ms(1800), 200), None).await;
    assert_eq!(times(&told), [0, 0, 1800, 3600]);
    assert_eq!(ended(&told, Outcome::Outlasted), BTreeMap::from([(1299, 1)]), "in three digits");
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(1799, 3)]));
    let told = walk(one_load("ramping-vus", &keys("1s")), |_| (ms(1800), 200), None).await;
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(1799, 4)]));
}

/// Ten requests a second, the last one due after 900 ms. Nothing is cut silently: all of them are told, one way or the other.
#[tokio::test(start_paused = true)]
async fn requests_at_the_end_are_given_their_grace_and_then_fail() {
    let answer = |sent| (ms(if sent == 9 { 5000 } else { 700 }), 200);
    let keys = |grace| format!("rate = 10\nduration = \"1s\"\ngraceful_stop = \"{grace}\"");
    let told = walk(one_load("constant-arrival-rate", &keys("30s")), answer, None).await;
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(700, 9), (4997, 1)]), "in three digits");
    let told = walk(one_load("constant-arrival-rate", &keys("600ms")), answer, None).await;
    assert_eq!(ended(&told, Outcome::Status(200)), BTreeMap::from([(700, 9)]));
    assert_eq!(ended(&told, Outcome::Outlasted), BTreeMap::from([(700, 1)]));
    assert!(told.windows.iter().flat_map(|window| &window.exemplars).any(|one| one.outcome == Outcome::Outlasted && one.failed));
    let told = walk(one_load("constant-arrival-rate", &keys("0s")), answer, None).await;
    assert_eq!(ended(&told, Outcome::Outlasted).values().sum::<u32>(), 6, "those of the last 700 ms");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_users_as_well() {
    let keys = "vus = 3\niterations = 1000\nthink_time = \"50ms\"";
    let told = walk(one_load("shared-iterations", keys), |_| (ms(100), 200), Some(400)).await;
    // Three each 150 ms; those of 300 ms have their answers, and what was not sent by then is nobody's fault.
    assert_eq!(times(&told), [0, 0, 0, 150, 150, 150, 300, 300, 300]);
    assert_eq!(summed(&told.windows).1, (9, 0));
}

/// The same seed gives the same requests in the same order and, on simulated time, at the same moments.
#[tokio::test(start_paused = true)]
async fn one_seed_fixes_every_request_of_every_executor() {
    let executors = [
        ("constant-arrival-rate", "rate = 40\nduration = \"2s\"\narrivals = \"poisson\""),
        ("ramping-arrival-rate", "stages = [{ target = 80, duration = \"2s\" }]\narrivals = \"poisson\""),
        ("constant-vus", "vus = 5\nduration = \"2s\"\nthink_time = { min = \"10ms\", max = \"90ms\" }"),
        ("ramping-vus", "stages = [{ target = 8, duration = \"1s\" }, { target = 1, duration = \"1s\" }]\nthink_time = \"20ms\""),
        ("shared-iterations", "vus = 5\niterations = 100\nthink_time = { min = \"5ms\", max = \"90ms\" }"),
        ("per-vu-iterations", "vus = 5\niterations = 20"),
    ];
    let quick = |sent| (ms(10 + sent as u64 % 7), 200);
    let slow = |sent| (ms(30 + sent as u64 % 31), 200);
    for (executor, keys) in executors {
        let urls = |told: &Told| -> Vec<String> { told.sent.iter().map(|(_, url)| url.clone()).collect() };
        let once = walk(one_load(executor, keys), quick, None).await;
        assert_eq!(once.sent, walk(one_load(executor, keys), quick, None).await.sent, "{executor}");
        assert!(once.sent.len() > 50 && urls(&once)[..20].iter().any(|url| *url != once.sent[0].1), "{executor}: {:?}", once.sent);
        // A slower system changes when, and with users how many, but not which.
        let other = walk(one_load(executor, keys), slow, None).await;
        let both = once.sent.len().min(other.sent.len());
        assert_eq!(urls(&once)[..both], urls(&other)[..both], "{executor}");
        let seeded = walk(Plan { seed: 8, ..one_load(executor, keys) }, quick, None).await;
        assert_ne!(urls(&once), urls(&seeded), "{executor}");
    }
}

/// Side by side, each from its own start: two a second for two seconds, and from then on a user.
#[tokio::test(start_paused = true)]
async fn loads_run_side_by_side() {
    let first = one_load("constant-arrival-rate", "rate = 2\nduration = \"2s\"");
    let second = one_load("constant-vus", "start = \"1750ms\"\nduration = \"1s\"");
    let plan = Plan { loads: first.loads.into_iter().chain(second.loads).collect(), ..first };
    let told = walk(plan, |_| (ms(400), 200), None).await;
    assert_eq!(times(&told), [0, 500, 1000, 1500, 1750, 2150, 2550]);
    let offered = |load| told.windows.iter().filter(|window| window.load == load).map(|window| window.offered).sum::<u32>();
    assert_eq!([offered(0), offered(1)], [4, 3]);
}
