//! What is told, and what is not because it only follows from something else. The words are in `tests/broken`.

use crate::scenario::Plan;

/// Lines and columns of what is told.
fn places(text: &str) -> Vec<(usize, usize)> {
    let refused = Plan::parse(text, "x", &["backend"]).unwrap_err();
    refused.iter().map(|refusal| refusal.place.unwrap_or_default()).collect()
}

const GOOD: &str = "format = 1
title = \"t\"
[[load]]
name = \"l\"
executor = \"constant-arrival-rate\"
rate = 5
duration = \"30s\"
service = \"backend\"
[[load.request]]
name = \"r\"
get = \"/{v}\"
[load.vars]
v = [\"x\"]
[[fault]]
name = \"f\"
kind = \"service.latency\"
service = \"backend\"
latency = \"1ms\"
at = \"12s\"
duration = \"5s\"
[thresholds]
\"http_reqs{load:l,request:r}\" = [{ threshold = \"count>0\", outside = \"f\" }]
";

/// The file with the lines of those numbers replaced.
fn with(lines: &[(usize, &str)]) -> String {
    let line = |(index, line): (usize, &str)| {
        let other = lines.iter().find(|(number, _)| *number == index + 1);
        format!("{}\n", other.map_or(line, |(_, other)| other))
    };
    GOOD.lines().enumerate().map(line).collect()
}

#[test]
fn what_is_in_order_is_read_as_it_is() {
    assert!(Plan::parse(GOOD, "x", &["backend"]).is_ok());
    assert_eq!(with(&[]), GOOD);
}

/// Everything but the names is wrong, and nobody who refers to a name is blamed for that.
#[test]
fn each_wrong_line_is_told_once_and_nothing_else() {
    let wrong = [
        (2, "title = 3"),
        (5, "executor = \"constant-arival-rate\""),
        (6, "rate = -1"),
        (7, "duration = \"30\""),
        (8, "service = \"front\""),
        (11, "get = \"/{\""),
        (13, "v = []"),
        (16, "kind = \"service.latncy\""),
        (17, "service = \"bakend\""),
        (18, "latency = 1"),
        (19, "at = \"40\""),
        (20, "duration = \"0s\""),
        (22, "\"http_reqs{load:l,request:q}\" = [{ threshold = \"count\", outside = \"g\" }]"),
    ];
    let told: Vec<usize> = places(&with(&wrong)).into_iter().map(|(line, _)| line).collect();
    assert_eq!(told, [2, 5, 6, 7, 8, 11, 13, 16, 17, 18, 19, 20, 22, 22, 22]);
    // Each by itself is told alone.
    for (number, line) in wrong.into_iter().filter(|(number, _)| *number != 22) {
        let told = places(&with(&[(number, line)]));
        assert!(matches!(told[..], [(line, _)] if line == number), "{line}: {told:?}");
    }
}

/// A key with another name is not missed as well, and its value is looked at.
#[test]
fn a_misspelt_key_is_read_as_the_one_that_was_meant() {
    for (number, key) in [(4, "nam"), (5, "excutor"), (6, "rat"), (7, "duraton"), (11, "gett"), (16, "kidn"), (18, "latecy"), (19, "att")] {
        let old = GOOD.lines().nth(number - 1).unwrap();
        let misspelt = format!("{key}{}", old.trim_start_matches(|c: char| c.is_ascii_lowercase()));
        assert_eq!(places(&with(&[(number, &misspelt)])), [(number, 1)], "{misspelt}");
    }
    assert_eq!(places(&with(&[(6, "rat = -1"), (18, "latecy = \"0s\"")])), [(6, 1), (6, 7), (18, 1), (18, 10)]);
}

/// A table without its name is told, and not that nobody has the name that others call it by.
#[test]
fn who_refers_to_a_lost_name_is_not_blamed() {
    assert_eq!(places(&with(&[(4, "")])), [(3, 1)]);
    assert_eq!(places(&with(&[(15, "")])), [(14, 1)]);
    assert_eq!(places(&with(&[(10, ""), (11, "")])), [(9, 1)]);
    // A fault is not too late for a load whose own end is not known.
    assert_eq!(places(&with(&[(7, "duration = \"a week or so\""), (19, "at = \"20h\"")])), [(7, 12)]);
}

#[test]
fn another_format_is_all_that_is_told() {
    assert_eq!(places("format = 2\nload = 3\n"), [(1, 10)]);
    assert_eq!(places(&with(&[(1, "format = 0x10"), (6, "rate = 0")])), [(1, 10)]);
}

/// A missing pair of quotes hides nothing; a bracket that is not closed hides what is behind it.
#[test]
fn what_is_no_toml_is_told_with_the_rest_where_that_is_clear() {
    assert_eq!(places(&with(&[(2, "title = t"), (6, "rate = 0"), (8, "service = backend")])), [(2, 9), (6, 8), (8, 11)]);
    assert_eq!(places(&with(&[(6, "rate = 0"), (13, "v = [\"x\"")])).len(), 1);
}

#[test]
fn a_great_many_problems_end_in_a_word_about_more() {
    let many: String = (0..400).map(|number| format!("k{number} = 1\n")).collect();
    let refused = Plan::parse(&format!("{many}{GOOD}"), "x", &["backend"]).unwrap_err();
    assert_eq!(refused.iter().count(), 51);
    assert!(refused.to_string().ends_with("there may be more (mend these first)"), "{refused}");
}
