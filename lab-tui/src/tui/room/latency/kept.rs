//! What is dear to work out for every picture.

use std::time::Duration;

use lab_facts::model::Model;

/// The answer to a question, kept until the question is another or the run has gone on. Its seconds begin so many milliseconds early: of
/// two that begin at different moments, no picture waits for both.
#[derive(Debug)]
pub(super) struct Kept<Q, A, const EARLY_MS: u64 = 0> {
    known: Option<(Q, Moment, A)>,
}

/// As of when: the second, and whether the run was over.
type Moment = (u64, bool);

impl<Q, A, const EARLY_MS: u64> Default for Kept<Q, A, EARLY_MS> {
    fn default() -> Self {
        Self { known: None }
    }
}

impl<Q: PartialEq, A, const EARLY_MS: u64> Kept<Q, A, EARLY_MS> {
    /// Asks anew once a second, and later in a run when a hundredth of it has been added: that changes the whole as little as a second
    /// did before, and a long run is as cheap to look at as a short one.
    pub(super) fn get(&mut self, question: Q, model: &Model, ask: impl FnOnce() -> A) -> &A {
        let now = ((model.now() + Duration::from_millis(EARLY_MS)).as_secs(), model.finished().is_some());
        let holds = |(asked, (at, over), _): &(Q, Moment, A)| {
            *asked == question && *over == now.1 && (*at..at + (at / 100).max(1)).contains(&now.0)
        };
        let kept = self.known.take().filter(holds);
        &self.known.insert(kept.unwrap_or_else(|| (question, now, ask()))).2
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lab_facts::event::{Event, Fact};
    use lab_facts::scenario::{Plan, shipped};

    use super::*;

    #[test]
    fn the_same_question_is_asked_again_when_the_run_has_gone_on() {
        let plan = Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap();
        let mut model = Model::new(Arc::new(plan));
        let mut kept = Kept::<_, _>::default();
        let mut asked = 0;
        let mut get = |question: &str, model: &Model| {
            kept.get(question.to_owned(), model, || asked += 1);
            asked
        };
        assert_eq!([get("a", &model), get("a", &model), get("b", &model)], [1, 1, 2]);
        for (second, expected) in [(1, 3), (2, 4), (1000, 5), (1009, 5), (1010, 6)] {
            model.apply(Event { at: Duration::from_secs(second), fact: Fact::Tick });
            assert_eq!(get("b", &model), expected, "at {second} s");
        }
        model.apply(Event { at: Duration::from_secs(1010), fact: Fact::Finished { interrupted: false } });
        assert_eq!([get("b", &model), get("b", &model)], [7, 7]);
    }

    #[test]
    fn the_second_of_one_begins_within_the_others() {
        let plan = Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap();
        let mut model = Model::new(Arc::new(plan));
        let (mut on_time, mut early) = (Kept::<(), u32>::default(), Kept::<(), u32, 500>::default());
        let mut asked = Vec::new();
        for tenth in 0..20 {
            model.apply(Event { at: Duration::from_millis(100) * tenth, fact: Fact::Tick });
            asked.push((*on_time.get((), &model, || tenth), *early.get((), &model, || tenth)));
        }
        asked.dedup();
        assert_eq!(asked, [(0, 0), (0, 5), (10, 5), (10, 15)]);
    }
}
