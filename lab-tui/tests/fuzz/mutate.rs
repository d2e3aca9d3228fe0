//! From files to files that are a little, or very much, like them.

use rand::RngExt as _;
use rand::rngs::StdRng;

/// Makes inputs without end, the same ones from the same seed.
pub(crate) struct Mutator {
    random: StdRng,
    corpus: Vec<Vec<u8>>,
}

/// What tends to matter to readers of numbers, times, TOML, JSON and TraceQL.
const TOKENS: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "0x7f",
    "1_0",
    "0.0",
    "1e-320",
    "true",
    "\"\"",
    "\"0s\"",
    "\"1ns\"",
    "\"7days\"",
    "\"99999999999999999999s\"",
    "\"0.5ns\"",
    "[]",
    "{}",
    "[[]]",
    "2024-05-01",
    "[load]",
    "[[load]]",
    "[[load.request]]",
    "[[fault]]",
    "[thresholds]",
    "[load.vars]",
    "\"{\"",
    "\"}\"",
    "\"{{die}}\"",
    "'''",
    "\"\"\"",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "🎲",
    "http_reqs",
    "p(95)<50",
    "p(1e3)<1",
    "count==0",
    "constant-vus",
    "ramping-vus",
    "per-vu-iterations",
    "shared-iterations",
    "ramping-arrival-rate",
    "poisson",
    "db.lock",
    "service.latency",
    "null",
    "\"NaN\"",
    "{ }",
    "&&",
    ">>",
    " | count() > ",
    " =~ \"(a|b)*\"",
    "status = error",
    "span.a != nil",
    "stages = [{ target = 0, duration = \"0s\" }]",
];

impl Mutator {
    /// `corpus` is not empty.
    pub(crate) fn new(random: StdRng, corpus: Vec<Vec<u8>>) -> Self {
        Self { random, corpus }
    }

    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.pick();
        // Few changes leave something that is understood, many go where nobody has been.
        let changes = if self.random.random_bool(0.5) { 1 } else { self.random.random_range(2..8) };
        for _ in 0..changes {
            self.change(&mut input);
        }
        input
    }

    fn pick(&mut self) -> Vec<u8> {
        let index = self.random.random_range(0..self.corpus.len());
        self.corpus[index].clone()
    }

    /// Somewhere in it, also right behind its end.
    fn place(&mut self, input: &[u8]) -> usize {
        self.random.random_range(0..=input.len())
    }

    /// A part of it, often a short one.
    fn part(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.place(input);
        let longest = if self.random.random_bool(0.8) { 24 } else { input.len() };
        start..(start + self.random.random_range(0..=longest)).min(input.len())
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        match self.random.random_range(0..10) {
            0 => {
                let at = self.place(input);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            1 => {
                let part = self.part(input);
                input.drain(part);
            }
            2 => {
                let part = self.part(input);
                let copy = input[part].to_vec();
                self.insert(input, &copy);
            }
            3 => {
                let other = self.pick();
                let part = self.part(&other);
                self.insert(input, &other[part]);
            }
            4 => {
                let token = TOKENS[self.random.random_range(0..TOKENS.len())];
                self.insert(input, token.as_bytes());
            }
            5 => {
                let open = [b"[".as_slice(), b"{a=", b"[[", b"a.", b"\"", b"{", b"[\n"][self.random.random_range(0..7)];
                let deep = open.repeat(self.random.random_range(1..3000));
                self.insert(input, &deep);
            }
            6 => self.change_lines(input),
            // The likeliest to be understood nearly to the end: another value behind one `=`, or one `:` of JSON.
            _ => self.change_value(input),
        }
    }

    fn insert(&mut self, input: &mut Vec<u8>, bytes: &[u8]) {
        let at = self.place(input);
        input.splice(at..at, bytes.iter().copied());
    }

    /// Doubles, drops or swaps lines.
    fn change_lines(&mut self, input: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if lines.is_empty() {
            return;
        }
        let (one, other) = (self.random.random_range(0..lines.len()), self.random.random_range(0..lines.len()));
        match self.random.random_range(0..3) {
            0 => lines.insert(other, lines[one].clone()),
            1 => {
                lines.remove(one);
            }
            _ => lines.swap(one, other),
        }
        *input = lines.concat();
    }

    fn change_value(&mut self, input: &mut Vec<u8>) {
        let signs = input.iter().enumerate().filter(|(_, byte)| matches!(**byte, b'=' | b':'));
        let signs: Vec<usize> = signs.map(|(at, _)| at + 1).collect();
        if signs.is_empty() {
            return;
        }
        let start = signs[self.random.random_range(0..signs.len())];
        let end = end_of_value(input, start);
        let value = if self.random.random_bool(0.7) {
            TOKENS[self.random.random_range(0..TOKENS.len())].as_bytes().to_vec()
        } else {
            let from = signs[self.random.random_range(0..signs.len())];
            input[from..end_of_value(input, from)].to_vec()
        };
        input.splice(start..end, value);
    }
}

/// Behind a `=` the line's end; behind a `:` also what may follow a value of JSON.
fn end_of_value(input: &[u8], start: usize) -> usize {
    let is_json = start > 0 && input[start - 1] == b':';
    let ends = |byte: &u8| *byte == b'\n' || is_json && b",}]".contains(byte);
    input[start..].iter().position(ends).map_or(input.len(), |length| start + length)
}
