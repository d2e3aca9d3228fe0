//! What makes a Prometheus scrape the services of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use url::{Position, Url};

/// Its configuration for these pages, by the names of their services: often enough for a run of half a minute.
pub fn scrape_config(pages: &BTreeMap<String, Url>) -> String {
    let mut config = "global: { scrape_interval: 1s }\nscrape_configs:\n".to_owned();
    // Texts in JSON are texts in YAML.
    let quoted = |text: &str| Value::from(text).to_string();
    for (service, page) in pages {
        let target = quoted(&page[Position::BeforeHost..Position::AfterPort]);
        // Writing to a String cannot fail.
        let _ = writeln!(config, "  - job_name: {}", quoted(service));
        if page.path() != "/metrics" {
            let _ = writeln!(config, "    metrics_path: {}", quoted(page.path()));
        }
        if page.scheme() != "http" {
            let _ = writeln!(config, "    scheme: {}", page.scheme());
        }
        let _ = writeln!(config, "    static_configs: [{{ targets: [{target}] }}]");
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_scraped_where_it_is() {
        let pages = [("door", "http://127.0.0.1:8109/metrics"), ("window", "https://example.org/stats")];
        let config = scrape_config(&pages.map(|(name, page)| (name.to_owned(), Url::parse(page).unwrap())).into());
        let expected = r#"global: { scrape_interval: 1s }
scrape_configs:
  - job_name: "door"
    static_configs: [{ targets: ["127.0.0.1:8109"] }]
  - job_name: "window"
    metrics_path: "/stats"
    scheme: https
    static_configs: [{ targets: ["example.org"] }]
"#;
        assert_eq!(config, expected);
    }
}
