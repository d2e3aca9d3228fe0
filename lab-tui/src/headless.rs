//! A run without a screen: one line that moves on a terminal, plain lines elsewhere. All of it goes to standard error.

use std::time::Duration;

use lab_facts::event::{Command, Event, Fact, FaultChange};
use lab_facts::format;
use lab_facts::model::{Distribution, Model};
use lab_facts::verdict::{self, Breaks};
use lab_instrument::control::Desk;
use lab_instrument::out::{self, MovingLine};
use tokio::sync::mpsc;

/// How often the moving line moves.
const FRAME: Duration = Duration::from_millis(200);
/// How often a plain line is written where nothing can move.
const PLAIN: Duration = Duration::from_secs(5);

/// How often it is judged whether a promise is broken, and whether that ends the run.
const JUDGED: Duration = Duration::from_millis(500);

/// Feeds the model to the end of the stream and shows how far it is. Promises that may end the run are watched.
pub async fn watch(
    model: &mut Model,
    mut events: mpsc::UnboundedReceiver<Event>,
    wishes: &mpsc::UnboundedSender<Command>,
    desk: &mut Desk,
) {
    let mut moving = MovingLine::on_stderr();
    let pace = if moving.moves() { FRAME } else { PLAIN };
    let mut breaks = Breaks::default();
    let mut judged = Duration::ZERO;
    let mut next = if moving.moves() { Duration::ZERO } else { PLAIN };
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            asking = desk.asked() => {
                desk.answer(asking, model, &verdict::judge(model.plan(), model));
                continue;
            }
        };
        let Some(event) = event else { break };
        let news = news(&event.fact, model);
        let at = event.at;
        model.apply(event);
        if let Some(news) = news {
            moving.say(&format!("{:>7}  {news}", format::seconds(at)));
        }
        if !model.plan().thresholds.is_empty() && model.now() >= judged + JUDGED {
            judged = model.now();
            let verdict = verdict::judge(model.plan(), model);
            // A run that has ended wants to hear nothing more.
            breaks.wishes(&verdict, model).for_each(|wish| {
                let _ = wishes.send(wish);
            });
        }
        if model.now() < next {
            continue;
        }
        next = model.now() + pace;
        if moving.moves() {
            moving.draw(&line(model, moving.width()));
        } else {
            out::note(&line(model, usize::MAX));
        }
    }
}

/// What deserves a line of its own.
fn news(fact: &Fact, model: &Model) -> Option<String> {
    match fact {
        Fact::Process { name, change } => Some(change.told_of(name)),
        Fact::Control { change } => Some(change.to_string()),
        Fact::Fault { index, change } => {
            let fault = &model.faults().get(*index)?.fault;
            Some(match change {
                FaultChange::Touched(_) => return None,
                FaultChange::CutShort => format!("fault `{}` is ended by hand", fault.name),
                FaultChange::Started => format!("fault `{}` begins: {fault}", fault.name),
                FaultChange::Ended => format!("fault `{}` is over", fault.name),
                FaultChange::Failed(why) => format!("fault `{}` failed: {why}", fault.name),
            })
        }
        Fact::Broke { threshold } => Some(format!("broken: {}", model.plan().thresholds.get(*threshold)?.words(model.plan()))),
        Fact::Aborted { threshold } => Some(format!("aborted by {}", model.plan().thresholds.get(*threshold)?.words(model.plan()))),
        _ => None,
    }
}

/// Where the run is, in one line of at most `width` columns; what finds no place is left out, the least important first.
fn line(model: &Model, width: usize) -> String {
    let mut response = Distribution::default();
    let (mut offered, mut dropped, mut failed) = (0, 0, 0);
    for (index, load) in model.loads().iter().enumerate() {
        offered += load.offered;
        dropped += load.dropped;
        for ((request, outcome), latency) in &load.cells {
            response.merge(&latency.response);
            failed += if model.is_expected(index, *request, *outcome) { 0 } else { latency.response.count() };
        }
    }
    let percentile = |percentile| format::milliseconds(response.percentile(percentile));
    let parts = [
        format!("{} / {}", format::seconds(model.now()), format::seconds(model.plan().duration())),
        format!("{} sent", offered - dropped),
        format!("{failed} failed"),
        format!("p99 {}", percentile(99.0)),
        format!("p50 {}", percentile(50.0)),
        format!("{dropped} dropped"),
        format!("{} in flight", offered - dropped - response.count()),
    ];
    let mut line = String::new();
    for part in parts {
        if line.chars().count() + 2 + part.chars().count() <= width {
            line += if line.is_empty() { "" } else { "  " };
            line += &part;
        }
    }
    line
}
