//! Trace IDs that lead somewhere: to a template's address, or to Grafana's Explore.

/// Where a trace can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLink {
    template: String,
}

const PLACE: &str = "{trace_id}";

impl TraceLink {
    /// An address with `{trace_id}` in it.
    ///
    /// # Errors
    /// What is wrong with it, and the way out.
    pub fn template(template: &str) -> Result<Self, String> {
        if !template.contains(PLACE) {
            return Err("the address lacks {trace_id}: write it as in http://localhost:3000/trace/{trace_id}".to_owned());
        }
        let sample = template.replace(PLACE, "0af7651916cd43dd8448eb211c80319c");
        let is_url = url::Url::parse(&sample).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        // A control character would end the terminal's link sequence.
        if !is_url || template.chars().any(char::is_control) {
            return Err("that is no http:// or https:// address".to_owned());
        }
        Ok(Self { template: template.to_owned() })
    }

    /// Grafana's Explore, with a Tempo data source whose uid is `tempo`.
    ///
    /// # Errors
    /// The base is no address.
    pub fn grafana(base: &str) -> Result<Self, String> {
        let panes = format!(
            r#"{{"lab":{{"datasource":"tempo","queries":[{{"refId":"A","datasource":{{"type":"tempo","uid":"tempo"}},"queryType":"traceql","query":"{PLACE}"}}],"range":{{"from":"now-1h","to":"now"}}}}}}"#
        );
        let panes: String = url::form_urlencoded::byte_serialize(panes.as_bytes()).collect();
        // The place itself must stay readable for the template.
        let panes = panes.replace("%7Btrace_id%7D", PLACE);
        Self::template(&format!("{}/explore?schemaVersion=1&orgId=1&panes={panes}", base.trim_end_matches('/')))
    }

    /// The address of one trace.
    pub fn of(&self, trace_id: &str) -> String {
        self.template.replace(PLACE, trace_id)
    }

    /// The template itself, for those who fill it in themselves.
    pub fn as_template(&self) -> &str {
        &self.template
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in_and_a_wrong_one_refused() {
        let link = TraceLink::template("https://tempo.example/t/{trace_id}?x=1").unwrap();
        assert_eq!(link.of("abc"), "https://tempo.example/t/abc?x=1");
        assert!(TraceLink::template("https://tempo.example/").unwrap_err().contains("{trace_id}"));
        assert!(TraceLink::template("tempo/{trace_id}").is_err());
        assert!(TraceLink::template("http://a/{trace_id}\u{1b}").is_err());
    }

    #[test]
    fn grafana_opens_its_explore() {
        let url = TraceLink::grafana("http://localhost:3000/").unwrap().of("abc");
        let url = url::Url::parse(&url).unwrap();
        assert_eq!(url.path(), "/explore");
        let (_, panes) = url.query_pairs().find(|(key, _)| key == "panes").unwrap();
        let panes: serde_json::Value = serde_json::from_str(&panes).unwrap();
        assert_eq!(panes["lab"]["queries"][0]["query"], "abc");
        assert_eq!(panes["lab"]["datasource"], "tempo");
    }
}
