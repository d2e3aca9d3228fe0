//! The JSON Schema of the summary, as a file for those who read it by program.

/// Draft 2020-12, as `docs/summary.schema.json` has it: one summary, or an array of them.
pub const SUMMARY: &str = include_str!("../../../../docs/summary.schema.json");

/// The file is made from the types of [`super::summary`], so it costs no build anything but this module's tests.
#[cfg(test)]
mod tests {
    use std::path::Path;

    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;

    use super::*;
    use crate::report::Summary;

    /// The summary of a run, as `lab run --json FILE` writes it; an array of summaries where several scenarios ran.
    #[derive(JsonSchema)]
    #[schemars(untagged, title = "Summary of lab run")]
    #[expect(dead_code, reason = "only its schema is of use")]
    enum Written<'a> {
        /// One scenario ran.
        One(Box<Summary<'a>>),
        /// Several scenarios ran, in this order.
        Several(Vec<Summary<'a>>),
    }

    /// `LAB_UPDATE_SCHEMA=1 cargo test -p lab-instrument --lib schema` writes the file anew.
    #[test]
    fn the_schema_is_that_of_the_summary() {
        let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Written<'_>>();
        let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("LAB_UPDATE_SCHEMA").is_some() {
            std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/summary.schema.json"), &generated).unwrap();
            return;
        }
        assert!(
            generated == SUMMARY,
            "docs/summary.schema.json is not that of the code: run LAB_UPDATE_SCHEMA=1 cargo test -p lab-instrument --lib schema"
        );
    }
}
