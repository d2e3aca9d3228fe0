//! The pace of the load, and how a user changes it while a run goes on.

use std::fmt;

use super::Command;

/// What is made of the planned pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// By how much planned rates are multiplied; from [`Pace::SLOWEST`] to [`Pace::FASTEST`].
    pub factor: f64,
    /// Nothing begins.
    pub paused: bool,
}

/// A command that was obeyed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    /// Planned rates are multiplied by this from now on.
    Rate(f64),
    /// Nothing begins from now on.
    Paused,
    /// It goes on where it stopped.
    Resumed,
}

impl Default for Pace {
    fn default() -> Self {
        Self { factor: 1.0, paused: false }
    }
}

impl Pace {
    /// Below it, pause.
    pub const SLOWEST: f64 = 0.1;
    /// A scenario that needs more should say so.
    pub const FASTEST: f64 = 10.0;

    /// Takes in a command; `None` when nothing is changed by it.
    pub fn obey(&mut self, command: &Command) -> Option<Control> {
        let control = match *command {
            Command::Stop | Command::Broke { .. } | Command::Abort { .. } | Command::Inject { .. } | Command::EndFault { .. } => {
                return None;
            }
            Command::Rate(factor) if factor.is_nan() => return None,
            Command::Rate(factor) => Control::Rate(factor.clamp(Self::SLOWEST, Self::FASTEST)),
            Command::Pause => Control::Paused,
            Command::Resume => Control::Resumed,
        };
        let before = *self;
        self.apply(control);
        (*self != before).then_some(control)
    }

    /// Takes in what was obeyed.
    pub fn apply(&mut self, control: Control) {
        match control {
            Control::Rate(factor) => self.factor = factor,
            Control::Paused => self.paused = true,
            Control::Resumed => self.paused = false,
        }
    }

    /// By how much planned rates are multiplied right now.
    pub fn effective(&self) -> f64 {
        if self.paused { 0.0 } else { self.factor }
    }

    /// As in `×1.3 paused`; empty where everything is as planned.
    pub fn notice(&self) -> String {
        let factor = if self.factor == 1.0 { String::new() } else { times(self.factor) };
        let paused = if self.paused { "paused" } else { "" };
        format!("{factor} {paused}").trim().to_owned()
    }
}

/// In a few words, for a line of their own.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(1.0) => f.write_str("rates are as planned again"),
            Self::Rate(factor) => write!(f, "rates are {} of what is planned", times(*factor)),
            Self::Paused => f.write_str("paused: nothing new is sent"),
            Self::Resumed => f.write_str("resumed"),
        }
    }
}

/// As in `×1.3`.
fn times(factor: f64) -> String {
    format!("×{}", (factor * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_not_obeyed() {
        let mut pace = Pace::default();
        let mut told = |command| pace.obey(&command);
        assert_eq!([Command::Stop, Command::Resume, Command::Rate(1.0), Command::Rate(f64::NAN)].map(&mut told), [None; 4]);
        assert_eq!(told(Command::Rate(1.3)), Some(Control::Rate(1.3)));
        assert_eq!([told(Command::Pause), told(Command::Pause)], [Some(Control::Paused), None]);
        assert_eq!([told(Command::Rate(f64::INFINITY)), told(Command::Rate(99.0))], [Some(Control::Rate(10.0)), None]);
        assert_eq!((pace.effective(), pace.notice()), (0.0, "×10 paused".to_owned()));
        assert_eq!(pace.obey(&Command::Rate(-1.0)), Some(Control::Rate(0.1)));
        assert_eq!(pace.obey(&Command::Resume), Some(Control::Resumed));
        assert_eq!((pace.effective(), pace.notice(), Pace::default().notice()), (0.1, "×0.1".to_owned(), String::new()));
    }
}
