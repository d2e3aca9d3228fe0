//! What is drawn. Draws are keyed by seed, load and arrival, so that the same seed gives the same sequence.

use std::borrow::Cow;
use std::time::Duration;

use lab_facts::scenario::{Load, Target, ThinkTime, Values};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::pacer::Arrival;

/// A request with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawn<'p> {
    /// Index of the request in its load.
    pub(super) request: usize,
    /// A path, or a whole URL for an absolute target.
    pub(super) url: String,
    /// Names in lower case, and values.
    pub(super) headers: Vec<(&'p str, String)>,
    pub(super) body: Option<String>,
}

/// Draws for one purpose do not change those for another.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Request = 0,
    Gap = 1,
    Think = 2,
}

fn keyed(seed: u32, load: usize, index: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&seed.to_le_bytes());
    key[4..8].copy_from_slice(&u32::try_from(load).unwrap_or(u32::MAX).to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

/// The gap before an arrival of a Poisson process, in mean gaps: exponential, with mean and deviation 1.
pub(super) fn gap(seed: u32, load: usize, index: u64) -> f64 {
    // From 0 up to but not 1, so the logarithm is finite.
    let share: f64 = keyed(seed, load, index, Purpose::Gap).random();
    -(1.0 - share).ln()
}

/// How long the user thinks who sent the request of that index.
pub(super) fn think(seed: u32, time: ThinkTime, load: usize, index: u64) -> Duration {
    let share: f64 = keyed(seed, load, index, Purpose::Think).random();
    time.min + (time.max - time.min).mul_f64(share)
}

/// Draws the request of an arrival.
pub(super) fn draw(seed: u32, load: &Load, arrival: Arrival) -> Drawn<'_> {
    let mut random = keyed(seed, arrival.load, arrival.index, Purpose::Request);
    let total: u64 = load.requests.iter().map(|request| u64::from(request.weight)).sum();
    let mut ticket = random.random_range(0..total.max(1));
    let mut chosen = 0;
    for (index, request) in load.requests.iter().enumerate() {
        let weight = u64::from(request.weight);
        if ticket < weight {
            chosen = index;
            break;
        }
        ticket -= weight;
    }
    // Every variable is drawn, used or not, in the order of the names: adding one to a URL does not change the others' draws. A table's
    // row is drawn with its first variable.
    let mut rows: Vec<(usize, usize)> = Vec::new();
    let values: Vec<(&str, Cow<'_, str>)> =
        load.vars.iter().map(|(name, values)| (name.as_str(), value(&mut random, &mut rows, values))).collect();
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let request = &load.requests[chosen];
    let (Target::Service { path: template, .. } | Target::Absolute(template)) = &request.target;
    Drawn {
        request: chosen,
        url: template.render(value),
        headers: request.headers.iter().map(|(name, template)| (name.as_str(), template.render_plain(value))).collect(),
        body: request.body.as_ref().map(|template| template.render_plain(value)),
    }
}

/// The value of one variable. `rows` are the tables that have been drawn from for this arrival, and their rows.
fn value<'v>(random: &mut ChaCha8Rng, rows: &mut Vec<(usize, usize)>, values: &'v Values) -> Cow<'v, str> {
    match values {
        Values::List(list) => Cow::Borrowed(list.get(random.random_range(0..list.len().max(1))).map_or("", String::as_str)),
        Values::Range { from, step, last } => Cow::Owned(from.wrapping_add_unsigned(random.random_range(0..=*last) * step).to_string()),
        Values::Column { table, column } => {
            let known = rows.iter().find(|(known, _)| known == table).map(|(_, row)| *row);
            let row = known.unwrap_or_else(|| {
                let row = random.random_range(0..column.rows().max(1));
                rows.push((*table, row));
                row
            });
            Cow::Borrowed(column.get(row))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lab_facts::scenario::{Plan, shipped};

    use super::*;

    #[test]
    fn draws_follow_the_weights_and_the_seed() {
        let plan = Plan::parse(shipped("db-load").unwrap(), "db-load", &["die-service"]).unwrap();
        let sequence = |seed| -> Vec<Drawn<'_>> {
            (0..4000).map(|index| draw(seed, &plan.loads[0], Arrival { load: 0, index, intended: Duration::ZERO })).collect()
        };
        let drawn = sequence(42);
        assert_eq!(drawn, sequence(42));
        assert_ne!(drawn, sequence(43));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &drawn {
            *counts.entry(&one.url).or_default() += 1;
        }
        // 4 : 9 : 9 : 9 : 9 of 40, each within four standard deviations of its share of 4000.
        assert!(counts["/dice"].abs_diff(400) < 76, "{counts:?}");
        for die in ["fair", "risky", "extreme", "unknown"] {
            assert!(counts[format!("/dice?identifier={die}").as_str()].abs_diff(900) < 106, "{counts:?}");
        }
    }

    /// A recording, a colleague's run and a bug report are worth their seed only while it draws the same.
    #[test]
    fn what_a_seed_draws_does_not_change() {
        let text = "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\n[[load.request]]\n\
                    weight = 3\nget = \"http://a/{die}\"\n[[load.request]]\nget = \"http://a/{die}/{times}\"\n[load.vars]\n\
                    die = [\"fair\", \"risky\", \"extreme\"]\ntimes = [\"1\", \"3\", \"5\", \"10\", \"20\"]";
        let plan = Plan::parse(text, "t", &[]).unwrap();
        let urls = (0..8).map(|index| draw(5, &plan.loads[0], Arrival { load: 0, index, intended: Duration::ZERO }).url);
        let paths: Vec<String> = urls.map(|url| url.replace("http://a/", "")).collect();
        assert_eq!(paths, ["fair/3", "fair", "risky", "extreme/10", "risky", "extreme", "risky/5", "extreme"]);
    }

    /// Lists, ranges and a table, in a path, in headers and in a body.
    #[test]
    fn variables_of_one_table_have_their_values_from_one_row() {
        let text = r#"
            format = 1
            title = "t"
            [[load]]
            name = "l"
            executor = "constant-arrival-rate"
            rate = 1
            duration = "1s"
            [[load.request]]
            put = "http://a/{id}?even={even}"
            headers = { x-name = "{name}/{die}" }
            body = '{"id": {id}, "name": "{name}"}'
            [load.vars]
            id = { csv = "users.csv", column = "id" }
            die = ["fair", "risky"]
            name = { csv = "users.csv", column = "name" }
            even = { from = -2, to = 5, step = 2 }
        "#;
        let users = |_: &str| Ok("id,name\n1,Ann é\n2,Bob\n3,\"Cy, \"\"C\"\"\"\n".to_owned());
        let plan = Plan::parse_given(text, "t", &lab_facts::scenario::Given { files: Some(&users), ..Default::default() }).unwrap();
        let load = &plan.loads[0];
        let names = BTreeMap::from([("1", "Ann é"), ("2", "Bob"), ("3", "Cy, \"C\"")]);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for index in 0..3000 {
            let Drawn { url, headers, body, .. } = draw(7, load, Arrival { load: 0, index, intended: Duration::ZERO });
            let (id, even) = url.strip_prefix("http://a/").unwrap().split_once("?even=").unwrap();
            let (name, die) = headers[0].1.split_once('/').unwrap();
            assert_eq!((headers[0].0, name), ("x-name", names[id]));
            assert_eq!(body.unwrap(), format!("{{\"id\": {id}, \"name\": \"{name}\"}}"));
            for value in [id, even, die] {
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
        assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), ["-2", "0", "1", "2", "3", "4", "fair", "risky"]);
        // Each within four standard deviations of its share of 3000; `2` is an id and an even number.
        for (value, share, deviation) in [("-2", 750, 24), ("4", 750, 24), ("1", 1000, 26), ("2", 1750, 36), ("risky", 1500, 28)] {
            assert!(counts[value].abs_diff(share) < 4 * deviation, "{counts:?}");
        }
    }
}
