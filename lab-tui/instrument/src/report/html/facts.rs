//! Whether the signals reconcile, the lab's view of itself, and where everything was.

use lab_facts::format::{count, milliseconds};
use maud::{Markup, html};
use serde_json::Value;

use crate::report::drops;
use crate::report::flaws;
use crate::report::summary::ServiceSummary;
use crate::report::{Summary, TraceLink};

/// Requests answered against spans and log lines received, for each service.
pub(super) fn telemetry(summary: &Summary<'_>, link: Option<&TraceLink>) -> Markup {
    let telemetry = &summary.telemetry;
    let whole = match telemetry.loss {
        0 if telemetry.services.iter().any(|service| !service.reconciled) => "Nothing is known to be missing.".to_owned(),
        0 => "Every request that a service answered has left its span and its access log line.".to_owned(),
        lost => format!("{} missing, or there without a request.", count(lost, "span or log line")),
    };
    html! {
        @if !telemetry.services.is_empty() || !telemetry.flaws.is_empty() || telemetry.drops.told().next().is_some() {
            section {
                h2 { "Telemetry" }
                p.soft { (whole) }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Service" }
                        @for name in ["answered", "server spans", "log lines", "not sampled", "lost"] { th.number scope="col" { (name) } }
                        th scope="col" { "" }
                    } }
                    tbody {
                        @for service in &telemetry.services {
                            tr {
                                th scope="row" { (service.name) }
                                td.number { (if service.silent { "–".to_owned() } else { service.answered.to_string() }) }
                                td.number { (service.server_spans) }
                                td.number { (service.log_lines) }
                                td.number { (service.unsampled) }
                                td.number { (service.loss) }
                                td { (remark(service)) }
                            }
                        }
                    }
                } }
                (flaws::markup(telemetry, link))
                (drops::markup(telemetry))
            }
        }
    }
}

fn remark(service: &ServiceSummary<'_>) -> &'static str {
    match service {
        ServiceSummary { restarted: true, .. } => "its process was replaced, so what is missing is expected",
        ServiceSummary { sampled: true, .. } => "asked of its own Tempo or Loki, so no loss is known",
        ServiceSummary { silent: true, .. } => "it did not say how many it answered; spans are held against log lines",
        ServiceSummary { reconciled: false, .. } => "its signals cannot be held against each other",
        ServiceSummary { loss: 0, .. } => "✓ complete",
        _ => "✗ incomplete",
    }
}

/// Whether the lab kept its own schedule.
pub(super) fn lab(summary: &Summary<'_>) -> Markup {
    let lab = &summary.lab;
    html! {
        section {
            h2 { "The lab itself" }
            @if let Some(bottleneck) = &lab.bottleneck { p { strong { "! " (bottleneck) } } }
            @else { p.soft { "The lab was not the bottleneck." } }
            dl.meta {
                div { dt { "Schedule lag p50" } dd { (milliseconds(lab.schedule_lag_p50_ms)) } }
                div { dt { "Schedule lag p99" } dd { (milliseconds(lab.schedule_lag_p99_ms)) } }
                div { dt { "Schedule lag max" } dd { (milliseconds(lab.schedule_lag_max_ms)) } }
                div { dt { "CPU" } dd { (format!("{:.2} s", lab.cpu_seconds)) } }
            }
        }
    }
}

/// Addresses, as the JSON summary has them.
pub(super) fn endpoints(summary: &Summary<'_>) -> Markup {
    let mut rows = Vec::new();
    if let Ok(endpoints) = serde_json::to_value(summary.endpoints) {
        flatten("", &endpoints, &mut rows);
    }
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Endpoints" }
                p.soft { "Where everything was while the run went on." }
                div.scroll { table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Address" } } }
                    tbody { @for (name, address) in &rows { tr { th scope="row" { (name) } td { code { (address) } } } } }
                } }
            }
        }
    }
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                // `services` is only the shelf that the services stand on.
                let below = if name.is_empty() || name == "services" { key.clone() } else { format!("{name} {key}") };
                flatten(&below.replace('_', " "), value, rows);
            }
        }
        other => rows.push((name.to_owned(), crate::report::waterfall::bare(other))),
    }
}
