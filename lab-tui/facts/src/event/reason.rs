//! Why requests got no answer.

use super::Outcome;

/// How many different reasons a part of a window names, and how many of each kind of end a model keeps.
pub const REASONS: usize = 20;

/// The longest reason, in characters.
pub const REASON_LENGTH: usize = 200;

/// Requests of one kind that ended alike, and for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Index of the request in its load.
    pub request: usize,
    /// How they ended.
    pub outcome: Outcome,
    /// What was wrong, in the words of whoever found it, such as `connection refused`.
    pub why: String,
    /// How many.
    pub count: u32,
}

impl Reason {
    /// What a reason is told as: without the number that a system has for it, in small letters as within a sentence, and not too long.
    pub fn words(why: &str) -> String {
        let words = why.split_once(" (os error ").map_or(why, |(words, _)| words);
        let mut letters = words.chars().take(REASON_LENGTH);
        let (first, second) = (letters.next(), letters.next());
        let is_word = second.is_some_and(char::is_lowercase);
        let first = first.map(|letter| if is_word { letter.to_ascii_lowercase() } else { letter });
        first.into_iter().chain(second).chain(letters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_words_within_a_sentence() {
        assert_eq!(Reason::words("Connection refused (os error 111)"), "connection refused");
        assert_eq!(Reason::words("EOF while reading"), "EOF while reading");
        assert_eq!((Reason::words(""), Reason::words(&"x".repeat(1000)).len()), (String::new(), REASON_LENGTH));
    }
}
