//! All that is wrong with a file at once.
//!
//! The readers stop at the first thing that they refuse, which keeps them simple. So the file is read again and again: each time the
//! refused place is mended, and the reader comes to the next one. What is refused about a mended place is not told, since it is no
//! longer what the author wrote; nor is what leads to a name that got lost in a mended place.

mod mend;
mod place;
mod syntax;
mod text;

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::plan::unknown_format;
use super::refusal::Wrong;
use mend::Mender;
pub use text::{LARGEST, text};

/// Nobody mends more in one go.
const MOST: usize = 50;
/// Each problem costs one more reading. A large file is read less often, so that the worst one is answered soon as well.
const BYTES_READ: usize = 8 * LARGEST;

/// Reads a document by `read`, which stops at the first problem. `services` are the names that the stack knows.
///
/// # Errors
/// All that is wrong, in the order of the places; at least one thing.
pub(super) fn read_all<'t, T>(
    text: &'t str,
    services: &'t [&'t str],
    read: impl Fn(Spanned<DeTable<'t>>) -> Result<T, Wrong>,
) -> Result<T, Vec<Wrong>> {
    let (document, unquoted) = syntax::parse(text).map_err(|problems| in_order(problems, true))?;
    if let Some(wrong) = unknown_format(document.get_ref()) {
        return Err(vec![wrong]);
    }
    let mut file = File { mender: Mender::new(document, text.len(), services), problems: Vec::new(), refused: HashMap::new() };
    for wrong in unquoted.into_iter().take(MOST) {
        file.mend(wrong);
    }
    let mut all = false;
    for _ in 0..(BYTES_READ / text.len().max(1)).clamp(8, 4 * MOST) {
        match read(file.mender.document()) {
            Ok(read) if file.problems.is_empty() => return Ok(read),
            Ok(_) => {
                all = true;
                break;
            }
            Err(wrong) => {
                if !file.mend(wrong) || file.problems.len() == MOST {
                    break;
                }
            }
        }
    }
    Err(in_order(file.problems, all))
}

/// Not more than anybody mends, and a word about it where these are not `all`.
fn in_order(mut problems: Vec<Wrong>, all: bool) -> Vec<Wrong> {
    problems.sort_by_key(|wrong| wrong.span.as_ref().map(|span| span.start));
    let more = !all || problems.len() > MOST;
    problems.truncate(MOST);
    if more && let Some(span) = problems.last().map(|wrong| wrong.span.clone()) {
        problems.push(Wrong { span, what: "there may be more".to_owned(), hint: Some("mend these first".to_owned()) });
    }
    problems
}

/// A file that is being mended, and what had to be.
struct File<'t> {
    mender: Mender<'t>,
    problems: Vec<Wrong>,
    /// How often something was refused in a place.
    refused: HashMap<Option<Range<usize>>, usize>,
}

impl File<'_> {
    /// Takes note of what is wrong, and mends it. Whether that changed anything.
    fn mend(&mut self, mut wrong: Wrong) -> bool {
        let times = self.refused.entry(wrong.span.clone()).or_default();
        *times += 1;
        let times = *times;
        let Some(place) = self.mender.find(wrong.span.as_ref()) else {
            self.problems.push(wrong);
            return false;
        };
        if self.mender.is_mended(wrong.span.as_ref()) {
            return self.mender.remove(&place, times);
        }
        self.mender.word(&mut wrong, &place);
        if self.problems.contains(&wrong) {
            return self.mender.remove(&place, times);
        }
        let follows = wrong.leads_nowhere() && self.mender.lost_a_name
            || wrong.is_of_no_use() && self.problems.iter().any(|problem| !problem.is_of_no_use());
        if !follows {
            self.problems.push(wrong.clone());
        }
        self.mender.mend(&wrong)
    }
}

#[cfg(test)]
mod tests;
