//! From the bytes of a file to its text.

use crate::scenario::refusal::{Refusal, Refusals, Wrong};

/// In bytes. A scenario is a page or two; what is larger was given by mistake.
pub const LARGEST: usize = 1024 * 1024;

/// The text of a scenario file; of a file that is too large, its first bytes beyond [`LARGEST`] are enough.
///
/// # Errors
/// When it is no text, or larger than any scenario.
pub fn text(bytes: Vec<u8>, origin: &str) -> Result<String, Refusals> {
    let refused = |place, what: &str, hint: String| {
        Refusals(vec![Refusal { origin: origin.to_owned(), place, what: what.to_owned(), hint: Some(hint) }])
    };
    if bytes.len() > LARGEST {
        return Err(refused(None, "no scenario is as large", format!("write {LARGEST} bytes at most")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let upto = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..upto).unwrap_or_default());
        let here = Wrong::new(upto..upto, "", "").at(origin, &before);
        refused(here.place, "this is no UTF-8 text", "save the file as UTF-8; if it is no scenario, name one that is".to_owned())
    })
}
