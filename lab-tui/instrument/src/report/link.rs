//! Trace IDs that lead somewhere: to a template's address, to Grafana's Explore, or to the lab's own page.

use maud::{Markup, html};
use serde_json::json;

/// Where a trace can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLink {
    template: String,
    /// The address of a trace at one of its spans, where there is such a one.
    at_span: Option<String>,
}

const PLACE: &str = "{trace_id}";
const SPAN: &str = "{span_id}";

/// How many hex digits a trace ID has.
const DIGITS: usize = 32;

impl TraceLink {
    /// An address with `{trace_id}` in it, and with `{span_id}` if it can show one of the trace's spans.
    ///
    /// # Errors
    /// What is wrong with it, and the way out.
    pub fn template(template: &str) -> Result<Self, String> {
        if !template.contains(PLACE) {
            return Err("the address lacks {trace_id}: write it as in http://localhost:3000/trace/{trace_id}".to_owned());
        }
        let sample = template.replace(PLACE, "0af7651916cd43dd8448eb211c80319c").replace(SPAN, "00f067aa0ba902b7");
        let is_url = url::Url::parse(&sample).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        // A control character would end the terminal's link sequence.
        if !is_url || template.chars().any(char::is_control) {
            return Err("that is no http:// or https:// address".to_owned());
        }
        Ok(Self { template: template.replace(SPAN, ""), at_span: template.contains(SPAN).then(|| template.to_owned()) })
    }

    /// Grafana's Explore, with a Tempo data source whose uid is `tempo`; beside the trace the log lines that carry its ID, from a Loki
    /// data source whose uid is `loki`.
    ///
    /// # Errors
    /// The base is no address.
    pub fn grafana(base: &str) -> Result<Self, String> {
        let address = |focus: serde_json::Value| {
            let range = json!({ "from": "now-24h", "to": "now" });
            let query = json!({ "refId": "A", "datasource": { "type": "tempo", "uid": "tempo" }, "queryType": "traceql", "query": PLACE });
            let logs = json!({
                "refId": "A", "datasource": { "type": "loki", "uid": "loki" }, "editorMode": "code", "queryType": "range",
                "expr": format!("{{service_name=~\".+\"}} | json | trace_id=\"{PLACE}\""),
            });
            let mut panes = json!({
                "lab": { "datasource": "tempo", "queries": [query], "range": range },
                "logs": { "datasource": "loki", "queries": [logs], "range": range },
            });
            if !focus.is_null() {
                panes["lab"]["panelsState"] = focus;
            }
            let panes: String = url::form_urlencoded::byte_serialize(panes.to_string().as_bytes()).collect();
            // The places themselves must stay readable for the template.
            let panes = panes.replace("%7Btrace_id%7D", PLACE).replace("%7Bspan_id%7D", SPAN);
            format!("{}/explore?schemaVersion=1&orgId=1&panes={panes}", base.trim_end_matches('/'))
        };
        let plain = Self::template(&address(serde_json::Value::Null))?;
        Ok(Self { at_span: Some(address(json!({ "trace": { "spanId": SPAN } }))), ..plain })
    }

    /// The page of a running lab, by the address of its Tempo API.
    ///
    /// # Errors
    /// The base is no address.
    pub fn lab(base: &str) -> Result<Self, String> {
        let address = format!("{}/trace/{PLACE}", base.trim_end_matches('/'));
        let plain = Self::template(&address)?;
        Ok(Self { at_span: Some(format!("{address}#{SPAN}")), ..plain })
    }

    /// The address of one trace.
    pub fn of(&self, trace_id: &str) -> String {
        self.template.replace(PLACE, trace_id)
    }

    /// The address of one trace at one of its spans; of the trace alone where the place of links knows no spans.
    pub fn of_span(&self, trace_id: &str, span_id: &str) -> String {
        self.at_span.as_ref().map_or_else(|| self.of(trace_id), |at_span| at_span.replace(PLACE, trace_id).replace(SPAN, span_id))
    }

    /// A text for a terminal, in which every trace ID is a link.
    pub fn in_terminal(&self, text: &str) -> String {
        let linked = |id: &str| format!("\x1b]8;id={id};{}\x1b\\{id}\x1b]8;;\x1b\\", self.of(id));
        pieces(text).fold(String::with_capacity(text.len()), |out, (id, rest)| match id {
            "" => out + rest,
            id => out + &linked(id) + rest,
        })
    }

    /// A text for a page, in which every trace ID is a link; without one, the text alone.
    pub fn in_page(link: Option<&Self>, text: &str) -> Markup {
        let Some(link) = link else { return html! { (text) } };
        html! {
            @for (id, rest) in pieces(text) {
                @if !id.is_empty() { a href=(link.of(id)) rel="noreferrer" { (id) } }
                (rest)
            }
        }
    }

    /// The template itself, for those who fill it in themselves.
    pub fn as_template(&self) -> &str {
        &self.template
    }
}

/// A text in pieces: trace IDs, each with what stands between it and the next word; of all else, the first of the two is empty.
fn pieces(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let between = |character: char| !character.is_ascii_alphanumeric();
    let is_id = |word: &str| word.len() == DIGITS && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    text.split_inclusive(between).map(move |piece| {
        let word = piece.trim_end_matches(between);
        piece.split_at(if is_id(word) { word.len() } else { 0 })
    })
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
        assert_eq!(panes["logs"]["queries"][0]["expr"], "{service_name=~\".+\"} | json | trace_id=\"abc\"");
        assert!(panes["lab"]["panelsState"].is_null());
        let url = TraceLink::grafana("http://localhost:3000").unwrap().of_span("abc", "def");
        let url = url::Url::parse(&url).unwrap();
        let (_, panes) = url.query_pairs().find(|(key, _)| key == "panes").unwrap();
        let panes: serde_json::Value = serde_json::from_str(&panes).unwrap();
        assert_eq!((&panes["lab"]["queries"][0]["query"], &panes["lab"]["panelsState"]["trace"]["spanId"]), (&json!("abc"), &json!("def")));
    }

    #[test]
    fn a_span_is_named_where_the_place_knows_spans() {
        let lab = TraceLink::lab("http://127.0.0.1:3200/").unwrap();
        assert_eq!([lab.of("abc"), lab.of_span("abc", "def")], ["http://127.0.0.1:3200/trace/abc", "http://127.0.0.1:3200/trace/abc#def"]);
        let own = TraceLink::template("http://t/{trace_id}?s={span_id}").unwrap();
        assert_eq!([own.of("abc"), own.of_span("abc", "def")], ["http://t/abc?s=", "http://t/abc?s=def"]);
        assert_eq!(own.as_template(), "http://t/{trace_id}?s=");
        assert_eq!(TraceLink::template("http://t/{trace_id}").unwrap().of_span("abc", "def"), "http://t/abc");
    }

    #[test]
    fn trace_ids_of_a_text_are_links_and_nothing_else_is() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let link = TraceLink::template("http://t/{trace_id}").unwrap();
        let linked = format!("\x1b]8;id={id};http://t/{id}\x1b\\{id}\x1b]8;;\x1b\\");
        assert_eq!(link.in_terminal(&format!("· trace {id}  1 ms\n({id})")), format!("· trace {linked}  1 ms\n({linked})"));
        for plain in ["", "é", &id[1..], &format!("{id}0"), &id.to_uppercase(), &format!("x{id}"), &"z".repeat(32)] {
            assert_eq!(link.in_terminal(plain), plain);
        }
        let page = |link| TraceLink::in_page(link, &format!("<trace {id}>\n{id}")).into_string();
        let linked = format!("<a href=\"http://t/{id}\" rel=\"noreferrer\">{id}</a>");
        assert_eq!(page(Some(&link)), format!("&lt;trace {linked}&gt;\n{linked}"));
        assert_eq!(page(None), format!("&lt;trace {id}&gt;\n{id}"));
    }
}
