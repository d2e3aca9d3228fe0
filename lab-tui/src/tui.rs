//! The screen: one stream of events, one of keys, and a frame tick; views only look at the model.

mod actions;
mod ask;
mod axis;
mod callout;
mod chain;
mod columns;
mod editor;
mod errand;
mod errors;
mod events;
mod expectations;
mod finder;
mod glossary;
mod input;
mod latency;
mod link;
mod lists;
mod moment;
mod overlay;
mod palette;
mod percentiles;
mod phases;
mod plot;
mod pool;
mod replay;
mod room;
mod scale;
mod shelf;
mod stacked;
mod still;
mod svg;
mod terminal;
mod trace;
mod ui;
mod view;
mod waits;
mod wrap;
mod zoom;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Input, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

pub use actions::{ACTIONS, Action, Bindings};
pub use ask::Asker;
pub use errand::Errand;
pub use palette::{Palette, Theme};
pub use replay::Replay;
pub use room::Room;
pub use room::control::Origin;
pub use shelf::{Listed, Shelf};
pub use still::{keys, still};
pub use terminal::is_lent;
pub use ui::{List, Overlay, Ui, Wish};
pub use view::draw;

use editor::Editing;
use lab_facts::event::{Command, Event};
use lab_facts::model::Model;
use lab_facts::scenario::Planned;
use lab_facts::verdict::{self, Breaks, Verdict};
use lab_instrument::control::Desk;
use lab_instrument::observe::store::Store;
use terminal::Terminal;

/// How often the screen is drawn, at most; a key is answered at once.
const FRAME: Duration = Duration::from_millis(100);
/// How often the verdict is judged anew, and an open trace looked up again.
const JUDGED: Duration = Duration::from_millis(500);

/// The terminal, given back as it was when this is dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal,
    keys: EventStream,
    ui: Ui,
    /// The editor that has the terminal, and nothing else may touch it.
    editing: Option<Editing>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is none, or does not let itself be changed.
    pub fn enter(ui: Ui) -> io::Result<Self> {
        Ok(Self { terminal: Terminal::enter()?, keys: EventStream::new(), ui, editing: None })
    }

    /// The scenario of that row, as it was last understood.
    pub fn planned(&self, row: usize) -> Option<Arc<Planned>> {
        self.ui.scenarios.get(row)?.planned.clone()
    }

    /// What the run that is shown next came from; without it no fault can be begun, and nothing saved.
    pub fn offer(&mut self, origin: Origin) {
        self.ui.queries.offer(origin.pages.clone());
        self.ui.control.offer(origin);
    }

    /// Shows a run until the viewer wishes something else. The model lives on after the run's end, and can be looked at.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn show(
        &mut self,
        scenario: usize,
        model: &mut Model,
        events: &mut mpsc::UnboundedReceiver<Event>,
        commands: &mpsc::UnboundedSender<Command>,
        store: &Store,
        desk: &mut Desk,
    ) -> io::Result<Wish> {
        let mut asker = Asker::live(store.clone(), self.ui.backends.clone(), self.ui.shelf.clone());
        self.ui.begin(scenario);
        let mut frame = tokio::time::interval(FRAME);
        frame.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut judged = tokio::time::interval(JUDGED);
        judged.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut verdict = verdict::judge(model.plan(), model);
        let mut breaks = Breaks::default();
        let (mut live, mut changed) = (true, true);
        let mut next = None;
        loop {
            tokio::select! {
                event = events.recv(), if live => match event {
                    Some(event) => {
                        model.apply(event);
                        changed = true;
                    }
                    None => {
                        live = false;
                        verdict = verdict::judge(model.plan(), model);
                        if let Some(wish) = next {
                            return Ok(wish);
                        }
                    }
                },
                input = self.keys.next(), if self.editing.is_none() => match input {
                    Some(Ok(input)) => {
                        match self.take_in(&input, model) {
                            // Another scenario begins when this one has ended in order.
                            Some(wish @ Wish::Run(_)) if live => {
                                next = Some(wish);
                                let _ = commands.send(Command::Stop);
                            }
                            Some(Wish::Edit(row)) => self.edit(row)?,
                            Some(wish) => return Ok(wish),
                            None => {}
                        }
                        if let Some(command) = self.ui.take_asked() {
                            let _ = commands.send(command);
                        }
                        self.ask(&mut asker);
                        self.run_errand();
                        self.draw(model, &verdict)?;
                        changed = false;
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                _ = judged.tick() => {
                    verdict = verdict::judge(model.plan(), model);
                    breaks.wishes(&verdict, model).for_each(|wish| {
                        let _ = commands.send(wish);
                    });
                    self.ask(&mut asker);
                }
                told = ended(&mut self.editing) => {
                    self.take_back(told)?;
                    self.ask(&mut asker);
                    changed = true;
                }
                answer = asker.answer() => {
                    self.ui.hear(answer);
                    changed = true;
                }
                asking = desk.asked() => desk.answer(asking, model, &verdict),
                _ = frame.tick() => {
                    if std::mem::take(&mut changed) {
                        self.draw(model, &verdict)?;
                    }
                }
            }
        }
    }

    /// What comes from the terminal; a new size needs no more than to be drawn.
    fn take_in(&mut self, input: &Input, model: &Model) -> Option<Wish> {
        match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => return self.ui.on_key(*key, model),
            Input::Mouse(mouse) => return self.ui.on_mouse(*mouse, model),
            Input::Paste(text) => self.ui.on_paste(text),
            _ => {}
        }
        None
    }

    /// Spans of an open trace may still be coming in, and so may what a room looks for.
    fn ask(&mut self, asker: &mut Asker) {
        self.ui.questions().into_iter().for_each(|question| asker.ask(question));
    }

    fn run_errand(&mut self) {
        if let Some(errand) = self.ui.take_errand() {
            self.ui.note = Some(errand.run(&mut io::stdout().lock()));
        }
    }

    /// Gives the terminal to the user's editor. One that came with the lab is copied first: there is no file of it.
    fn edit(&mut self, row: usize) -> io::Result<()> {
        let Some(listed) = self.ui.scenarios.get(row) else { return Ok(()) };
        let path = match (&listed.file, &listed.planned) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(planned)) => shelf::copy(&listed.name, &planned.text),
            (None, None) => return Ok(()),
        };
        // What reads keys must be gone before somebody else does.
        self.keys = EventStream::new();
        self.terminal.lend();
        match path.and_then(Editing::begin) {
            Ok(editing) => self.editing = Some(editing),
            Err(why) => {
                self.terminal.take_back()?;
                self.ui.note = Some(why);
            }
        }
        Ok(())
    }

    /// The editor has ended.
    fn take_back(&mut self, told: Option<String>) -> io::Result<()> {
        self.terminal.take_back()?;
        self.ui.note = told;
        if let Some(editing) = self.editing.take() {
            self.ui.scenario_room.edited(editing.path.clone());
        }
        Ok(())
    }

    fn draw(&mut self, model: &Model, verdict: &Verdict) -> io::Result<()> {
        if self.editing.is_some() {
            return Ok(());
        }
        let ui = &mut self.ui;
        let is_wanted = std::mem::take(&mut ui.picture);
        let mut picture = None;
        self.terminal.draw(|frame| {
            let area = frame.area();
            draw(frame.buffer_mut(), area, model, verdict, ui);
            picture = is_wanted.then(|| svg::picture(frame.buffer_mut(), ui.palette.theme));
        })?;
        if let Some(svg) = picture {
            self.ui.note = Some(errand::keep_picture(&svg));
            self.draw(model, verdict)?;
        }
        Ok(())
    }
}

/// The end of the editor, where there is one: what there is to say of it.
async fn ended(editing: &mut Option<Editing>) -> Option<String> {
    match editing {
        Some(editing) => editing.ended().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
