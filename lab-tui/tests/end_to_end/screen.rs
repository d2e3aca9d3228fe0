//! The real program on a real terminal.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;

use crate::common::{PATIENCE, Place, alive, family, signal, until};

/// A terminal with a lab on it.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    parser: Arc<Mutex<vt100::Parser>>,
    /// Of the terminal's settings, as they were before.
    local_flags: u64,
}

impl Terminal {
    fn start(place: &Place, arguments: &[&str], size: (u16, u16)) -> Self {
        Self::start_with(place, arguments, size, &[])
    }

    fn start_with(place: &Place, arguments: &[&str], size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        Self::start_like(&place.lab(arguments), size, variables)
    }

    pub(crate) fn start_like(like: &tokio::process::Command, (columns, rows): (u16, u16), variables: &[(&str, &str)]) -> Self {
        let size = PtySize { rows, cols: columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).unwrap();
        let like = like.as_std();
        let mut command = CommandBuilder::new(like.get_program());
        command.args(like.get_args());
        command.cwd(like.get_current_dir().unwrap());
        for (name, value) in like.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        command.env("TERM", "xterm-256color");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        let local_flags = local_flags(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keys = pair.master.take_writer().unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(nonzero(rows), nonzero(columns), 0)));
        let shown = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            // The end of the lab is the end of its output.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { master: pair.master, child, keys, parser, local_flags }
    }

    pub(crate) fn text(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    pub(crate) async fn shows(&self, text: &str) {
        self.shows_one_of(&[text]).await;
    }

    async fn shows_one_of(&self, texts: &[&str]) {
        let shown = async || texts.iter().any(|text| self.text().contains(text));
        let waited = tokio::time::timeout(PATIENCE, async {
            while !shown().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(waited.await.is_ok(), "never showed {texts:?}, but\n{}", self.text());
    }

    /// Waits until the lab has taken the terminal over; before that it prints addresses, and keys are not its own.
    pub(crate) async fn taken_over(&self) {
        until("the screen", PATIENCE, || async { self.parser.lock().unwrap().screen().alternate_screen() }).await;
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().unwrap().screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(PtySize { rows, cols: columns, ..PtySize::default() }).unwrap();
    }

    /// Nobody is left who could give anything back.
    pub(crate) fn kill(mut self) {
        signal(self.child.process_id().unwrap(), Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Waits for the end, and sees that the terminal is as it was.
    pub(crate) async fn ended(mut self, code: u32) {
        let pid = self.child.process_id().unwrap();
        let everybody = family(pid);
        let mut ended = None;
        until("the end of the lab", PATIENCE, || {
            ended = ended.take().or_else(|| self.child.try_wait().unwrap());
            let done = ended.is_some();
            async move { done }
        })
        .await;
        assert_eq!(ended.unwrap().exit_code(), code, "{}", self.text());
        assert_eq!(local_flags(&*self.master), self.local_flags, "the terminal is in another mode than before");
        let parser = &self.parser;
        until("the screen to be given back", Duration::from_secs(5), || async move {
            let parser = parser.lock().unwrap();
            !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
        })
        .await;
        let everybody = &everybody;
        until("every process to be gone", Duration::from_secs(3), || async move { alive(everybody).is_empty() }).await;
    }
}

fn nonzero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

fn local_flags(master: &dyn MasterPty) -> u64 {
    master.get_termios().unwrap().local_flags.bits().into()
}

#[tokio::test]
async fn the_first_minute_leads_to_the_trace_that_explains_it() {
    let place = Place::new();
    let mut terminal = Terminal::start(&place, &["--time-scale", "0.3"], (80, 24));
    terminal.taken_over().await;
    terminal.shows("first-minute").await;
    terminal.shows("postgresql").await;
    terminal.shows("press Enter on the peak").await;
    terminal.press("\r");
    // Its spans come in as they end. The time is in the locked query, or in the wait for a connection behind it.
    terminal.shows_one_of(&["SELECT die", "pool.acquire"]).await;
    terminal.shows("◀").await;
    terminal.press("\x1b");
    terminal.shows("worst at").await;
    terminal.resize(120, 36);
    terminal.shows("thresholds").await;
    terminal.shows("table locked ended").await;
    terminal.press("s");
    terminal.shows("3 thresholds").await;
    terminal.press("\x1b");
    terminal.press("q");
    terminal.ended(0).await;
    place.assert_empty();
    // Whoever leaves finds the run in the history, as far as it went; traffic had gone on, and would have for ever.
    let runs: serde_json::Value = serde_json::from_str(&place.run(&["runs", "--json"]).await.stdout).unwrap();
    assert_eq!((&runs[0]["scenario"], &runs[0]["interrupted"]), (&"first-minute".into(), &true.into()), "{runs}");
    let replay = place.run(&["replay", "last"]).await;
    assert_eq!(replay.code, Some(105), "{}", replay.stderr);
    assert!(replay.stdout.contains("interrupted; as far as it went"), "{}", replay.stdout);
}

#[tokio::test]
async fn another_scenario_is_a_key_away() {
    let place = Place::new();
    let mut terminal = Terminal::start(&place, &["run", "traffic"], (120, 36));
    terminal.taken_over().await;
    terminal.shows("lab  traffic").await;
    terminal.press("s");
    terminal.press("\x1b[B\r");
    terminal.shows("lab  first-minute").await;
    terminal.shows("20/s").await;
    terminal.press("\x03");
    terminal.ended(105).await;
    place.assert_empty();
}

#[tokio::test]
async fn the_pace_is_a_key_away() {
    let place = Place::new();
    let mut terminal = Terminal::start(&place, &["run", "first-minute"], (120, 36));
    terminal.taken_over().await;
    terminal.shows(" 20/s  p99").await;
    terminal.press("++");
    terminal.shows("/s  ×1.2  p99").await;
    terminal.shows("rates are ×1.2 of what is planned").await;
    terminal.press(" ");
    terminal.shows(" 0/s  ×1.2 paused  p99").await;
    terminal.press(" -");
    terminal.shows(" 22/s  ×1.1  p99").await;
    terminal.shows("resumed").await;
    terminal.press("q");
    terminal.ended(0).await;
    place.assert_empty();
}

#[tokio::test]
async fn a_signal_gives_the_terminal_back() {
    let place = Place::new();
    let terminal = Terminal::start(&place, &[], (80, 24));
    terminal.shows("latency").await;
    signal(terminal.child.process_id().unwrap(), Signal::TERM);
    terminal.ended(105).await;
    place.assert_empty();
}

#[tokio::test]
async fn a_panic_gives_the_terminal_back() {
    let place = Place::new();
    let terminal = Terminal::start_with(&place, &[], (80, 24), &[("LAB_TEST_PANIC_AFTER_MS", "500")]);
    terminal.shows("the run ended in a defect of the lab").await;
    terminal.ended(101).await;
    place.assert_empty();
}

/// A recorded run on the screen: at its own pace, as fast as the viewer likes, back and forth; and its traces, with no lab that has them.
#[tokio::test]
async fn a_recorded_run_is_seen_again_and_scrubbed() {
    let place = Place::new();
    let run = place.run(&["run", "first-minute", "--time-scale", "0.3"]).await;
    assert!(run.stderr.contains("recorded as"), "{}", run.stderr);
    let mut terminal = Terminal::start(&place, &["replay", "last", "--speed", "64"], (120, 36));
    terminal.taken_over().await;
    terminal.shows("replay  first-minute").await;
    terminal.shows("table locked ended").await;
    terminal.shows("the run is over").await;
    terminal.press(" ");
    terminal.shows("‖ paused").await;
    // Before the end, the end is not known; after it, it is again.
    terminal.press(",");
    until("the end to be gone", PATIENCE, || async { !terminal.text().contains("the run is over") }).await;
    terminal.press(".");
    terminal.shows("the run is over").await;
    terminal.press("p\r");
    terminal.shows("◀").await;
    terminal.shows("frontend GET /roll").await;
    terminal.press("\x1b");
    terminal.shows("worst at").await;
    terminal.press("q");
    terminal.ended(0).await;
    place.assert_empty();
}

/// A program of somebody's, and no stack: the chain is what its spans say.
#[tokio::test]
async fn a_program_and_flags_are_a_screen() {
    let place = Place::new();
    let (exec, url) = ("python3 examples/hello.py --port {port}", "http://127.0.0.1:{port}/hello");
    let mut terminal = Terminal::start(&place, &["run", "--exec", exec, "--url", url, "--duration", "60s"], (120, 36));
    terminal.taken_over().await;
    terminal.shows("lab  app").await;
    // Both hops, with the rate of the last seconds.
    terminal.shows("lab ─").await;
    terminal.shows("50/s").await;
    terminal.shows("▶ app").await;
    terminal.shows("rate<0.01 http_req_failed").await;
    // The shipped scenarios need what is not there.
    terminal.press("s");
    terminal.shows("1 threshold").await;
    assert!(!terminal.text().contains("first-minute"), "{}", terminal.text());
    terminal.press("\x1b");
    terminal.press("q");
    terminal.ended(0).await;
    place.assert_empty();
}

/// From the spike to traces, to log lines and back, through every room; with what nobody should press in between.
#[tokio::test]
async fn every_room_shows_the_same_run() {
    let place = Place::new();
    let mut terminal = Terminal::start(&place, &["--time-scale", "0.3"], (120, 36));
    terminal.taken_over().await;
    terminal.shows("press Enter on the peak").await;
    terminal.press("2");
    terminal.shows("where the milliseconds go").await;
    terminal.press("3");
    terminal.shows("Little's law").await;
    terminal.press("4");
    terminal.shows("newest │ slowest │ failed").await;
    terminal.press("/{ status = error }\r");
    terminal.shows("✗").await;
    terminal.press("\r");
    terminal.shows("critical path").await;
    terminal.resize(80, 24);
    // Narrow as it is now, the header has no room for the title. A key that comes together with a new size may wait for the next one, so
    // word of the focus, which means nothing here, goes first.
    until("the new size", PATIENCE, || async { !terminal.text().contains("The first minute: calm") }).await;
    terminal.press("\x1b[I");
    terminal.press("\x1b");
    terminal.shows("newest │ slowest │ failed").await;
    terminal.press("5");
    terminal.shows("following").await;
    terminal.shows("Request completed").await;
    // A paste, a click into nothing, and what no terminal sends.
    terminal.press("\x1b[200~q\x03:quit\r\x1b[201~\x1b[<0;79;23M\x1b[<0;79;23m\x1b[99~");
    terminal.press("1");
    terminal.shows(" pool   used ").await;
    terminal.press(":quit\r");
    terminal.ended(0).await;
    place.assert_empty();
}

/// A scenario for the editor to leave: it is over soon, and keeps one of its promises.
const EDITED: &str = r#"format = 1
title = "Edited by hand"
[[load]]
name = "rolls"
service = "frontend"
executor = "constant-arrival-rate"
rate = 20
duration = "2s"
[[load.request]]
get = "/roll"
[thresholds]
http_reqs = ["count>=20"]
http_req_duration = ["max<0.001"]
"#;

/// The terminal goes to an editor and comes back, whatever the editor does; what it leaves is checked, and run when it is mended.
#[tokio::test]
async fn a_scenario_is_edited_checked_mended_and_run() {
    let place = Place::new();
    let folder = tempfile::Builder::new().prefix("mine").tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("broken", &EDITED.replace("rate = 20", "rat = 20"));
    write("mended", EDITED);
    let editor = folder.path().join("editor");
    // It asks for a line, as no lab does: so it has the terminal, in its usual mode.
    std::fs::write(&editor, "#!/bin/sh\necho \"editor of $1\"\nread -r answer\ncp \"$answer\" \"$1\"\n").unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [("VISUAL", ""), ("EDITOR", editor.to_str().unwrap())];
    let mut lab = place.lab(&["run", "traffic"]);
    lab.current_dir(folder.path());
    let mut terminal = Terminal::start_like(&lab, (120, 36), &variables);
    terminal.taken_over().await;
    terminal.press("s");
    terminal.shows("Everyday traffic").await;
    terminal.press("E");
    terminal.shows("editor of ./traffic.toml").await;
    // This one is the editor's.
    terminal.press("\x03");
    terminal.shows("the editor `").await;
    terminal.shows("traffic.toml  ").await;
    terminal.press("E");
    terminal.shows("editor of ./traffic.toml").await;
    terminal.press("broken\n");
    terminal.shows("traffic.toml has a problem").await;
    terminal.shows("traffic.toml:7:1: unknown key `rat` (did you mean `rate`?)").await;
    terminal.press("\r");
    terminal.shows("not understood as it is").await;
    terminal.press("E");
    terminal.shows("editor of ./traffic.toml").await;
    terminal.press("mended\n");
    terminal.shows("traffic.toml is understood: Enter runs it").await;
    terminal.press("\r");
    terminal.shows("lab  traffic  Edited by hand").await;
    terminal.shows("at the end: fail").await;
    terminal.shows("count>=20 http_reqs").await;
    // The run before it has been recorded meanwhile.
    terminal.shows("■ traffic").await;
    std::fs::remove_file(&editor).unwrap();
    terminal.press("s");
    terminal.press("E");
    terminal.shows("set VISUAL or EDITOR to one that is there").await;
    terminal.press("r");
    terminal.shows("● running").await;
    terminal.press("x");
    terminal.shows("■ stopped").await;
    terminal.press("q");
    terminal.ended(0).await;
    assert_eq!(std::fs::read_to_string(folder.path().join("traffic.toml")).unwrap(), EDITED);
    place.assert_empty();
}
