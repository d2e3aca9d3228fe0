//! The screen on a recorded run: the same views, with time in the viewer's hands.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;
use lab_facts::event::TraceId;
use lab_facts::trace::Trace;
use lab_facts::verdict;
use lab_instrument::record::Player;
use tokio::time::MissedTickBehavior;

use super::ask::Asker;
use super::{FRAME, JUDGED, Screen, Wish};

/// How far a jump leads, in seconds.
const JUMP: i64 = 10;

/// What the screen shows of a replay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replay {
    /// As a factor of time.
    pub speed: f64,
    /// Whether time stands still.
    pub paused: bool,
}

/// What the keys do that a live run does not have.
pub(super) const KEYS: [(&str, &str); 3] = [("space", "pause"), ("[ ]", "speed"), (", .", "±10 s")];

impl Screen {
    /// Shows a recorded run until the viewer leaves.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn replay(&mut self, player: &mut Player, traces: Arc<HashMap<TraceId, Trace>>) -> io::Result<Wish> {
        let mut asker = Asker::recorded(traces, self.ui.backends.clone(), self.ui.shelf.clone());
        self.ui.begin(0);
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = Instant::now();
        let mut judged = last;
        let mut verdict = verdict::judge(player.model().plan(), player.model());
        let mut changed = true;
        loop {
            tokio::select! {
                input = self.keys.next() => match input {
                    Some(Ok(input)) => {
                        let of_player = matches!(input, Input::Key(key) if key.kind != KeyEventKind::Release && self.is_free(key) && on_key(key, player));
                        if !of_player {
                            match self.take_in(&input, player.model()) {
                                Some(Wish::Run(_)) => {
                                    player.seek(std::time::Duration::ZERO);
                                    self.ui.begin(0);
                                }
                                // The room of scenarios asks for it of a live run only.
                                Some(Wish::Edit(_)) => {}
                                Some(wish) => return Ok(wish),
                                None => {}
                            }
                        }
                        self.run_errand();
                        // Time may have gone back behind the cursor.
                        let now = player.model().now().as_secs();
                        self.ui.cursor = self.ui.cursor.filter(|second| *second <= now);
                        verdict = verdict::judge(player.model().plan(), player.model());
                        self.ask(&mut asker);
                        changed = true;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                answer = asker.answer() => {
                    self.ui.hear(answer);
                    changed = true;
                }
                _ = frame.tick() => {
                    let now = Instant::now();
                    changed |= player.advance(now - std::mem::replace(&mut last, now));
                    if now - judged > JUDGED {
                        judged = now;
                        self.ask(&mut asker);
                        if changed {
                            verdict = verdict::judge(player.model().plan(), player.model());
                        }
                    }
                }
            }
            if std::mem::take(&mut changed) {
                self.ui.replay = Some(Replay { speed: player.speed, paused: player.paused });
                if player.model().finished().is_some() {
                    verdict = verdict::judge(player.model().plan(), player.model());
                }
                self.draw(player.model(), &verdict)?;
            }
        }
    }
}

impl Screen {
    /// Whether a key may be the player's: nothing lies over the screen, no text is being written, and the viewer has not given it away.
    fn is_free(&self, key: KeyEvent) -> bool {
        self.ui.overlay.is_none() && !self.ui.is_writing() && !self.ui.bindings.has(key.code)
    }
}

/// Whether it was a key of the player's.
fn on_key(key: KeyEvent, player: &mut Player) -> bool {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return false;
    }
    match key.code {
        KeyCode::Char(' ') => player.paused = !player.paused,
        KeyCode::Char('[' | '<') => player.faster(false),
        KeyCode::Char(']' | '>') => player.faster(true),
        KeyCode::Char(',') => player.jump(-JUMP),
        KeyCode::Char('.') => player.jump(JUMP),
        _ => return false,
    }
    true
}
