//! A recorded run that is shown again: its events come when they came, or sooner; and the model of any moment can be had.

use std::sync::Arc;
use std::time::Duration;

use lab_facts::event::Event;
use lab_facts::model::Model;
use lab_facts::scenario::Plan;

use super::Recording;

/// How fast it may be shown, as a factor.
const SPEEDS: (f64, f64) = (0.125, 64.0);

/// Where in a run the viewer is. Going back rebuilds the model from the start: a model cannot forget.
#[derive(Debug)]
pub struct Player {
    plan: Arc<Plan>,
    /// Each with the moment when the model learned of it.
    events: Vec<(Duration, Event)>,
    next: usize,
    position: Duration,
    model: Model,
    /// As a factor of time.
    pub speed: f64,
    /// Whether time stands still.
    pub paused: bool,
}

impl Player {
    /// At the start, running.
    pub fn new(recording: Recording, speed: f64) -> Self {
        let plan = Arc::new(recording.plan);
        // A fault's time is when it really began, a moment before it was told.
        let mut told = Duration::ZERO;
        let events = recording.events.into_iter().map(|event| {
            told = told.max(event.at);
            (told, event)
        });
        let (events, model) = (events.collect(), Model::new(Arc::clone(&plan)));
        Self { plan, events, next: 0, position: Duration::ZERO, model, speed, paused: false }
    }

    /// What was known at this moment.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// From the start of the run.
    pub fn position(&self) -> Duration {
        self.position
    }

    /// How long the run was.
    pub fn length(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |(told, _)| *told)
    }

    /// So much time has passed for the viewer. Whether anything became of it.
    pub fn advance(&mut self, passed: Duration) -> bool {
        if self.paused || self.next == self.events.len() {
            return false;
        }
        self.seek(self.position.saturating_add(passed.mul_f64(self.speed)));
        true
    }

    /// By so many seconds, forth or back.
    pub fn jump(&mut self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        self.seek(if seconds < 0 { self.position.saturating_sub(by) } else { self.position.saturating_add(by) });
    }

    /// To a moment, or to the end if that comes sooner.
    pub fn seek(&mut self, to: Duration) {
        if to < self.position {
            self.model = Model::new(Arc::clone(&self.plan));
            self.next = 0;
        }
        self.position = to.min(self.length());
        while let Some((_, event)) = self.events.get(self.next).filter(|(told, _)| *told <= self.position) {
            self.model.apply(event.clone());
            self.next += 1;
        }
    }

    /// Twice as fast, or half.
    pub fn faster(&mut self, faster: bool) {
        self.speed = (self.speed * if faster { 2.0 } else { 0.5 }).clamp(SPEEDS.0, SPEEDS.1);
    }
}
