//! One plot of those that share a time axis: a title with its legend, labels on the left, the picture.
//!
//! The picture stretches to whatever width there is; its labels are text beside it, so that they keep their size.

use maud::{Markup, PreEscaped, html};

use super::axis::{HEIGHT, Scale, Span, WIDTH, place};
use super::path;

/// What all plots of a run have in common.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) span: Span,
    /// From when to when faults disturbed the system, in seconds.
    pub(super) bands: Vec<(f64, f64)>,
    /// When processes ended or came back, in seconds.
    pub(super) marks: Vec<f64>,
}

/// One entry of a legend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// The class of what it stands for.
    pub(super) class: &'static str,
    /// What that is.
    pub(super) name: &'static str,
    /// How it is drawn.
    pub(super) shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Line,
    Area,
}

/// A plot.
#[derive(Debug)]
pub(super) struct Panel<'a> {
    pub(super) title: &'a str,
    /// In a sentence, for those who do not see it.
    pub(super) says: String,
    pub(super) keys: Vec<Key>,
    pub(super) scale: &'a Scale,
    /// Of the class `high` or `low`.
    pub(super) class: &'static str,
    pub(super) picture: Markup,
}

impl Panel<'_> {
    pub(super) fn draw(&self, frame: &Frame) -> Markup {
        html! {
            figure.panel.(self.class) {
                figcaption { span.title { (self.title) } (legend(&self.keys)) }
                div.axes {
                    (y_labels(self.scale))
                    div.plot data-time {
                        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(self.says) {
                            title { (self.says) }
                            path.grid d=(path::grid(self.scale.ticks().map(|(y, _)| y))) {}
                            @for (from, to) in &frame.bands {
                                @let (left, right) = (frame.span.x(*from), frame.span.x(*to));
                                rect.band x=(place(left)) y="0" width=(place((right - left).max(1.0))) height=(HEIGHT) {}
                                path.band-edge d=(path::uprights([left, right].into_iter())) {}
                            }
                            (self.picture)
                            @if !frame.marks.is_empty() { path.event d=(path::uprights(frame.marks.iter().map(|at| frame.span.x(*at)))) {} }
                        }
                    }
                }
            }
        }
    }
}

/// The labels on the left.
pub(super) fn y_labels(scale: &Scale) -> Markup {
    html! { div.y aria-hidden="true" { @for (y, label) in scale.ticks() { span style={ "top:" (place(y)) "%" } { (label) } } } }
}

/// Names with how they are drawn.
pub(super) fn legend(keys: &[Key]) -> Markup {
    html! {
        @if !keys.is_empty() {
            span.legend { @for key in keys { span.key { (sample(*key)) (key.name) } } }
        }
    }
}

fn sample(key: Key) -> Markup {
    html! {
        svg viewBox="0 0 22 10" width="22" height="10" aria-hidden="true" {
            @match key.shape {
                Shape::Line => path.line.(key.class) d="M0 5H22" {},
                Shape::Area => path.(key.class) d="M1 0H21V10H1z" {},
            }
        }
    }
}

/// A line of a class.
pub(super) fn line(class: &str, columns: impl Iterator<Item = (f64, f64, Option<f64>)>) -> Markup {
    html! { path.line.(class) d=(path::line(columns)) {} }
}

/// The moments under all plots.
pub(super) fn time_axis(span: Span) -> Markup {
    let ticks = span.ticks();
    html! {
        div.axes.time aria-hidden="true" {
            div.y {}
            div.x {
                @for (index, (seconds, label)) in ticks.iter().enumerate() {
                    span.odd[index % 2 == 1] style={ "left:" (place(span.percent(*seconds))) "%" } { (PreEscaped(label)) }
                }
            }
        }
    }
}
