//! The scenarios that the binary brings along, so that a name works from any folder.

/// Name and text of every shipped scenario, the default first.
pub const SHIPPED: &[(&str, &str)] = &[
    ("first-minute", include_str!("../../../scenarios/first-minute.toml")),
    ("traffic", include_str!("../../../scenarios/traffic.toml")),
    ("db-load", include_str!("../../../scenarios/db-load.toml")),
    ("error-injection", include_str!("../../../scenarios/error-injection.toml")),
    ("locked-table", include_str!("../../../scenarios/locked-table.toml")),
];

/// The text of the shipped scenario of that name.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::SHIPPED;

    #[test]
    fn every_file_in_scenarios_is_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
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
}
