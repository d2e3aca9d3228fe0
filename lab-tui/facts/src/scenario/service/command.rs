//! A program and its arguments: a list, or one line that is split as a shell would. No shell is run.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::Pattern;
use crate::scenario::refusal::Wrong;

/// As it is written.
#[derive(Debug)]
pub(super) enum CommandLine {
    Line(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineOrList;
        impl<'de> Visitor<'de> for LineOrList {
            type Value = CommandLine;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<CommandLine, E> {
                Ok(CommandLine::Line(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<CommandLine, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(CommandLine::List)
            }
        }
        deserializer.deserialize_any(LineOrList)
    }
}

/// Program and arguments.
pub(super) fn words(command: &Spanned<CommandLine>) -> Result<Vec<Pattern>, Wrong> {
    let wrong = |what: String, hint: &str| Wrong::new(command.span(), what, hint);
    let words = match command.get_ref() {
        CommandLine::List(words) => words.clone(),
        CommandLine::Line(line) => split(line).map_err(|(what, hint)| wrong(what, hint))?,
    };
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(wrong("the command names no program".to_owned(), "write it as in \"python3 app.py --port {port}\""));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(wrong("no program takes a NUL".to_owned(), "leave it out"));
    }
    Ok(words.iter().map(|word| Pattern::new(word)).collect())
}

/// Characters that would ask a shell to do something.
const FOR_A_SHELL: &str = "|&;<>()$`";

/// Splits at white space, with quotes and backslashes as POSIX shells read them. What only a shell could do is refused rather than
/// handed over as it stands.
fn split(line: &str) -> Result<Vec<String>, (String, &'static str)> {
    let open = |quote| (format!("the quote {quote} is never closed"), "close it, or write \\ before it");
    let for_a_shell = |c| (format!("`{c}` would need a shell, and none is run"), "quote it with '…', or run one: sh -c '…'");
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(open('\'')),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some('\n') => {}
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(open('"')),
                        },
                        Some(c @ ('$' | '`')) => return Err(for_a_shell(c)),
                        Some(c) => word.push(c),
                        None => return Err(open('"')),
                    }
                }
            }
            '\\' => match characters.next() {
                Some('\n') => {}
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(("a backslash ends the line".to_owned(), "write what it belongs to, or leave it out")),
            },
            c if FOR_A_SHELL.contains(c) => return Err(for_a_shell(c)),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_a_shell_would() {
        for (line, words) in [
            ("python3 app.py --port {port}", vec!["python3", "app.py", "--port", "{port}"]),
            ("  a\t'b c'  \"d \\\"e\\\" \\n\" f\\ g ", vec!["a", "b c", "d \"e\" \\n", "f g"]),
            ("a'b'\"c\"d '' \"\"", vec!["abcd", "", ""]),
            ("sh -c 'exit $CODE | true'", vec!["sh", "-c", "exit $CODE | true"]),
            ("a \\$x \\&", vec!["a", "$x", "&"]),
            ("x#y #z *.py ~", vec!["x#y", "#z", "*.py", "~"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for line in ["a | b", "a && b", "a > log", "echo $HOME", "echo \"$HOME\"", "a; b", "a `b`", "a $(b)", "'a", "\"a", "a\\"] {
            assert!(split(line).is_err(), "{line}");
        }
    }
}
