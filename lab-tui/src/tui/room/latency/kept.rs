//! What is dear to work out for every picture.

use lab_facts::model::Model;

/// The answer to a question, kept until the question is another or the run has gone on.
#[derive(Debug)]
pub(super) struct Kept<Q, A> {
    known: Option<(Q, Moment, A)>,
}

/// As of when: the second, and whether the run was over.
type Moment = (u64, bool);

impl<Q, A> Default for Kept<Q, A> {
    fn default() -> Self {
        Self { known: None }
    }
}

impl<Q: PartialEq, A> Kept<Q, A> {
    /// Asks anew once a second, and later in a run when a hundredth of it has been added: that changes the whole as little as a second
    /// did before, and a long run is as cheap to look at as a short one.
    pub(super) fn get(&mut self, question: Q, model: &Model, ask: impl FnOnce() -> A) -> &A {
        let now = (model.now().as_secs(), model.finished().is_some());
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
    use std::time::Duration;

    use lab_facts::event::{Event, Fact};
    use lab_facts::scenario::{Plan, shipped};

    use super::*;

    #[test]
    fn the_same_question_is_asked_again_when_the_run_has_gone_on() {
        let plan = Plan::parse(shipped("first-minute").unwrap(), "first-minute", &["frontend"]).unwrap();
        let mut model = Model::new(Arc::new(plan));
        let mut kept = Kept::default();
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
}
