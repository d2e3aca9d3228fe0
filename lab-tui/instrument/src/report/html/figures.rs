//! The plots as a table: for those who do not see them, and for the cursor, which reads its figures here.

use lab_facts::format::{milliseconds, number};
use maud::{Markup, html};

use super::columns::{Column, Columns};

/// A row for each column of the plots.
pub(super) fn table(columns: &Columns) -> Markup {
    let each = if columns.width == 1 { "second".to_owned() } else { format!("{} seconds", columns.width) };
    let shown = |column: &&Column| column.offered > 0;
    html! {
        details.figures {
            summary { "The same as a table, for each " (each) }
            div.scroll { table {
                thead { tr {
                    @for name in ["from", "due", "sent", "failed", "dropped", "p50", "p95", "p99", "max"] { th scope="col" { (name) } }
                } }
                tbody { @for column in columns.list.iter().filter(shown) { (row(column)) } }
            } }
        }
    }
}

fn row(column: &Column) -> Markup {
    let rate = |count: u64| column.per_second(count).map_or("–".to_owned(), |rate| format!("{}/s", number((rate * 10.0).round() / 10.0)));
    let percentile = |of: f64| milliseconds(column.response.percentile(of));
    let max = (column.response.count() > 0).then(|| f64::from(column.response.max()) / 1000.0);
    html! {
        tr data-from=(column.from) data-to=(column.to) {
            th scope="row" { (number(column.from)) " s" }
            td { (rate(column.offered)) }
            td { (rate(column.offered.saturating_sub(column.dropped))) }
            td { (column.failed) }
            td { (column.dropped) }
            td { (percentile(50.0)) }
            td { (percentile(95.0)) }
            td { (percentile(99.0)) }
            td { (milliseconds(max)) }
        }
    }
}
