//! Texts with places for what is known only when a service starts.

const PORT: &str = "{port}";
const URL: &str = "{url:";

/// A text in which `{port}` stands for the service's port and `{url:NAME}` for another's URL. Other braces are themselves, so that
/// JSON and the like pass unharmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Every text is one.
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.0
    }

    /// Whether it has a place for the port.
    pub fn has_port(&self) -> bool {
        self.0.contains(PORT)
    }

    /// What is in braces and looks like a misspelt place, such as `prot`, and what was meant. In anything but a URL, braces may well be
    /// there for the program, so only the same letters in another order or case, or one more or less, are taken for a slip.
    pub(super) fn misspelt(&self, is_url: bool) -> Option<(&str, &'static str)> {
        self.0.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).find_map(|name| {
            let (place, known) = match name.split_once(':') {
                Some((place, _)) => (place, "url"),
                None if name == "url" => return Some((name, "{url:NAME}")),
                None => (name, "port"),
            };
            let slipped = place != known && (is_url || is_slip(place, known));
            slipped.then_some((name, if known == "url" { "{url:NAME}" } else { PORT }))
        })
    }

    /// The services whose URLs it asks for, in order of appearance.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.0.split(URL).skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
    }

    /// The text with everything in its place; a service that `url` does not know stays as it is.
    pub fn fill<'u>(&self, port: u16, url: impl Fn(&str) -> Option<&'u str>) -> String {
        let mut filled = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once(URL) {
            filled.push_str(before);
            match after.split_once('}').and_then(|(name, after)| Some((url(name)?, after))) {
                Some((url, after)) => {
                    filled.push_str(url.trim_end_matches('/'));
                    rest = after;
                }
                None => {
                    filled.push_str(URL);
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        filled.replace(PORT, &port.to_string())
    }
}

/// Whether a word was to be another one: its letters in another order or case, or one letter too many or too few.
fn is_slip(written: &str, meant: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let (written, meant) = (sorted(written), sorted(meant));
    let (short, long) = if written.len() < meant.len() { (&written, &meant) } else { (&meant, &written) };
    match long.len() - short.len() {
        0 => short == long,
        1 => (0..long.len()).any(|left_out| short.iter().eq(long.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, one)| one))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slip_is_taken_for_one() {
        let misspelt = |text: &str| Pattern::new(text).misspelt(false).map(|(_, meant)| meant);
        for slip in ["{prot}", "--port={PORT}", "{Port}", "x{por}", "{ports}", "{port} {prot}"] {
            assert_eq!(misspelt(slip), Some("{port}"), "{slip}");
        }
        for slip in ["{ulr:a}", "{URL:a}/x", "{urls:a}", "{url}"] {
            assert_eq!(misspelt(slip), Some("{url:NAME}"), "{slip}");
        }
        for own in ["{port}", "{url:a}", "{sort}", "{post}", "{}", "{\"port\": {port}}", "{print $1}", "{0:x}", "{ port", "${PID}"] {
            assert_eq!(misspelt(own), None, "{own}");
        }
        assert_eq!(Pattern::new("http://h:{number}").misspelt(true), Some(("number", "{port}")));
    }

    #[test]
    fn what_is_known_takes_its_place_and_other_braces_stay() {
        let pattern = Pattern::new("--port {port} --to {url:b}/x {\"a\": {}} {url:c} {url:");
        assert_eq!(pattern.services().collect::<Vec<_>>(), ["b", "c"]);
        let filled = pattern.fill(7, |name| (name == "b").then_some("http://h:1/"));
        assert_eq!(filled, "--port 7 --to http://h:1/x {\"a\": {}} {url:c} {url:");
    }
}
