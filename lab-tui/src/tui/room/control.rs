//! The run in the viewer's hands: its pace, and faults that are begun and ended while it goes on. What was done is kept, and can be saved.

mod done;
mod faults;
mod form;
mod origin;
mod told;
mod when;

use crossterm::event::KeyCode;
use faults::Row;
use form::Form;
use lab_facts::event::{BY_HAND, Command};
use lab_facts::model::Model;
use lab_facts::scenario::{StackKind, forms};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use crate::tui::plot;
use crate::tui::ui::{Click, Ui};
use crate::tui::{errors, latency};
pub use origin::Origin;

/// Rows of the faults: a title, and a form of the kind that has the most to say.
const FAULTS: u16 = 10;
/// Rows of what was done, at the least, with its title.
const DONE: u16 = 4;
/// From this many rows on, latency and failures are seen as well: those of the plots at the least.
const PLOTS: u16 = 5;
/// What a click on a field says, beside the rows of the list.
const FIELDS: usize = 1 << 16;

/// What the viewer has chosen here.
#[derive(Debug)]
pub struct State {
    origin: Option<Origin>,
    /// One for each kind, in their order.
    forms: Vec<Form>,
    chosen: Row,
    /// The kind that was chosen last.
    kind: usize,
    /// The field that keys go to; where there is none, they choose a row.
    field: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self { origin: None, forms: forms().map(|kind| Form::new(kind, &[])).collect(), chosen: Row::Kind(0), kind: 0, field: None }
    }
}

impl State {
    /// What runs now. What was typed for an earlier run stays where it still makes sense.
    pub(in crate::tui) fn offer(&mut self, origin: Origin) {
        let before = self.origin.replace(origin);
        if before.is_none_or(|before| before.services.is_empty()) {
            let services = self.services();
            self.forms = forms().map(|kind| Form::new(kind, &services)).collect();
        }
    }

    /// Another run begins.
    pub(in crate::tui) fn begin(&mut self) {
        (self.chosen, self.field) = (Row::Kind(self.kind), None);
    }

    /// Whether keys are letters of a field.
    pub(in crate::tui) fn is_writing(&self) -> bool {
        self.field.is_some()
    }

    /// A letter of a text that is pasted.
    pub(in crate::tui) fn write(&mut self, code: KeyCode) {
        if let Some(field) = self.field
            && let Some(input) = self.forms.get_mut(self.kind).and_then(|form| form.field(field))
        {
            input.on_key(code);
        }
    }

    fn services(&self) -> Vec<&str> {
        self.origin.iter().flat_map(|origin| &origin.services).map(String::as_str).collect()
    }
}

/// Why no fault can be begun or ended here, where none can.
fn why_not(ui: &Ui, model: &Model) -> Option<&'static str> {
    if ui.replay.is_some() || ui.control.origin.is_none() {
        Some("This is a replay: what was done in it was done then. Faults need a run that goes on.")
    } else if model.plan().stack == StackKind::Attach {
        Some("This run is attached to what ran before it: the lab disturbs nothing that is not its own.")
    } else if model.plan().stack == StackKind::None || ui.control.services().is_empty() {
        Some("The stack of this run is none: the lab has no services and no database here that a fault could reach.")
    } else if model.finished().is_some() {
        Some("The run is over. Faults need one that goes on.")
    } else {
        None
    }
}

/// The pace on top, what comes of it below, then faults, and what was done.
pub(in crate::tui) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    pace(buffer, Rect { height: 1, ..area }, model, ui);
    let spare = area.height.saturating_sub(1 + FAULTS + DONE);
    let plots = if spare >= PLOTS { spare.min(PLOTS.max(area.height * 2 / 5)) } else { 0 };
    let part = |y: u16, height: u16| Rect { y: area.y + y, height: height.min(area.height.saturating_sub(y)), ..area };
    if plots > 0 {
        draw_plots(buffer, part(1, plots), model, ui);
    }
    draw_faults(buffer, part(1 + plots, FAULTS), model, ui);
    let below = part(1 + plots + FAULTS, area.height);
    let save = if done::is_any(model) && ui.control.origin.is_some() { "   S saves the scenario with all of it" } else { "" };
    Line::from(vec![Span::styled(" done by hand", ui.palette.title), Span::styled(save, ui.palette.key)]).render(below, buffer);
    let list = Rect { y: below.y + 1, height: below.height.saturating_sub(1), ..below };
    done::draw(buffer, list, model, &ui.palette);
}

/// The pace of the load, in one row.
fn pace(buffer: &mut Buffer, area: Rect, model: &Model, ui: &Ui) {
    let palette = &ui.palette;
    let second = model.now().as_secs().checked_sub(1).and_then(|second| model.seconds().get(second));
    let offered = second.map_or(0, |second| second.offered / second.place.length);
    let notice = model.controls().pace().notice();
    let (notice, style) = if notice.is_empty() { ("as planned".to_owned(), palette.dim) } else { (notice, palette.warn) };
    let keys = match (model.finished().is_some() || ui.replay.is_some(), model.plan().has_rates()) {
        (true, _) => Vec::new(),
        (false, true) => vec![("+ -", "rate by 10 %"), ("space", "pause, go on")],
        (false, false) => vec![("space", "pause, go on"), ("", "its users have no rate")],
    };
    let told = vec![Span::styled("pace", palette.title), Span::raw(format!("  {offered}/s  ")), Span::styled(notice, style)];
    let keys = keys.into_iter().map(|(key, what)| vec![Span::styled(key, palette.key), Span::styled(format!(" {what}"), palette.dim)]);
    plot::pieces(buffer, area, [told].into_iter().chain(keys));
}

/// Latency and failures on one time axis, so that what was done is seen to do something.
fn draw_plots(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    // The last column stays free, for a text that ends there would touch its neighbour.
    let area = Rect { width: area.width - 1, ..area };
    let axis = ui.time_axis(plot::graph(area).width, model);
    ui.clicks.push((plot::graph(area), Click::Time(axis)));
    let errors = 1 + area.height / 8;
    let part = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    latency::draw(buffer, part(0, area.height - errors - 1), axis, model, ui);
    errors::draw(buffer, part(area.height - errors - 1, errors), axis, model, ui.cursor, &ui.palette);
    plot::time_axis(buffer, part(area.height - 1, 1), axis, model, ui.cursor, &ui.palette);
}

/// The list, and beside it what is chosen.
fn draw_faults(buffer: &mut Buffer, area: Rect, model: &Model, ui: &mut Ui) {
    let left = (area.width * 2 / 5).clamp(25, 60);
    let why_not = why_not(ui, model);
    let (state, palette) = (&ui.control, &ui.palette);
    let list = Rect { width: left, ..area };
    faults::title(buffer, list, model, palette);
    let rows = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    let first = faults::draw(buffer, rows, state, model, why_not.is_none(), palette);
    for y in area.y..area.bottom() {
        buffer.set_string(area.x + left, y, "│", palette.idle);
    }
    let right = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
    let mut fields = None;
    match (why_not, faults::chosen(state, model)) {
        (Some(why), _) => {
            told::text(buffer, Rect { y: right.y + 1, height: right.height.saturating_sub(1), ..right }, why, palette.dim);
        }
        (None, Row::Fault(index)) => {
            if let Some(fault) = model.faults().get(index) {
                told::fault(buffer, right, fault, model, palette);
            }
        }
        (None, Row::Kind(kind)) => fields = state.forms.get(kind).map(|form| told::form(buffer, right, state, form, model, palette)),
    }
    ui.clicks.push((rows, Click::Rows(first)));
    ui.clicks.extend(fields.map(|fields| (fields, Click::Rows(FIELDS))));
}

/// The keys that count here.
pub(in crate::tui) fn keys(ui: &Ui) -> &'static [(&'static str, &'static str)] {
    if ui.control.is_writing() {
        &[("type", "a value"), ("←→", "less, more"), ("↑↓", "field"), ("Enter", "begin"), ("Esc", "back")]
    } else if ui.replay.is_some() {
        &[("S", "save"), ("?", "help"), ("q", "quit")]
    } else {
        &[
            ("↑↓", "pick"),
            ("Enter", "begin/end"),
            ("→", "change"),
            ("+ -", "rate"),
            ("space", "pause"),
            ("S", "save"),
            ("?", "help"),
            ("q", "quit"),
        ]
    }
}

/// Takes in a key, where none is written.
pub(in crate::tui) fn on_key(ui: &mut Ui, code: KeyCode, model: &Model) {
    match code {
        KeyCode::Up | KeyCode::Char('k') => step(ui, model, |row| row.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => step(ui, model, |row| row.saturating_add(1)),
        KeyCode::Right | KeyCode::Char('l') | KeyCode::Tab => write_field(ui, model, 0),
        KeyCode::Enter => enter(ui, model),
        KeyCode::Char('S') => save(ui, model),
        KeyCode::Left | KeyCode::Char('h') => {}
        code => {
            ui.on_key_of_time(code, model);
        }
    }
}

/// Takes in a key while a field is written.
pub(in crate::tui) fn on_key_in_form(ui: &mut Ui, code: KeyCode, model: &Model) {
    let state = &mut ui.control;
    let Some(field) = state.field else { return };
    let services: Vec<String> = state.services().into_iter().map(str::to_owned).collect();
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let Some(form) = state.forms.get_mut(state.kind) else { return };
    let last = form.last();
    match code {
        KeyCode::Esc => state.field = None,
        KeyCode::Enter => enter(ui, model),
        KeyCode::Up | KeyCode::BackTab => state.field = Some(field.saturating_sub(1)),
        KeyCode::Down | KeyCode::Tab => state.field = Some((field + 1).min(last)),
        KeyCode::Left => form.step(field, false, &services),
        KeyCode::Right => form.step(field, true, &services),
        code => state.write(code),
    }
}

/// Leads into the form, where there is one and it would lead to anything.
fn write_field(ui: &mut Ui, model: &Model, field: usize) {
    match (why_not(ui, model), faults::chosen(&ui.control, model)) {
        (Some(why), _) => ui.note = Some(why.to_owned()),
        (None, Row::Kind(_)) => ui.control.field = Some(field),
        (None, Row::Fault(_)) => ui.note = Some("a fault that is there stays as it is; end it, and begin another".to_owned()),
    }
}

fn step(ui: &mut Ui, model: &Model, next: impl Fn(usize) -> usize) {
    let rows = faults::rows(&ui.control, model);
    let chosen = faults::chosen(&ui.control, model);
    let row = rows.iter().position(|row| *row == chosen).unwrap_or_default();
    if let Some(row) = rows.get(next(row).min(rows.len().saturating_sub(1))) {
        choose_row(&mut ui.control, *row);
    }
}

fn choose_row(state: &mut State, row: Row) {
    (state.chosen, state.field) = (row, None);
    if let Row::Kind(kind) = row {
        state.kind = kind;
    }
}

/// Begins what is typed, or ends what is chosen.
fn enter(ui: &mut Ui, model: &Model) {
    if let Some(why) = why_not(ui, model) {
        ui.note = Some(why.to_owned());
        return;
    }
    let kind = match faults::chosen(&ui.control, model) {
        Row::Fault(index) => {
            ui.wish(Command::EndFault { index });
            return;
        }
        Row::Kind(kind) => kind,
    };
    if model.faults().len() >= model.plan().faults.len() + BY_HAND {
        ui.note = Some(format!("{BY_HAND} faults by hand are as many as one run keeps"));
        return;
    }
    let Some(form) = ui.control.forms.get(kind) else { return };
    match form.wanted(&ui.control.services(), model) {
        Ok((kind, duration)) => {
            ui.note = Some(format!("begins: {kind}"));
            // It becomes the next one, and Enter ends it then.
            (ui.control.chosen, ui.control.field) = (Row::Fault(model.faults().len()), None);
            ui.wish(Command::Inject { kind, duration });
        }
        // The sentence stands below the fields; keys go to the one that is to blame.
        Err(mistyped) => ui.control.field = mistyped.key.or(ui.control.field),
    }
}

fn save(ui: &mut Ui, model: &Model) {
    match ui.control.origin.as_ref().map(|origin| origin.save(model)) {
        Some(Ok(errand)) => ui.run(errand),
        Some(Err(why)) => ui.note = Some(why),
        None => ui.note = Some("nobody knows here which scenario this is, so it cannot be saved".to_owned()),
    }
}

/// Leads to a kind of fault, ready to be typed.
pub(in crate::tui) fn lead_to(ui: &mut Ui, kind: usize, model: &Model) {
    choose_row(&mut ui.control, Row::Kind(kind));
    write_field(ui, model, 0);
}

/// Chooses what was clicked; whether it was chosen already.
pub(in crate::tui) fn choose(ui: &mut Ui, row: usize, model: &Model) -> bool {
    if let Some(field) = row.checked_sub(FIELDS) {
        write_field(ui, model, field);
        return false;
    }
    let Some(row) = faults::rows(&ui.control, model).get(row).copied() else { return false };
    let again = row == faults::chosen(&ui.control, model);
    choose_row(&mut ui.control, row);
    again
}
