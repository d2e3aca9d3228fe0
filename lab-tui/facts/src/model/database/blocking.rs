//! Who is in whose way, as a tree.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Session;

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<'s> {
    /// Of the session's process.
    pub pid: u32,
    /// The session; nothing where it is not among those that are known.
    pub session: Option<&'s Session>,
    /// How many stand above it.
    pub depth: usize,
    /// What leads to it, such as `│  └─ `.
    pub lead: String,
    /// How many wait for it, directly or behind others.
    pub waiting: usize,
}

/// Those that wait for nobody and are in somebody's way, each with those below it that wait. Everybody stands there once: below the
/// nearest of several that are in the way. Who wait for each other in a circle are told as well, until the server breaks it.
pub fn blocking(sessions: &[Session]) -> Vec<Branch<'_>> {
    let known: BTreeMap<u32, &Session> = sessions.iter().map(|session| (session.pid, session)).collect();
    let waits = |pid: &u32| known.get(pid).is_some_and(|session| !session.blocked_by.is_empty());
    let mut below: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut roots = BTreeSet::new();
    for session in sessions.iter().filter(|session| !session.blocked_by.is_empty()) {
        // One that waits as well stands between this one and whoever holds the lock.
        let own = |pid: &&u32| **pid != session.pid;
        let nearest = session.blocked_by.iter().filter(own).find(|pid| waits(pid)).or_else(|| session.blocked_by.iter().find(own));
        roots.extend(session.blocked_by.iter().filter(|pid| !waits(pid)));
        if let Some(nearest) = nearest {
            below.entry(*nearest).or_default().push(session.pid);
        }
    }
    let mut tree = Tree { known, below, seen: BTreeSet::new(), rows: Vec::new() };
    for root in roots {
        tree.grow(root, 0, "", "");
    }
    // What no root leads to is a circle.
    for session in sessions.iter().filter(|session| !session.blocked_by.is_empty()) {
        tree.grow(session.pid, 0, "", "");
    }
    tree.rows
}

struct Tree<'s> {
    known: BTreeMap<u32, &'s Session>,
    below: BTreeMap<u32, Vec<u32>>,
    seen: BTreeSet<u32>,
    rows: Vec<Branch<'s>>,
}

impl Tree<'_> {
    /// Adds one with all below it; says how many rows that were. Servers have some hundred sessions, so it cannot become too deep.
    fn grow(&mut self, pid: u32, depth: usize, lead: &str, indent: &str) -> usize {
        if !self.seen.insert(pid) {
            return 0;
        }
        let row = self.rows.len();
        self.rows.push(Branch { pid, session: self.known.get(&pid).copied(), depth, lead: lead.to_owned(), waiting: 0 });
        let mut children = self.below.get(&pid).cloned().unwrap_or_default();
        children.retain(|child| !self.seen.contains(child));
        let mut waiting = 0;
        for (number, child) in children.iter().enumerate() {
            let (mark, more) = if number + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            waiting += self.grow(*child, depth + 1, &format!("{indent}{mark}"), &format!("{indent}{more}"));
        }
        self.rows[row].waiting = waiting;
        waiting + 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::SessionState;

    fn session(pid: u32, blocked_by: &[u32]) -> Session {
        Session {
            pid,
            application: "a".into(),
            state: SessionState::Active,
            wait: None,
            in_state: Duration::ZERO,
            transaction: None,
            query: "".into(),
            trace_id: None,
            blocked_by: blocked_by.to_vec(),
        }
    }

    fn drawn(sessions: &[Session]) -> Vec<String> {
        let told = |row: &Branch<'_>| {
            format!("{}{}{}", row.lead, row.pid, if row.waiting > 0 { format!(" +{}", row.waiting) } else { String::new() })
        };
        blocking(sessions).iter().map(told).collect()
    }

    #[test]
    fn whoever_is_in_the_way_stands_on_top() {
        let sessions = [session(1, &[]), session(2, &[1]), session(3, &[1, 2]), session(4, &[1]), session(5, &[]), session(6, &[7])];
        assert_eq!(drawn(&sessions), ["1 +3", "├─ 2 +1", "│  └─ 3", "└─ 4", "7 +1", "└─ 6"]);
        assert_eq!(drawn(&sessions[..1]), Vec::<String>::new());
        assert_eq!(drawn(&sessions[1..2]), ["1 +1", "└─ 2"], "one that is not known has its number");
    }

    #[test]
    fn a_circle_ends() {
        assert_eq!(drawn(&[session(1, &[2]), session(2, &[1]), session(3, &[3])]), ["1 +1", "└─ 2", "3"]);
    }
}
