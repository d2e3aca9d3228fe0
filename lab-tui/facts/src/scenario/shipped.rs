//! The scenarios that the binary brings along, so that a name works from any folder.

/// Name and text of every shipped scenario, the default first.
pub const SHIPPED: &[(&str, &str)] = &[
    ("first-minute", include_str!("../../../../scenarios/first-minute.toml")),
    ("traffic", include_str!("../../../../scenarios/traffic.toml")),
    ("db-load", include_str!("../../../../scenarios/db-load.toml")),
    ("error-injection", include_str!("../../../../scenarios/error-injection.toml")),
    ("locked-table", include_str!("../../../../scenarios/locked-table.toml")),
    ("mixed-reads", include_str!("../../../../scenarios/mixed-reads.toml")),
    ("spike", include_str!("../../../../scenarios/spike.toml")),
    ("closed-and-open", include_str!("../../../../scenarios/closed-and-open.toml")),
    ("poisson", include_str!("../../../../scenarios/poisson.toml")),
    ("cold-start", include_str!("../../../../scenarios/cold-start.toml")),
    ("pool-exhaustion", include_str!("../../../../scenarios/pool-exhaustion.toml")),
    ("saturation", include_str!("../../../../scenarios/saturation.toml")),
    ("soak", include_str!("../../../../scenarios/soak.toml")),
];

/// A commented scenario for an author to begin with; in no list, since it is no scenario to be run by name.
pub const STARTING: &str = include_str!("starting.toml");

/// The text of the shipped scenario of that name.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::{SHIPPED, STARTING};
    use crate::scenario::Plan;

    /// Editors find the schema by the first line.
    #[test]
    fn every_scenario_names_its_schema() {
        let texts = SHIPPED.iter().map(|(_, text)| *text).chain([STARTING]);
        assert!(texts.into_iter().all(|text| text.starts_with("#:schema scenario.schema.json\n")));
    }

    #[test]
    fn every_file_in_scenarios_is_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect();
        let mut shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
        files.sort();
        shipped.sort_unstable();
        assert_eq!(shipped, files);
    }

    /// The starting scenario is what an author learns the format from, so it is understood, with what it leaves commented out as well.
    #[test]
    fn the_starting_scenario_is_understood_with_and_without_its_comments() {
        let services = ["frontend", "dice-roller", "die-service"];
        let plan = Plan::parse(STARTING, "new.toml", &services).unwrap();
        assert_eq!((plan.loads.len(), plan.faults.len(), plan.thresholds.len()), (1, 1, 4));
        // Sentences are commented out with `# `, what can be switched on with `#` alone.
        let commented_out = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && !line.starts_with("#:") && *line != "#";
        assert!(STARTING.lines().filter(commented_out).count() > 5);
        let all: String = STARTING.lines().map(|line| format!("{}\n", if commented_out(&line) { &line[1..] } else { line })).collect();
        let plan = Plan::parse(&all, "new.toml", &services).unwrap();
        assert_eq!((plan.loads.len(), plan.faults.len(), plan.thresholds.len()), (2, 2, 6));
        assert_eq!((plan.phases.len(), plan.expectations.len(), plan.services.len()), (1, 2, 1));
        assert!(plan.keep_going);
    }
}
