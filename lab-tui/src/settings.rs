//! What the user has settled once: one TOML file. Flags and the environment win over it, and it holds no secrets.

use std::ops::Range;

use lab_facts::scenario::{Refusals, Wrong, suggest};
use lab_instrument::report::TraceLink;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::tui::{Bindings, Room, Theme};

/// What the file says; nothing where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The colours.
    pub theme: Option<Theme>,
    /// The room that the screen begins with.
    pub room: Option<Room>,
    /// Where trace IDs lead to.
    pub link: Option<Address>,
    /// Keys of the user's own.
    pub keys: Bindings,
}

/// An address that trace IDs lead to, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The text.
    pub written: String,
    /// Whether it is Grafana's, and not a template.
    pub is_grafana: bool,
    /// What it means.
    pub link: TraceLink,
}

impl Address {
    /// A template with `{trace_id}` in it.
    ///
    /// # Errors
    /// What is wrong with it, and the way out.
    pub fn template(written: &str) -> Result<Self, String> {
        Ok(Self { written: written.to_owned(), is_grafana: false, link: TraceLink::template(written)? })
    }

    /// Where Grafana is.
    ///
    /// # Errors
    /// It is no address.
    pub fn grafana(written: &str) -> Result<Self, String> {
        Ok(Self { written: written.to_owned(), is_grafana: true, link: TraceLink::grafana(written)? })
    }
}

const KEYS: [&str; 5] = ["theme", "room", "trace_url", "grafana_url", "keys"];

impl Settings {
    /// Reads the file's text.
    ///
    /// # Errors
    /// All that is wrong, each with its line and column in `origin`.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Refusals> {
        let mut wrongs = Vec::new();
        let mut settings = Self::default();
        match DeTable::parse(text) {
            Ok(document) => settings.read(document.get_ref(), &mut wrongs),
            Err(error) => wrongs.push(error.into()),
        }
        if wrongs.is_empty() {
            return Ok(settings);
        }
        wrongs.sort_by_key(|wrong| wrong.span.as_ref().map(|span| span.start));
        Err(Refusals(wrongs.into_iter().map(|wrong| wrong.at(origin, text)).collect()))
    }

    fn read(&mut self, document: &DeTable<'_>, wrongs: &mut Vec<Wrong>) {
        let mut entries: Vec<_> = document.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let read = match key.get_ref().as_ref() {
                "theme" => of_few(value, &Theme::ALL.map(|(name, _)| name), Theme::named).map(|theme| self.theme = Some(theme)),
                "room" => of_few(value, &Room::ALL.map(Room::name), Room::named).map(|room| self.room = Some(room)),
                "trace_url" => self.lead_to(key.span(), value, Address::template),
                "grafana_url" => self.lead_to(key.span(), value, Address::grafana),
                "keys" => self.bind_all(value, wrongs),
                unknown => Err(Wrong::new(key.span(), format!("unknown key `{unknown}`"), suggest(unknown, &KEYS))),
            };
            wrongs.extend(read.err());
        }
    }

    fn lead_to(
        &mut self,
        key: Range<usize>,
        value: &Spanned<DeValue<'_>>,
        address: impl Fn(&str) -> Result<Address, String>,
    ) -> Result<(), Wrong> {
        let written = text(value)?;
        let has_password = url::Url::parse(written).is_ok_and(|url| url.password().is_some() || !url.username().is_empty());
        if has_password {
            let hint = "leave it out; the browser asks for what it needs";
            return Err(Wrong::new(value.span(), "a name or a password has no place in this file", hint));
        }
        if self.link.is_some() {
            return Err(Wrong::new(key, "trace IDs can lead to one place only", "leave trace_url or grafana_url out"));
        }
        let refused = |what| Wrong { span: Some(value.span()), what, hint: None };
        self.link = Some(address(written).map_err(refused)?);
        Ok(())
    }

    fn bind_all(&mut self, value: &Spanned<DeValue<'_>>, wrongs: &mut Vec<Wrong>) -> Result<(), Wrong> {
        let DeValue::Table(table) = value.get_ref() else {
            return Err(Wrong::new(value.span(), "the keys are a table", "write [keys], and in it lines such as quit = \"Q\""));
        };
        for (action, key) in table {
            let bound = text(key).and_then(|written| {
                let place = |(what, hint): (String, String)| {
                    let span = if what.contains("action") { action.span() } else { key.span() };
                    Wrong::new(span, what, hint)
                };
                self.keys.bind(action.get_ref(), written).map_err(place)
            });
            wrongs.extend(bound.err());
        }
        let Some((action, (what, hint))) = self.keys.clash() else { return Ok(()) };
        let place = table.iter().find(|(name, _)| name.get_ref() == action).map(|(_, key)| key.span());
        Err(Wrong { span: place, what, hint: Some(hint) })
    }
}

/// One of a few names.
fn of_few<T>(value: &Spanned<DeValue<'_>>, names: &[&str], named: impl Fn(&str) -> Option<T>) -> Result<T, Wrong> {
    let written = text(value)?;
    named(written).ok_or_else(|| {
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Wrong::new(value.span(), format!("`{written}` is none of them"), suggest(written, &names))
    })
}

fn text<'v>(value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, Wrong> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(Wrong::new(value.span(), "this is to be a text", "put it into quotes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::ACTIONS;

    fn refused(text: &str) -> String {
        Settings::parse(text, "config.toml").unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_says_something_is_understood() {
        let text = "theme = \"16\"\nroom = \"latency\"\ngrafana_url = \"http://localhost:3000\"\n[keys]\nquit = \"Q\"\npause = \"f5\"\n";
        let settings = Settings::parse(text, "config.toml").unwrap();
        assert_eq!((settings.theme, settings.room), (Some(Theme::Sixteen), Some(Room::Latency)));
        let link = settings.link.unwrap();
        assert!(link.is_grafana && link.written == "http://localhost:3000");
        let keys: Vec<String> =
            ACTIONS.iter().filter(|action| ["quit", "pause"].contains(&action.name)).map(|action| settings.keys.key(action)).collect();
        assert_eq!(keys, ["F5", "Q"]);
        assert_eq!(Settings::parse("", "config.toml"), Ok(Settings::default()));
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place_and_the_way_out() {
        let text = "theme = \"drak\"\nroom = 3\ncolour = \"red\"\ntrace_url = \"http://t/\"\n[keys]\nquit = \"enter\"\npeek = \"P\"\nzoom-in = \"Z\"\n";
        let told = [
            "config.toml:1:9: `drak` is none of them (did you mean `dark`?)",
            "config.toml:2:8: this is to be a text (put it into quotes)",
            "config.toml:3:1: unknown key `colour` (known here: theme, room, trace_url, grafana_url, keys)",
            "config.toml:4:13: the address lacks {trace_id}: write it as in http://localhost:3000/trace/{trace_id}",
            "config.toml:6:8: `enter` is needed as it is: rooms, lists and texts have it (choose another key)",
            "config.toml:7:1: there is no action `peek` (did you mean `peak`?)",
            "config.toml:8:11: `Z` is the key of zoom-out as well (choose another, or give zoom-out another key)",
        ];
        assert_eq!(refused(text), told.join("\n"));
        assert!(refused("grafana_url = \"http://me:secret@g/\"").contains("1:15: a name or a password has no place in this file"));
        let both = "trace_url = \"http://t/{trace_id}\"\ngrafana_url = \"http://g/\"";
        assert!(refused(both).starts_with("config.toml:2:1: trace IDs can lead to one place only"), "{}", refused(both));
        assert!(refused("theme = ").starts_with("config.toml:1:"));
        assert!(!refused("grafana_url = \"http://me:secret@g/\"").contains("secret"));
    }
}
