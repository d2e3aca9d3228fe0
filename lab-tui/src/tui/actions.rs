//! What keys do wherever one is, by name; and the keys that the viewer wants for it instead.

use crossterm::event::KeyCode;
use lab_facts::scenario::suggest;

use super::still;

/// Something that a key does in every room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// As the settings call it.
    pub name: &'static str,
    /// In the words of whoever looks for it.
    pub(super) label: &'static str,
    /// The key that does it, unless the viewer has another.
    pub(super) code: KeyCode,
}

/// All of them, in the order in which the command palette shows them.
pub const ACTIONS: [Action; 16] = [
    Action { name: "peak", label: "go to the peak of p99", code: KeyCode::Char('p') },
    Action { name: "start", label: "go to the start of the run", code: KeyCode::Home },
    Action { name: "follow", label: "follow the run (live)", code: KeyCode::End },
    Action { name: "zoom-in", label: "zoom in on time", code: KeyCode::Char('z') },
    Action { name: "zoom-out", label: "zoom out, up to the whole run", code: KeyCode::Char('Z') },
    Action { name: "why", label: "explain: why did it rise", code: KeyCode::Char('w') },
    Action { name: "meaning", label: "what the numbers of this room mean", code: KeyCode::Char('e') },
    Action { name: "pause", label: "pause or resume the load", code: KeyCode::Char(' ') },
    Action { name: "faster", label: "rate up by 10 %", code: KeyCode::Char('+') },
    Action { name: "slower", label: "rate down by 10 %", code: KeyCode::Char('-') },
    Action { name: "open", label: "open the trace in a browser", code: KeyCode::Char('o') },
    Action { name: "copy", label: "copy the trace ID", code: KeyCode::Char('y') },
    Action { name: "picture", label: "keep the screen as a picture (SVG)", code: KeyCode::F(12) },
    Action { name: "scenarios", label: "choose a scenario", code: KeyCode::Char('s') },
    Action { name: "help", label: "help: all keys", code: KeyCode::Char('?') },
    Action { name: "quit", label: "quit", code: KeyCode::Char('q') },
];

/// The keys that the viewer wants: each does its action wherever one is, whatever a room would do with it, and the action's usual key
/// does nothing any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(Vec<(Action, KeyCode)>);

/// Why a key cannot be had for an action: what is wrong, and the way out.
pub(crate) type Refused = (String, String);

impl Bindings {
    /// Gives an action another key; what only the other bindings decide is left to [`Self::clash`].
    ///
    /// # Errors
    /// There is no such action or key, or the key is needed as it is.
    pub fn bind(&mut self, action: &str, key: &str) -> Result<(), Refused> {
        let Some(action) = ACTIONS.into_iter().find(|known| known.name == action) else {
            let names: Vec<&str> = ACTIONS.iter().map(|action| action.name).collect();
            return Err((format!("there is no action `{action}`"), suggest(action, &names)));
        };
        let (None, Some(code)) = (key.chars().find(|letter| letter.is_control()), still::key(key)) else {
            return Err((
                format!("`{key}` is no key"),
                "write a letter or sign as it is typed, or space, home, end, pageup, f5".to_owned(),
            ));
        };
        let letters = "123456789:/hjkl";
        let is_needed = match code {
            KeyCode::Char(letter) => letters.contains(letter),
            KeyCode::F(_) | KeyCode::Home | KeyCode::End | KeyCode::PageUp | KeyCode::PageDown => false,
            _ => true,
        };
        if is_needed {
            return Err((format!("`{key}` is needed as it is: rooms, lists and texts have it"), "choose another key".to_owned()));
        }
        self.0.push((action, code));
        Ok(())
    }

    /// The first binding whose key does something else as well, by its action's name.
    pub fn clash(&self) -> Option<(&'static str, Refused)> {
        let of = |action: &Action| self.code(action);
        self.0.iter().find_map(|(action, code)| {
            let other = ACTIONS.iter().find(|other| *other != action && of(other) == *code)?;
            let what = format!("`{}` is the key of {} as well", name(*code), other.name);
            Some((action.name, (what, format!("choose another, or give {} another key", other.name))))
        })
    }

    /// The key of an action.
    fn code(&self, action: &Action) -> KeyCode {
        self.0.iter().find(|(bound, _)| bound == action).map_or(action.code, |(_, code)| *code)
    }

    /// Which usual key is meant by one that is pressed; none where it has been given up.
    pub(super) fn meant(&self, pressed: KeyCode) -> Option<KeyCode> {
        if let Some((action, _)) = self.0.iter().find(|(_, code)| *code == pressed) {
            return Some(action.code);
        }
        // The equals sign is the plus of many keyboards.
        let usual = if pressed == KeyCode::Char('=') { KeyCode::Char('+') } else { pressed };
        (!self.0.iter().any(|(action, _)| action.code == usual)).then_some(pressed)
    }

    /// Whether the viewer has given it to something.
    pub(super) fn has(&self, pressed: KeyCode) -> bool {
        self.0.iter().any(|(_, code)| *code == pressed)
    }

    /// The key of an action, as it is written on the screen.
    pub fn key(&self, action: &Action) -> String {
        name(self.code(action))
    }

    /// Keys that stand together, such as `+ - space`, with those in place of the usual ones that the viewer has.
    pub(super) fn written(&self, keys: &str) -> String {
        let of =
            |usual: &str| self.0.iter().find(|(action, _)| name(action.code) == usual).map_or(usual.to_owned(), |(_, code)| name(*code));
        keys.split(' ').map(of).collect::<Vec<_>>().join(" ")
    }
}

/// As it is written on the screen.
fn name(code: KeyCode) -> String {
    match code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Home => "g".to_owned(),
        KeyCode::End => "G".to_owned(),
        code => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_given_away_is_free_and_another_does_its_work() {
        let mut bindings = Bindings::default();
        for (action, key) in [("quit", "Q"), ("peak", "q"), ("faster", "f5"), ("follow", "F")] {
            bindings.bind(action, key).unwrap();
        }
        assert_eq!(bindings.clash(), None);
        let meant = ['Q', 'q', 'p', '+', '=', 'z', 'F'].map(|letter| bindings.meant(KeyCode::Char(letter)));
        let char = |letter| Some(KeyCode::Char(letter));
        assert_eq!(meant, [char('q'), char('p'), None, None, None, char('z'), Some(KeyCode::End)]);
        assert_eq!((bindings.written("+ - space"), bindings.written("G")), ("F5 - space".to_owned(), "F".to_owned()));
        bindings.bind("zoom-in", "Z").unwrap();
        let (action, (what, hint)) = bindings.clash().unwrap();
        assert_eq!((action, what.as_str()), ("zoom-in", "`Z` is the key of zoom-out as well"));
        assert_eq!(hint, "choose another, or give zoom-out another key");
    }

    #[test]
    fn what_cannot_be_bound_is_refused() {
        let refused = |action: &str, key: &str| Bindings::default().bind(action, key).unwrap_err();
        assert_eq!(refused("zoomin", "i"), ("there is no action `zoomin`".to_owned(), "did you mean `zoom-in`?".to_owned()));
        assert!(refused("quit", "Strg-Q").0.contains("`Strg-Q` is no key"));
        for needed in ["enter", "esc", "1", "j", "/", "up"] {
            assert!(refused("quit", needed).0.contains("is needed as it is"), "{needed}");
        }
    }
}
