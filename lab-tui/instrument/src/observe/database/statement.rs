//! A statement as it is shown: in one line, and the trace that its comment names.

use lab_facts::event::{STATEMENT_LENGTH, TraceId};

/// Takes the trace out of a statement's comment (`/*traceparent='00-…-01'*/`, as sqlcommenter writes it), and the comment with it.
/// What is left is one line of bounded length.
pub(super) fn told(text: &str) -> (String, Option<TraceId>) {
    let mut trace_id = None;
    let mut rest = text;
    let mut kept = String::new();
    while let Some(begin) = rest.find("/*") {
        let (before, comment) = rest.split_at(begin);
        kept += before;
        // The server cuts long statements, perhaps in the middle of the comment.
        let end = comment.find("*/").map_or(comment.len(), |end| end + 2);
        let (comment, after) = comment.split_at(end);
        match trace_of(comment) {
            Some(id) => trace_id = Some(id),
            None => kept += comment,
        }
        rest = after;
    }
    kept += rest;
    (one_line(&kept), trace_id)
}

/// Words with one space between them, cut to [`STATEMENT_LENGTH`].
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut letters = 0;
    for word in text.split_whitespace() {
        let gap = if line.is_empty() { "" } else { " " };
        for letter in gap.chars().chain(word.chars()) {
            letters += 1;
            if letters > STATEMENT_LENGTH {
                line.pop();
                line.push('…');
                return line;
            }
            // What moves a terminal's cursor is no part of a statement.
            line.push(if letter.is_control() { '\u{fffd}' } else { letter });
        }
    }
    line
}

/// Of `traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'`: the second part.
fn trace_of(comment: &str) -> Option<TraceId> {
    let (_, value) = comment.split_once("traceparent=")?;
    let value = value.trim_start_matches(['\'', '"']);
    TraceId::parse(value.split('-').nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_and_its_comment_left_out() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let comment = format!("/*db_driver='x',traceparent='00-{id}-00f067aa0ba902b7-01'*/");
        assert_eq!(told(&format!("SELECT\n  1 {comment}")), ("SELECT 1".to_owned(), TraceId::parse(id)));
        assert_eq!(told(&format!("{comment} SELECT /* why */ 1")), ("SELECT /* why */ 1".to_owned(), TraceId::parse(id)));
        // Cut by the server: the ID is there, the end is not.
        assert_eq!(told(&format!("SELECT 1 /*traceparent='00-{id}-00f")), ("SELECT 1".to_owned(), TraceId::parse(id)));
        for none in ["SELECT 1", "SELECT '/*", "/*traceparent=''*/", "/*traceparent='00-0-0-0'*/", ""] {
            assert_eq!(told(none), (none.to_owned(), None));
        }
    }

    #[test]
    fn long_statements_are_cut_and_say_so() {
        let line = one_line(&"SELECT ü,\t".repeat(100));
        assert_eq!((line.chars().count(), line.chars().last()), (STATEMENT_LENGTH, Some('…')));
        assert_eq!(one_line("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
