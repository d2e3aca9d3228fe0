//! A pace that is changed while a load runs.

use super::*;

async fn walk_at(executor: &str, keys: &str, answer: u64, controls: &[(u64, Control)]) -> Told {
    let answer = match answer {
        10 => |_| (Duration::from_millis(10), 200),
        _ => |_| (Duration::from_millis(100), 200),
    };
    walk_with(one_load(executor, keys), answer, None, controls).await
}

fn times(told: &Told) -> Vec<u128> {
    told.sent.iter().map(|(at, _)| *at).collect()
}

fn lag(told: &Told) -> u32 {
    told.windows.iter().map(|window| window.lag.max()).max().unwrap_or_default()
}

/// Ten a second, then twenty, then five; what is left of a gap keeps its share.
#[tokio::test(start_paused = true)]
async fn a_rate_is_multiplied_from_its_moment_on() {
    let controls = [(450, Control::Rate(2.0)), (800, Control::Rate(0.5))];
    let told = walk_at("constant-arrival-rate", "rate = 10\nduration = \"1500ms\"", 10, &controls).await;
    // 4.5 gaps at 450 ms; 11.5 at 800 ms; then one in 200 ms.
    assert_eq!(times(&told), [0, 100, 200, 300, 400, 475, 525, 575, 625, 675, 725, 775, 900, 1100, 1300]);
    assert_eq!(summed(&told.windows).1, (15, 0));
    let urls = |told: &Told| told.sent.iter().map(|(_, url)| url.clone()).collect::<Vec<_>>();
    let planned = walk_at("constant-arrival-rate", "rate = 10\nduration = \"1500ms\"", 10, &[]).await;
    assert_eq!(urls(&told), urls(&planned), "the pace changes when, and not what");
}

/// Ten times the rate is more than one request at a time can take: what finds no place is dropped and counted, as ever.
#[tokio::test(start_paused = true)]
async fn what_a_higher_rate_drops_is_counted() {
    let keys = "rate = 10\nduration = \"1s\"\nmax_vus = 1";
    let told = walk_at("constant-arrival-rate", keys, 100, &[(500, Control::Rate(10.0))]).await;
    // Each of the last 500 ms' requests takes the place of the nine after it.
    assert_eq!((times(&told).len(), summed(&told.windows).1), (10, (55, 45)));
    let offered = |window: u64| told.windows.iter().filter(|part| part.index == window).map(|part| part.offered).sum::<u32>();
    assert_eq!([0, 4, 5, 9].map(offered), [1, 1, 10, 10]);
}

/// Nothing that a pause left out comes later, and the load ends when it was to end.
#[tokio::test(start_paused = true)]
async fn after_a_pause_arrivals_go_on_with_the_rest_of_their_gap() {
    let controls = [(230, Control::Paused), (700, Control::Resumed)];
    let told = walk_at("constant-arrival-rate", "rate = 10\nduration = \"1s\"", 10, &controls).await;
    assert_eq!(times(&told), [0, 100, 200, 770, 870, 970]);
    assert_eq!(summed(&told.windows).1, (6, 0), "what was never due is not dropped");
    assert_eq!(lag(&told), 0);
}

/// Also one that was slowed down so far that no arrival was left can be quickened again.
#[tokio::test(start_paused = true)]
async fn a_load_can_be_quickened_as_long_as_it_is_planned_to_last() {
    let controls = [(150, Control::Rate(0.1)), (500, Control::Rate(10.0))];
    let told = walk_at("constant-arrival-rate", "rate = 10\nduration = \"600ms\"", 10, &controls).await;
    // 1.5 gaps, and 0.35 of one that would have been a second long; the rest of it is 1.5 ms of one that is 10 ms long.
    assert_eq!(times(&told), [0, 100, 502, 512, 522, 532, 542, 552, 562, 572, 582, 592]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_never_over_ends_with_the_load() {
    for (executor, keys, sent) in [
        ("constant-arrival-rate", "rate = 10\nduration = \"1s\"", vec![0, 100, 200]),
        ("constant-vus", "vus = 2\nduration = \"1s\"", vec![0, 0, 100, 100, 200, 200]),
        ("ramping-vus", "start_vus = 0\nstages = [{ target = 5, duration = \"1s\" }]", vec![200]),
    ] {
        let told = walk_at(executor, keys, 100, &[(250, Control::Paused)]).await;
        assert_eq!(times(&told), sent, "{executor}");
    }
    // What there was no time for is counted as ever.
    let told = walk_at("shared-iterations", "vus = 2\niterations = 20\nmax_duration = \"1s\"", 100, &[(250, Control::Paused)]).await;
    assert_eq!((times(&told).len(), summed(&told.windows).1), (6, (20, 14)));
}

/// The answers of 250 ms still come. Who was thinking thinks on for as long as was left; who had its answer in the pause goes on at its end.
#[tokio::test(start_paused = true)]
async fn users_go_on_where_they_stopped() {
    let controls = [(250, Control::Paused), (1000, Control::Resumed)];
    let told = walk_at("constant-vus", "vus = 2\nduration = \"1300ms\"", 100, &controls).await;
    assert_eq!(times(&told), [0, 0, 100, 100, 200, 200, 1000, 1000, 1100, 1100, 1200, 1200]);
    assert_eq!((summed(&told.windows).1, lag(&told)), ((12, 0), 0), "the pause is nobody's response time");
    let told = walk_at("constant-vus", "duration = \"2s\"\nthink_time = \"300ms\"", 100, &controls).await;
    // Its answer is there at 100 ms, so 150 ms of the thought are left.
    assert_eq!(times(&told), [0, 1150, 1550, 1950]);
}

/// A user that came in the pause begins at its end, and one that went in it does not come back.
#[tokio::test(start_paused = true)]
async fn a_ramp_of_users_keeps_its_time_line() {
    let stages = "start_vus = 0\nstages = [{ target = 4, duration = \"400ms\" }, { target = 1, duration = \"0s\" }, { target = 1, duration = \"600ms\" }]";
    let told = walk_at("ramping-vus", stages, 100, &[(150, Control::Paused), (450, Control::Resumed)]).await;
    assert_eq!(times(&told), [100, 450, 550, 650, 750, 850, 950]);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_a_pause() {
    let plan = one_load("constant-vus", "vus = 2\nduration = \"60s\"");
    let told = walk_with(plan, |_| (Duration::from_millis(100), 200), Some(500), &[(150, Control::Paused)]).await;
    assert_eq!(times(&told), [0, 0, 100, 100]);
    assert!(told.windows.iter().all(|window| window.index < 10));
}
