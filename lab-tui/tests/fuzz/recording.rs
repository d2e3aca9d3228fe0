//! Recordings and what `--events` writes: refused in one sentence, or understood as a run that can be shown and judged.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use lab_facts::verdict;
use lab_instrument::out;
use lab_instrument::record::{Player, read as read_file};
use lab_tui::tui::{self, Listed, Palette, Theme, Ui};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

const SCENARIO: &str = r#"format = 1
title = "t"
[[load]]
name = "l"
executor = "constant-vus"
duration = "5s"
[[load.request]]
name = "r"
get = "http://127.0.0.1/"
[[fault]]
name = "f"
kind = "service.latency"
service = "backend"
latency = "1ms"
at = "1s"
duration = "1s"
[thresholds]
http_req_duration = [{ threshold = "p(95)<50", outside = "f" }]
pool_wait = ["p(95)<50"]
pool_used = ["max<50"]
[[expect]]
name = "e"
traces = '{ status = error }'
during = "f"
"#;

/// One line of each kind, in the order of a run.
const LINES: &str = r#"{"trace":{"trace_id":"25923bdbe961864b6152e64e39f17515","spans":[{"span_id":"a2d95276ab97d4b5","parent_span_id":null,"service":"lab","name":"GET","kind":"client","start_unix_nano":1795488656685834358,"duration_nano":2200936819,"error":true,"attributes":{"error.type":"503","http.response.status_code":503}}],"logs":[]}}
{"at":0,"fact":{"lab_cores":{"cores":2}}}
{"at":0.1,"fact":{"tick":{}}}
{"at":0.11,"fact":{"pool":{"service":"backend","used":0,"idle":4,"pending":0,"max":10}}}
{"at":0.12,"fact":{"window":{"load":0,"index":0,"offered":2,"dropped":1,"lag_us":{"values":[[7,1]],"sum":7,"max":7},"cells":[{"request":0,"outcome":200,"response_time_us":{"values":[[707,1]],"sum":707,"max":707},"service_time_us":{"values":[[700,1]],"sum":700,"max":700}}],"exemplars":[{"request":0,"at":0.0,"response_time_us":707,"trace_id":"25923bdbe961864b6152e64e39f17515","outcome":200,"failed":false}]}}}
{"at":0.2,"fact":{"edge":{"from":"lab","to":"backend"}}}
{"at":0.2,"fact":{"hop":{"hop":"backend","second":0,"errors":1,"duration_us":{"values":[[365,1],[611,1]],"sum":976,"max":611}}}}
{"at":0.3,"fact":{"scraped":{"series":[{"series":0,"service":"backend","process":1,"value":{"histogram":{"buckets":[[0.1,3.0],[null,4.0]],"sum":0.5}}},{"series":1,"service":"backend","process":1,"value":{"number":4.0}}]}}}
{"at":0.4,"fact":{"lab_delay":{"load_us":{"values":[[7,1]],"sum":7,"max":7},"run_us":{"values":[],"sum":0,"max":0}}}}
{"at":0.5,"fact":{"control":{"change":{"rate":{"factor":2.0}}}}}
{"at":1.0,"fact":{"fault":{"index":0,"change":{"started":{}}}}}
{"at":1.5,"fact":{"process":{"name":"backend","change":{"exited":{"how":"exit status: 1"}}}}}
{"at":2.0,"fact":{"fault":{"index":0,"change":{"ended":{}}}}}
{"at":2.0,"fact":{"fault":{"index":0,"change":{"touched":{"requests":3}}}}}
{"at":5.0,"fact":{"load_done":{}}}
{"at":5.1,"fact":{"expectation":{"index":0,"found":{"counted":{"count":1,"examples":["25923bdbe961864b6152e64e39f17515"]}}}}}
{"at":5.2,"fact":{"telemetry":{"services":[{"name":"backend","answered":24,"server_spans":24,"log_lines":23,"unsampled":0,"restarted":false,"silent":false}]}}}
{"at":5.2,"fact":{"flaws":{"flaws":[{"kind":"orphan_spans","service":"backend","what":"","count":2,"examples":["25923bdbe961864b6152e64e39f17515"]}]}}}
{"at":5.2,"fact":{"drops":{"evicted_traces":1,"evicted_spans":7,"evicted_log_lines":2,"refused_ids":0,"refused_too_large":0,"refused_log_records":0,"refused_data_points":3}}}
{"at":5.3,"fact":{"lab_usage":{"cpu_seconds":0.5}}}
{"at":5.4,"fact":{"finished":{"interrupted":false}}}
"#;

/// The whole of it as text, line by line, and as a recording.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let header = json!({
        "format": 1, "lab": env!("CARGO_PKG_VERSION"), "scenario": "x", "file": null, "seed": 0, "started": "2026-11-24T01:50:36Z",
        "time_scale": null, "on_screen": false, "services": ["backend"], "text": SCENARIO,
        "plan": { "loads": [{ "name": "l", "requests": ["r"] }], "faults": ["f"] },
        "endpoints": { "services": {}, "database": null, "otlp_grpc": "http://127.0.0.1:4317", "otlp_http": "http://127.0.0.1:4318" },
        "end": null,
    });
    let whole = format!("{header}\n{LINES}").into_bytes();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&whole).unwrap();
    let packed = packed.finish().unwrap();
    // What begins from something else than the whole is understood more rarely, the more there is of it.
    assert!(shown(&whole) && shown(&packed), "the corpus is no recording: {:#}", refusal(&whole));
    let alone = LINES.lines().map(|line| format!("{header}\n{line}\n").into_bytes());
    let often = std::iter::repeat_n(whole.clone(), 8);
    often.chain(alone).chain([packed]).collect()
}

pub(crate) fn read(input: &[u8]) {
    if !shown(input) {
        let said = refusal(input);
        assert!(!said.trim().is_empty() && !said.contains(char::is_control), "{said:?}");
    }
}

/// Whether it was understood. What was is told to its end, judged and drawn.
fn shown(input: &[u8]) -> bool {
    let file = file(input);
    let Ok(recording) = read_file(file.path()) else { return false };
    let mut player = Player::new(recording, 1.0);
    player.seek(Duration::MAX);
    let verdict = verdict::judge(player.model().plan(), player.model());
    let listed = Listed { name: String::new(), file: None, planned: None, problems: Vec::new() };
    let mut ui = Ui::new(Palette::new(Theme::Dark), None, vec![listed]);
    let area = Rect::new(0, 0, 120, 36);
    tui::draw(&mut Buffer::empty(area), area, player.model(), &verdict, &mut ui);
    assert_eq!(verdict.thresholds.len(), player.model().plan().thresholds.len());
    true
}

fn refusal(input: &[u8]) -> String {
    read_file(file(input).path()).map_or_else(|error| out::sentence(&error), |_| String::new())
}

fn file(input: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), input).unwrap();
    file
}
