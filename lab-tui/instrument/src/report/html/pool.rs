//! Connections of pools over time, against how many there may be.

use std::collections::BTreeSet;

use lab_facts::event::Pool;
use lab_facts::model::Model;
use maud::{Markup, html};

use super::axis::{Scale, WIDTH};
use super::columns::Columns;
use super::panel::{Frame, Key, Panel, Shape, line};
use super::path;

/// How many pools are shown.
const POOLS: usize = 4;

/// A plot for each service that has one.
pub(super) fn pools(model: &Model, columns: &Columns, frame: &Frame) -> Markup {
    let services: BTreeSet<&str> = model.pools().iter().map(|(_, pool)| pool.service.as_str()).collect();
    html! {
        @for service in services.into_iter().take(POOLS) {
            (pool(service, &columns.pool(model.pools().iter().filter(|(_, pool)| pool.service == service)), columns, frame))
        }
    }
}

fn pool(service: &str, states: &[Option<&Pool>], columns: &Columns, frame: &Frame) -> Markup {
    let known = || states.iter().flatten();
    let max = known().map(|pool| pool.max).max().unwrap_or_default();
    let (used, pending) =
        (known().map(|pool| pool.used).max().unwrap_or_default(), known().map(|pool| pool.pending).max().unwrap_or_default());
    let scale = Scale::counts(f64::from(max.max(pending).max(1)));
    let each = || columns.list.iter().zip(states).map(|(column, state)| (frame.span.x(column.from), frame.span.x(column.to), *state));
    let area = |from: fn(&Pool) -> u32, to: fn(&Pool) -> u32| {
        path::bars(each().filter_map(|(left, right, state)| {
            let state = state?;
            Some((left, right, scale.y(f64::from(from(state))), scale.y(f64::from(to(state)))))
        }))
    };
    let pending_line = each().map(|(left, right, state)| (left, right, state.map(|state| scale.y(f64::from(state.pending)))));
    let limit = [(0.0, WIDTH, Some(scale.y(f64::from(max))))];
    let title = format!("Pool of {service}");
    let panel = Panel {
        title: &title,
        says: format!("Connections of the pool of {service}: at most {used} of {max} were used, and {pending} requests waited for one."),
        keys: vec![
            Key { class: "used", name: "used", shape: Shape::Area },
            Key { class: "idle", name: "idle", shape: Shape::Area },
            Key { class: "pending", name: "waiting", shape: Shape::Line },
            Key { class: "limit", name: "max", shape: Shape::Line },
        ],
        scale: &scale,
        class: "low",
        picture: html! {
            path.idle d=(area(|pool| pool.used, |pool| pool.used + pool.idle)) {}
            path.used d=(area(|_| 0, |pool| pool.used)) {}
            (line("limit", limit.into_iter()))
            (line("pending", pending_line))
        },
    };
    panel.draw(frame)
}
