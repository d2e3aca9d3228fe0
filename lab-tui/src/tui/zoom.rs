//! How much of the run is in sight: what the viewer chose, else what the run asks for.

use lab_facts::model::Model;

use super::axis::{TimeAxis, TimeScale};

/// What the viewer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Zoom {
    /// All of a run whose end is known; of one that goes on, its first minute, and then the latest at a column a second.
    #[default]
    Automatic,
    /// One of [`LEVELS`].
    Fixed(TimeScale),
    /// From the start of the run on.
    Whole,
}

/// From near to far. Beyond the last, and as soon as one has room for all of it, comes the whole run.
const LEVELS: [TimeScale; 8] = [
    TimeScale::stretched(4),
    TimeScale::stretched(2),
    TimeScale::PLAIN,
    TimeScale::folded(2),
    TimeScale::folded(5),
    TimeScale::folded(10),
    TimeScale::folded(30),
    TimeScale::folded(60),
];

/// How long a run looks that goes on: the picture shrinks when it comes to one of these, and not with every second.
const SPANS: [u64; 12] = [60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400];

/// Seconds by column of a run that is whole in sight. What is long back is known in pieces of 10, 60 or 600 seconds, which fit into these.
const FOLDS: [u64; 24] = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 60, 120, 180, 240, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400];

impl Zoom {
    /// The axis that follows the run; none of its seconds is left out where all of it is to be seen.
    pub(super) fn following(self, columns: u16, model: &Model) -> TimeAxis {
        let now = model.now().as_secs();
        match self {
            Self::Fixed(scale) => TimeAxis::ending_at(now, columns, scale),
            Self::Automatic if goes_on(model) && (now >= SPANS[0] || u64::from(columns) < SPANS[0]) => {
                TimeAxis::ending_at(now, columns, TimeScale::PLAIN)
            }
            Self::Automatic | Self::Whole => TimeAxis::beginning_at(0, columns, fit(span(model), columns)),
        }
    }

    /// One level nearer than what is in sight.
    pub(super) fn nearer(shown: TimeScale) -> Self {
        Self::Fixed(LEVELS.into_iter().rev().find(|level| shown.is_coarser(*level)).unwrap_or(LEVELS[0]))
    }

    /// One level further away.
    pub(super) fn further(shown: TimeScale, columns: u16, model: &Model) -> Self {
        let whole = fit(span(model), columns);
        let level = LEVELS.into_iter().find(|level| level.is_coarser(shown));
        level.filter(|level| whole.is_coarser(*level)).map_or(Self::Whole, Self::Fixed)
    }
}

/// Whether nobody knows when it will be over.
fn goes_on(model: &Model) -> bool {
    model.finished().is_none() && model.plan().keep_going
}

/// How many seconds the whole run has: as far as it has come, with some room to grow while it is under way, and no more than it is planned
/// to have.
fn span(model: &Model) -> u64 {
    let so_far = model.finished().map_or(model.now(), |end| end.at).as_secs() + 1;
    if model.finished().is_some() {
        return so_far;
    }
    let room = SPANS.into_iter().find(|span| *span >= so_far).unwrap_or(so_far.next_multiple_of(86_400));
    // The last answers come after the last request.
    let planned = model.plan().duration().as_secs() + 2;
    let is_known = !model.plan().keep_going && !model.plan().may_end_early();
    if is_known && planned <= 2 * room { planned.max(so_far) } else { room }
}

/// So many seconds in so many columns, and hardly a column left over.
fn fit(span: u64, columns: u16) -> TimeScale {
    let columns = u64::from(columns.max(1));
    if span > columns {
        let least = span.div_ceil(columns);
        return TimeScale::folded(FOLDS.into_iter().find(|fold| *fold >= least).unwrap_or(least.next_multiple_of(14_400)));
    }
    // Seconds that are all as wide as one another look better, if that leaves little free.
    let each = columns / span;
    if each * span * 10 >= columns * 9 { TimeScale::stretched(each) } else { TimeScale { seconds: span, columns } }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lab_facts::event::{Event, Fact};
    use lab_facts::scenario::{Plan, shipped};

    use super::*;

    fn at(seconds: u64, keep_going: bool, duration: &str) -> Model {
        let plan = shipped("first-minute").unwrap();
        let plan = Plan::parse(plan, "first-minute", &["frontend"]).unwrap();
        let text = format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-arrival-rate\"\nrate = 1\nduration = \"{duration}\"\n\
             [[load.request]]\nget = \"http://x/\"\n"
        );
        let plan = if keep_going { plan.for_screen() } else { Plan::parse(&text, "t", &[]).unwrap() };
        let mut model = Model::new(Arc::new(plan));
        model.apply(Event { at: Duration::from_secs(seconds), fact: Fact::Tick });
        model
    }

    /// The first second, the last, and the scale.
    fn shown(zoom: Zoom, columns: u16, model: &Model) -> (u64, u64, u64, u64) {
        let axis = zoom.following(columns, model);
        (axis.first, axis.end() - 1, axis.scale.seconds, axis.scale.columns)
    }

    #[test]
    fn a_run_uses_the_width_that_there_is() {
        for (seconds, expected) in [(0, (0, 59, 60, 111)), (59, (0, 59, 60, 111)), (60, (0, 110, 1, 1)), (3_600, (3_490, 3_600, 1, 1))] {
            assert_eq!(shown(Zoom::Automatic, 111, &at(seconds, true, "1m")), expected, "{seconds} s of one that goes on");
        }
        assert_eq!(shown(Zoom::Automatic, 111, &at(5, false, "1m30s")), (0, 91, 92, 111), "all that is planned");
        assert_eq!(shown(Zoom::Automatic, 111, &at(5, false, "1h")), (0, 59, 60, 111), "room for the first minute");
        assert_eq!(shown(Zoom::Automatic, 111, &at(400, false, "1h")), (0, 665, 6, 1), "for ten minutes");
        assert_eq!(shown(Zoom::Automatic, 111, &at(3_500, false, "1h")), (0, 4_439, 40, 1), "for all of it");
        let mut over = at(54, false, "10m");
        over.apply(Event { at: Duration::from_secs(54), fact: Fact::Finished { interrupted: true } });
        assert_eq!(shown(Zoom::Automatic, 111, &over), (0, 55, 1, 2), "as it came to be");
    }

    #[test]
    fn levels_lead_from_the_finest_to_the_whole_run_and_back() {
        let model = at(3_600, true, "1m");
        let mut zoom = Zoom::Automatic;
        let mut scales = Vec::new();
        for _ in 0..8 {
            zoom = Zoom::further(zoom.following(111, &model).scale, 111, &model);
            scales.push(zoom.following(111, &model).scale.step());
        }
        assert_eq!(scales, [2, 5, 10, 30, 60, 120, 120, 120], "an hour and a second has room for two");
        for _ in 0..9 {
            zoom = Zoom::nearer(zoom.following(111, &model).scale);
        }
        assert_eq!(zoom, Zoom::Fixed(TimeScale::stretched(4)));
        assert_eq!(Zoom::nearer(TimeScale { seconds: 62, columns: 111 }), Zoom::Fixed(TimeScale::stretched(4)), "2 is hardly nearer");
    }
}
