//! What strangers may hand to the lab's readers: files, messages and queries that were cut, joined and shaken. No reader may panic or hang over any of them.
//!
//! Stable Rust, no tools. Without more words it reads the same inputs every time, so that a change is judged by what it changes;
//! `LAB_FUZZ_SECONDS=600 cargo test --test fuzz` hunts with inputs of its own for as long, `LAB_FUZZ_SEED` does one again. What a
//! reader fell over is left in the file that the failure names, also where the whole process was ended by it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod mutate;
mod otlp;
mod recording;
mod scenario;
mod traceql;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use mutate::Mutator;

/// Something that reads what others wrote.
struct Target {
    name: &'static str,
    /// What it is made from.
    corpus: fn() -> Vec<Vec<u8>>,
    /// Reads it and panics where the reader broke its word.
    read: fn(&[u8]),
}

const TARGETS: [Target; 6] = [
    Target { name: "scenario", corpus: scenario::corpus, read: scenario::read },
    Target { name: "recording", corpus: recording::corpus, read: recording::read },
    Target { name: "otlp-protobuf", corpus: otlp::protobuf_corpus, read: otlp::read_protobuf },
    Target { name: "otlp-json", corpus: otlp::json_corpus, read: otlp::read_json },
    Target { name: "otlp-grpc", corpus: otlp::grpc_corpus, read: otlp::read_grpc },
    Target { name: "traceql", corpus: traceql::corpus, read: traceql::read },
];

const USUAL_SEED: u64 = 1;
/// For each target, where nobody asked for a time.
const USUAL_INPUTS: u32 = 2000;

/// Each input is small, so that only a reader that hangs takes as long, whatever the machine.
const LARGEST: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn readers_break_over_nothing() {
    let hunt = from_environment("LAB_FUZZ_SECONDS").map(Duration::from_secs);
    let seed = from_environment("LAB_FUZZ_SEED").unwrap_or_else(|| if hunt.is_some() { rand::rng().random() } else { USUAL_SEED });
    for target in TARGETS {
        let corpus = (target.corpus)();
        // What nobody changed is read first: the rest begins from something that is understood.
        corpus.iter().for_each(|input| read(&target, input, seed));
        let mut mutator = Mutator::new(StdRng::seed_from_u64(seed), corpus);
        let begun = Instant::now();
        let mut inputs = 0;
        while hunt.map_or(inputs < USUAL_INPUTS, |hunt| begun.elapsed() < hunt) {
            let mut input = mutator.next();
            input.truncate(LARGEST);
            read(&target, &input, seed);
            inputs += 1;
        }
        eprintln!("{}: {inputs} inputs from LAB_FUZZ_SEED={seed}", target.name);
    }
}

fn read(target: &Target, input: &[u8], seed: u64) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}-{}", target.name, std::process::id()));
    // A stack that overflows ends the process at once: then this is what is left.
    fs::write(&file, input).unwrap();
    let begun = Instant::now();
    let read = catch_unwind(|| (target.read)(input));
    assert!(read.is_ok(), "{} broke over {} (LAB_FUZZ_SEED={seed})", target.name, file.display());
    assert!(begun.elapsed() < PATIENCE, "{} took {:?} for {} (LAB_FUZZ_SEED={seed})", target.name, begun.elapsed(), file.display());
    fs::remove_file(&file).unwrap();
}
