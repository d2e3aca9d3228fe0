//! How long requests took over the whole run: counted from the intended start and from the actual send, side by side.

use lab_facts::format::{count, milliseconds};
use lab_facts::model::{Distribution, LoadState};
use maud::{Markup, html};

use super::Ran;
use super::axis::{HEIGHT, Scale, WIDTH, place};
use super::panel::{Key, Shape, legend, y_labels};
use super::path;
use crate::report::percentile_axis::{self, PercentileAxis};

/// How many loads have their own pictures.
const LOADS: usize = 8;
/// Bars of a histogram.
const BARS: u32 = 40;
/// Points of a percentile curve.
const POINTS: u32 = 100;

const KEYS: [Key; 2] = [
    Key { class: "response", name: "response time, from when it was due", shape: Shape::Area },
    Key { class: "service", name: "service time, from when it was sent", shape: Shape::Line },
];

/// A histogram and a percentile curve for each load.
pub(super) fn distributions(ran: &Ran<'_>) -> Markup {
    let loads: Vec<_> = ran.summary.loads.iter().zip(ran.model.loads()).filter(|(load, _)| load.requests > 0).collect();
    html! {
        @if !loads.is_empty() {
            section {
                h2 { "How long requests took" }
                @for (summary, state) in loads.iter().take(LOADS) {
                    @if loads.len() > 1 { h3 { (summary.name) } }
                    (pictures(state))
                }
                @if loads.len() > LOADS { p.soft { "The other loads are in the table below." } }
            }
        }
    }
}

/// One latency of all requests of a load.
fn of(load: &LoadState, which: fn(&lab_facts::model::Latency) -> &Distribution) -> Distribution {
    let mut all = Distribution::default();
    load.cells.values().for_each(|latency| all.merge(which(latency)));
    all
}

fn pictures(load: &LoadState) -> Markup {
    let (response, service) = (of(load, |latency| &latency.response), of(load, |latency| &latency.service));
    let ends = [&response, &service].map(|times| (times.min().unwrap_or_default(), times.max().unwrap_or_default()));
    let scale = Scale::latency(ends[0].0.min(ends[1].0), ends[0].1.max(ends[1].1));
    html! {
        (legend(&KEYS))
        div.pair { (histogram(&response, &service, &scale)) (percentiles(&response, &service, &scale)) }
    }
}

fn histogram(response: &Distribution, service: &Distribution, scale: &Scale) -> Markup {
    let bounds = scale.stripes(BARS);
    let (due, sent) = (response.counts(&bounds), service.counts(&bounds));
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let float = |count: u64| count as f64;
    let upright = Scale::counts(float(due.iter().chain(&sent).copied().max().unwrap_or_default()));
    // The scale of latencies counts from the top; here it goes from left to right.
    let x = |ms: f64| WIDTH - scale.y(ms) * WIDTH / HEIGHT;
    let place_of = |index: usize, count: u64| (x(bounds[index]), x(bounds[index + 1]), upright.y(float(count)));
    let bars = due.iter().enumerate().map(|(index, count)| {
        let (left, right, top) = place_of(index, *count);
        (left, left + (right - left) * 0.9, HEIGHT, top)
    });
    let mut outline = format!("M0 {HEIGHT}");
    for (index, count) in sent.iter().enumerate() {
        let (left, right, top) = place_of(index, *count);
        outline += &format!("H{}V{}H{}", place(left), place(top), place(right));
    }
    outline += &format!("V{HEIGHT}");
    let says = format!(
        "Histogram of {}: half of the response times are below {}, half of the service times below {}.",
        count(response.count(), "request"),
        milliseconds(response.percentile(50.0)),
        milliseconds(service.percentile(50.0))
    );
    let labels = scale.ticks().map(|(y, label)| (100.0 - y, label.to_owned())).collect::<Vec<_>>();
    let picture = html! { path.response d=(path::bars(bars)) {} path.line.service d=(outline) {} };
    figure("Requests by latency", &says, &upright, &picture, &labels)
}

fn percentiles(response: &Distribution, service: &Distribution, scale: &Scale) -> Markup {
    let axis = PercentileAxis::of(response.count());
    let curve = |times: &Distribution| {
        let points = (0..=POINTS).filter_map(|point| {
            let share = f64::from(point) / f64::from(POINTS);
            // The last point is the slowest request itself.
            let ms = if point == POINTS { times.max() } else { times.percentile(axis.percentile_at(share)) };
            Some(format!("{} {}", place(share * WIDTH), place(scale.y(ms?))))
        });
        let points: Vec<String> = points.collect();
        if points.is_empty() { String::new() } else { format!("M{}", points.join("L")) }
    };
    let labels: Vec<(f64, String)> = [0.0_f64, 50.0, 90.0, 99.0, 99.9, 99.99]
        .into_iter()
        .map(|percentile| (axis.share_of(percentile) * 100.0, percentile_axis::name(percentile)))
        .filter(|(left, _)| *left <= 99.0)
        .chain([(100.0, "max".to_owned())])
        .collect();
    let says = format!(
        "Percentile curves. Response time: p99 {}, max {}. Service time: p99 {}, max {}.",
        milliseconds(response.percentile(99.0)),
        milliseconds(response.max()),
        milliseconds(service.percentile(99.0)),
        milliseconds(service.max())
    );
    let picture = html! { path.line.response-line d=(curve(response)) {} path.line.service d=(curve(service)) {} };
    figure("Latency by percentile", &says, scale, &picture, &labels)
}

fn figure(title: &str, says: &str, scale: &Scale, picture: &Markup, labels: &[(f64, String)]) -> Markup {
    // Labels that would stand on one another are left out, the last never.
    let last = labels.last().map_or(100.0, |(left, _)| *left);
    let mut free_from = f64::NEG_INFINITY;
    let shown: Vec<_> = labels
        .iter()
        .filter(|(left, _)| {
            let shown = *left >= free_from && (*left <= last - 9.0 || *left >= last);
            free_from = if shown { left + 9.0 } else { free_from };
            shown
        })
        .collect();
    html! {
        figure.panel.high {
            figcaption { span.title { (title) } }
            div.axes {
                (y_labels(scale))
                div.plot {
                    svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(says) {
                        title { (says) }
                        path.grid d=(path::grid(scale.ticks().map(|(y, _)| y))) {}
                        path.grid d=(path::uprights(shown.iter().map(|(left, _)| left * WIDTH / 100.0))) {}
                        (picture)
                    }
                }
            }
            div.axes.time aria-hidden="true" {
                div.y {}
                div.x { @for (index, (left, label)) in shown.iter().enumerate() { span.odd[index % 2 == 1] style={ "left:" (place(*left)) "%" } { (label) } } }
            }
        }
    }
}
