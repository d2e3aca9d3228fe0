//! What happened, on one time axis: faults, rates, latencies, the heat map, failures and pools.

use lab_facts::format::{milliseconds, number};
use maud::{Markup, html};

use super::axis::{Scale, place};
use super::columns::{Column, Columns};
use super::panel::{Frame, Key, Panel, Shape, line, time_axis};
use super::{Ran, figures, heat, path, pool};
use crate::report::Summary;

/// How many faults have a row of their own above the plots.
const ROWS: usize = 12;
/// How many events are listed below the plots.
const EVENTS: usize = 60;

/// The section; where no arrival was due there is nothing to draw.
pub(super) fn timeline(ran: &Ran<'_>) -> Markup {
    let columns = Columns::of(ran.model);
    let summary = ran.summary;
    if columns.list.iter().all(|column| column.offered == 0) {
        return html! { section { h2 { "What happened" } p.empty { "No request was due." } (events(summary)) } };
    }
    let end = columns.span.to;
    let frame = Frame {
        span: columns.span,
        bands: summary.faults.iter().filter_map(|fault| Some((fault.started_s?, fault.ended_s.unwrap_or(end)))).collect(),
        marks: summary.processes.iter().map(|process| process.at_seconds).collect(),
    };
    let latency = latency_scale(&columns);
    html! {
        section {
            h2 { "What happened" }
            @if columns.span.from > 0.0 {
                p.soft { "The run was longer than the lab remembers second by second: this is its end, from " (number(columns.span.from)) " s on." }
            }
            div.timeline data-from=(place(columns.span.from)) data-to=(columns.span.to) {
                p.readout aria-live="off" { "Point at a plot to read its figures." }
                (faults(summary, &frame))
                (processes(summary, &frame))
                (rates(&columns, &frame))
                @if let Some(scale) = &latency {
                    (latencies(&columns, &frame, scale))
                    (heat::heat(&columns, &frame, scale))
                }
                (failures(&columns, &frame))
                (pool::pools(ran.model, &columns, &frame))
                (time_axis(columns.span))
                (figures::table(&columns))
            }
            (events(summary))
        }
    }
}

/// One for the percentiles and the heat map, so that they can be compared.
fn latency_scale(columns: &Columns) -> Option<Scale> {
    let ends = columns.list.iter().filter_map(|column| {
        let (lowest, _) = column.response.pairs().first()?;
        Some((f64::from(*lowest) / 1000.0, f64::from(column.response.max()) / 1000.0))
    });
    let (min, max) = ends.reduce(|(low, high), (min, max)| (low.min(min), high.max(max)))?;
    Some(Scale::latency(min, max))
}

/// A row for each fault, with its name beside the time in which it was there.
fn faults(summary: &Summary<'_>, frame: &Frame) -> Markup {
    let there: Vec<_> = summary.faults.iter().filter_map(|fault| Some((fault, fault.started_s?))).collect();
    html! {
        @if !there.is_empty() {
            figure.panel.faults {
                figcaption { span.title { "Faults" } }
                @for (fault, started) in there.iter().take(ROWS) {
                    @let (from, to) = (frame.span.percent(*started), frame.span.percent(fault.ended_s.unwrap_or(frame.span.to)));
                    div.axes { div.y {} div.plot data-time {
                        div.fault style={ "left:" (place(from)) "%;width:" (place(to - from)) "%" } {}
                        // Beside the bar, on the side that has more room.
                        @if from > 100.0 - to { span.label.before style={ "right:" (place(100.0 - from)) "%" } { (fault.name) } }
                        @else { span.label style={ "left:" (place(to)) "%" } { (fault.name) } }
                    } }
                }
                @if there.len() > ROWS { p.soft { (there.len() - ROWS) " more are listed below." } }
            }
        }
    }
}

/// A mark for each end and each return of a process; which one it was is told below the plots.
fn processes(summary: &Summary<'_>, frame: &Frame) -> Markup {
    html! {
        @if !summary.processes.is_empty() {
            figure.panel.faults {
                figcaption { span.title { "Processes" } span.legend { "▼ ended, ▲ runs again" } }
                div.axes { div.y {} div.plot data-time {
                    @for process in summary.processes.iter().take(EVENTS) {
                        @let sign = if process.exited.is_some() { "▼" } else { "▲" };
                        span.process style={ "left:" (place(frame.span.percent(process.at_seconds))) "%" } title=(process.name) { (sign) }
                    }
                } }
            }
        }
    }
}

fn rates(columns: &Columns, frame: &Frame) -> Markup {
    let offered = |column: &Column| column.per_second(column.offered);
    let sent = |column: &Column| column.per_second(column.offered.saturating_sub(column.dropped));
    let most = columns.list.iter().filter_map(offered).fold(0.0, f64::max);
    let scale = Scale::counts(most);
    let places = |value: &dyn Fn(&Column) -> Option<f64>| {
        let each = columns.list.iter();
        each.map(|column| (frame.span.x(column.from), frame.span.x(column.to), value(column).map(|rate| scale.y(rate)))).collect::<Vec<_>>()
    };
    let panel = Panel {
        title: "Rate, a second",
        says: format!("Arrivals due and requests sent, a second; at most {most:.1}."),
        keys: vec![Key { class: "offered", name: "due", shape: Shape::Line }, Key { class: "sent", name: "sent", shape: Shape::Line }],
        scale: &scale,
        class: "low",
        picture: html! {
            (line("sent", places(&sent).into_iter()))
            (line("offered", places(&offered).into_iter()))
        },
    };
    panel.draw(frame)
}

fn latencies(columns: &Columns, frame: &Frame, scale: &Scale) -> Markup {
    let percentile = |of: f64| {
        let each = columns.list.iter();
        each.map(move |column| (frame.span.x(column.from), frame.span.x(column.to), column.response.percentile(of).map(|ms| scale.y(ms))))
    };
    let worst = columns.list.iter().filter_map(|column| Some((column.response.percentile(99.0)?, column.from)));
    let worst = worst.reduce(|worst, next| if next.0 > worst.0 { next } else { worst });
    let says = worst.map_or(String::new(), |(ms, at)| format!("; p99 is highest at {} s, with {}", number(at), milliseconds(Some(ms))));
    let panel = Panel {
        title: "Response time",
        says: format!("50th, 95th and 99th percentile of response times over time, on a logarithm{says}."),
        keys: vec![
            Key { class: "p50", name: "p50", shape: Shape::Line },
            Key { class: "p95", name: "p95", shape: Shape::Line },
            Key { class: "p99", name: "p99", shape: Shape::Line },
        ],
        scale,
        class: "high",
        picture: html! { (line("p99", percentile(99.0))) (line("p95", percentile(95.0))) (line("p50", percentile(50.0))) },
    };
    panel.draw(frame)
}

fn failures(columns: &Columns, frame: &Frame) -> Markup {
    let total = |count: fn(&Column) -> u64| columns.list.iter().map(count).sum::<u64>();
    let (failed, dropped) = (total(|column| column.failed), total(|column| column.dropped));
    if failed + dropped == 0 {
        return html! { p.good { span aria-hidden="true" { "✓ " } "No request failed, and none was dropped." } };
    }
    let rate = |column: &Column, count: u64| column.per_second(count).unwrap_or_default();
    let most = columns.list.iter().map(|column| rate(column, column.failed + column.dropped)).fold(0.0, f64::max);
    let scale = Scale::counts(most);
    let bars = |from: &dyn Fn(&Column) -> u64, to: &dyn Fn(&Column) -> u64| {
        let bar = |column: &Column| {
            let (left, right) = (frame.span.x(column.from), frame.span.x(column.to));
            (left, left + (right - left) * 0.86, scale.y(rate(column, from(column))), scale.y(rate(column, to(column))))
        };
        path::bars(columns.list.iter().map(bar))
    };
    let panel = Panel {
        title: "Failed, a second",
        says: format!("{failed} requests failed and {dropped} arrivals were dropped; at most {most:.1} a second."),
        keys: vec![
            Key { class: "failed", name: "failed", shape: Shape::Area },
            Key { class: "dropped", name: "dropped", shape: Shape::Area },
        ],
        scale: &scale,
        class: "low",
        picture: html! {
            path.failed d=(bars(&|_| 0, &|column| column.failed)) {}
            path.dropped d=(bars(&|column| column.failed, &|column| column.failed + column.dropped)) {}
        },
    };
    panel.draw(frame)
}

/// What became of faults and processes, in order of time.
fn events(summary: &Summary<'_>) -> Markup {
    let mut events: Vec<(Option<f64>, String)> = Vec::new();
    for fault in &summary.faults {
        if let Some(at) = fault.started_s {
            events.push((Some(at), format!("{} begins: {}", fault.name, fault.what)));
        }
        if let Some(at) = fault.ended_s {
            events.push((Some(at), format!("{} is over", fault.name)));
        }
        if let Some(why) = &fault.failed {
            events.push((fault.started_s, format!("{} failed: {why}", fault.name)));
        }
    }
    for process in &summary.processes {
        let what = process.exited.as_ref().map_or("runs again".to_owned(), |how| format!("ended: {how}"));
        events.push((Some(process.at_seconds), format!("{} {what}", process.name)));
    }
    events.extend(summary.telemetry.backends.iter().map(|notice| (Some(notice.at_seconds), notice.what.clone())));
    events.sort_by(|a, b| a.0.unwrap_or_default().total_cmp(&b.0.unwrap_or_default()));
    let more = events.len().saturating_sub(EVENTS);
    html! {
        @if !events.is_empty() {
            table.events {
                caption { "Faults and processes" }
                thead { tr { th scope="col" { "At" } th scope="col" { "What happened" } } }
                tbody {
                    @for (at, what) in events.iter().take(EVENTS) {
                        tr { td.number { (at.map_or("–".to_owned(), |at| format!("{at:.2} s"))) } td { (what) } }
                    }
                }
            }
            @if more > 0 { p.soft { "and " (more) " more" } }
        }
    }
}
