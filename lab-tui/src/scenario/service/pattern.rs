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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_takes_its_place_and_other_braces_stay() {
        let pattern = Pattern::new("--port {port} --to {url:b}/x {\"a\": {}} {url:c} {url:");
        assert_eq!(pattern.services().collect::<Vec<_>>(), ["b", "c"]);
        let filled = pattern.fill(7, |name| (name == "b").then_some("http://h:1/"));
        assert_eq!(filled, "--port 7 --to http://h:1/x {\"a\": {}} {url:c} {url:");
    }
}
