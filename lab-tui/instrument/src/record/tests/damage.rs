//! Files that are no recording, or no longer.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() {
    let folder = Folder::new();
    let whole = String::from_utf8(of_stream(&events())).unwrap();
    let foreign = "it is no recording of the lab (name a .labrun, a file of --events, or an ID that `lab runs` lists)";
    for bytes in [&b""[..], b"\n", b"hello\n", b"{\"format\":1}\n", b"[]\n", &gzip(b"hello\n"), b"\xff\xfe\n", b"\x1f\x8b"] {
        let refusal = folder.refused(bytes);
        assert!(refusal.ends_with(foreign) || refusal.contains("cut off"), "{refusal}");
        assert!(!refusal.contains('\n'));
    }
    let cases = [
        (
            whole.replace("{\"format\":1,\"lab\":\"0.1.0\"", "{\"format\":2,\"lab\":\"9.9.9\""),
            "it has format 2, written by lab 9.9.9; this lab (0.1.0) reads up to 1: update it",
        ),
        (whole.replace("\"seed\":", "\"sead\":"), "its header is damaged: missing field `seed`"),
        (whole.replace("\"tick\":{}", "\"to\\nck\":{}"), "line 2 is not understood: unknown variant `to\\nck`"),
        (whole.replace("\"tick\":{}", "\"tock\":{}"), "line 2 is not understood: unknown variant `tock`"),
        (whole.replace("\"at\":599.000000001", "\"at\":-1"), "line 2 is not understood: a time in it is none"),
        (
            whole.replace("{\"load\":0,\"index\":1", "{\"load\":7,\"index\":1"),
            "line 3 is not understood: it is of a load that the scenario does not have",
        ),
        (
            whole.replace("{\"load\":0,\"index\":1", "{\"load\":0,\"index\":99999999999"),
            "line 3 is not understood: its window is later than any run lasts",
        ),
        (whole.replace("\"request\":0", "\"request\":3"), "line 3 is not understood: it is of a request that the scenario does not have"),
        (
            whole.replace("\"sum\":25", "\"sum\":99"),
            "line 3 is not understood: its values, their sum and the largest do not belong together",
        ),
        (whole.replace("\"dropped\":2", "\"dropped\":31"), "line 3 is not understood: more arrivals were dropped than there were"),
        (
            whole.replace("{\"fault\":{\"index\":0", "{\"fault\":{\"index\":5"),
            "line 7 is not understood: it is of a fault that the scenario does not have",
        ),
        (whole.replace("{\"fault\":{\"index\":2", "{\"fault\":{\"index\":3"), "it is of a fault that the scenario does not have"),
        (whole.replace("\"kind\":\"service.error\"", "\"kind\":\"service.terror\""), "its fault is none"),
        (whole.replace("\"second\":3", "\"second\":18446744073709551615"), "its second is later than any run lasts"),
        (whole.replace("\"answered\":24", "\"answered\":18446744073709551615"), "nobody counts that far"),
        (whole.replace("\"kind\":\"semconv", "\"kind\":\"sem"), "it is of a flaw that nobody knows"),
        (whole.replace("\"count\":7", "\"count\":18446744073709551615"), "nobody counts that far"),
        (whole.replace("\"commits\":1", "\"commits\":18446744073709551615"), "no database is like that"),
        (whole.clone() + &whole, "line 35 is not understood"),
        (whole.replace("\"name\":\"", "\"name\":\"other "), "is not understood by this version"),
        (whole.replace("format = 1", "format = 7"), "format 7 is not known to this version"),
    ];
    for (bytes, sentence) in cases {
        let refusal = folder.refused(bytes.as_bytes());
        assert!(refusal.contains(sentence), "{sentence}\n{refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
    let mut damaged = gzip(whole.as_bytes());
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8].fill(0x55);
    let refusal = folder.refused(&damaged);
    let says = ["damaged", "not understood", "cut off", "no recording"];
    assert!(says.iter().any(|word| refusal.contains(word)), "{refusal}");
    assert!(crate::out::sentence(&read(folder.0.path()).unwrap_err()).ends_with("it is no file"));
}

/// Whatever becomes of a file's bytes: it is refused in one sentence, or it can be told and judged.
#[test]
fn random_damage_does_no_harm() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = Folder::new();
    let whole = of_stream(&events());
    let (header, digits) = (whole.iter().position(|byte| *byte == b'\n').unwrap(), b"0123456789");
    let (mut refused, mut shown) = (0, 0);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(header..bytes.len());
            match random.random_range(0..10) {
                0 => bytes[place] = random.random(),
                1 => drop(bytes.drain(place..(place + 5).min(bytes.len()))),
                // A number of another size is what is found out last.
                _ => {
                    let digit = (place..bytes.len()).find(|place| bytes[*place].is_ascii_digit()).unwrap_or(place);
                    let more = random.random_range(0..9);
                    bytes.splice(digit..=digit, (0..=more).map(|_| digits[random.random_range(0..10)]).collect::<Vec<u8>>());
                }
            }
        }
        match read(&folder.write("damaged", &bytes)) {
            Err(error) => {
                refused += 1;
                assert!(!crate::out::sentence(&error).contains('\n'), "{error:#}");
            }
            Ok(recording) => {
                shown += 1;
                told(&recording.events);
                let mut player = Player::new(recording, 1.0);
                player.seek(Duration::MAX);
                let verdict = verdict::judge(player.model().plan(), player.model());
                assert_eq!(verdict.thresholds.len(), player.model().plan().thresholds.len());
            }
        }
    }
    assert!(refused > 20 && shown > 20, "{refused} refused, {shown} shown");
}

/// A megabyte that unpacks to a gigabyte ends where a recording's text must end, and one endless line much earlier.
#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let folder = Folder::new();
    let zeros = gzip(&vec![b'0'; 8 << 20]);
    let endless = [gzip(&of_stream(&[])), zeros.repeat(200)].concat();
    assert!(folder.refused(&endless).ends_with("line 2 is longer than any of a recording"));
}
