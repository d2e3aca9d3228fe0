//! `[[fault]]`: a disturbance with a beginning and an end.
//!
//! Each kind is a file of its own: its keys, what is refused about them, and what it does in a few words. A new one is a file here,
//! a line in [`kinds!`], and the file in the room `fault` that brings it about. Whoever begins faults by hand has it then as well.

mod affected;
mod check;
mod db_lock;
mod dice_error_rate;
mod service_error;
mod service_latency;
mod typed;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer};
use toml::{Spanned, Value};

pub use affected::Affected;
pub use db_lock::DbLock;
pub use dice_error_rate::DiceErrorRate;
pub use service_error::ServiceError;
pub use service_latency::ServiceLatency;
pub use typed::{FaultForm, FaultKey, Mistyped, forms, stepped_time, typed_duration};

use super::plan::{LONGEST, parse_duration};
use super::refusal::{Wrong, suggest};

/// A disturbance of the system. Displays as what it does: `locks die_specifications`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Unique in the plan; thresholds and reports call it so.
    pub name: String,
    /// From the start of the run; before the last load's end.
    pub at: Duration,
    /// Above 0.
    pub duration: Duration,
    /// What is disturbed, and how.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Fault {
    /// Longer than any run goes on: what lasts so long ends by hand, or with the run.
    pub const UNTIL_ENDED: Duration = LONGEST;

    /// When it is wanted to be over, from the start of the run.
    pub fn end(&self) -> Duration {
        self.at + self.duration
    }

    /// What this fault and another one cannot disturb at the same time, if there is such a thing.
    pub fn exclusive_with(&self, other: &Self) -> Option<String> {
        self.kind.exclusive().filter(|_| self.kind.exclusive() == other.kind.exclusive())
    }
}

/// What every kind of fault says of itself. Displayed, it says what it does.
trait Kind: Sized + fmt::Display {
    /// As the file calls it.
    const NAME: &'static str;

    /// The keys that this kind adds to those that all have. Unknown ones are refused by serde.
    type Keys: DeserializeOwned;

    /// From keys of the right types to a fault that can be brought about. `services` are the names that the stack knows.
    fn check(keys: Self::Keys, services: &[&str]) -> Result<Self, Wrong>;

    /// Its keys as a file says them, without those that say the default.
    fn keys(&self) -> Vec<(&'static str, Value)>;

    /// What it means that nothing met it, in a few words.
    fn untouched(&self) -> String;

    /// What no other fault may disturb in the same way at the same time, because the two could not be undone apart.
    fn exclusive(&self) -> Option<String> {
        None
    }
}

macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        /// What is disturbed, and how. One variant a kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum FaultKind {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        impl FaultKind {
            pub(super) const NAMES: &[&str] = &[$($kind::NAME),+];

            /// As the file calls it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $kind::NAME,)+
                }
            }

            /// Its keys as a file says them, without those that say the default.
            pub fn keys(&self) -> Vec<(&'static str, Value)> {
                match self {
                    $(Self::$kind(kind) => kind.keys(),)+
                }
            }

            /// What it means that nothing met it, in a few words.
            pub fn untouched(&self) -> String {
                match self {
                    $(Self::$kind(kind) => kind.untouched(),)+
                }
            }

            fn exclusive(&self) -> Option<String> {
                match self {
                    $(Self::$kind(kind) => kind.exclusive(),)+
                }
            }

            fn read(name: &Spanned<String>, keys: Spanned<DeTable<'_>>, services: &[&str]) -> Result<Self, Wrong> {
                match name.get_ref().as_str() {
                    $($kind::NAME => Ok(Self::$kind($kind::check(read_keys(keys)?, services)?)),)+
                    unknown => Err(Wrong::new(name.span(), format!("unknown kind of fault `{unknown}`"), suggest(unknown, Self::NAMES))),
                }
            }
        }

        impl fmt::Display for FaultKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(kind) => kind.fmt(f),)+
                }
            }
        }
    };
}

kinds!(DiceErrorRate, DbLock, ServiceError, ServiceLatency);

/// The keys that every fault has.
#[derive(Debug, Deserialize)]
struct Head {
    name: Spanned<String>,
    /// Read before; here so that it is missed.
    #[serde(rename = "kind")]
    _kind: String,
    at: Spanned<String>,
    duration: Spanned<String>,
}

/// As in [`Head`].
const COMMON: [&str; 4] = ["name", "kind", "at", "duration"];

fn read_keys<T: DeserializeOwned>(keys: Spanned<DeTable<'_>>) -> Result<T, Wrong> {
    T::deserialize(Deserializer::from(keys)).map_err(|error| Wrong::in_table(&error, &COMMON))
}

/// Reads all of `fault = […]`. `longest` is when the last load ends.
pub(super) fn read_all(value: Spanned<DeValue<'_>>, services: &[&str], longest: Duration) -> Result<Vec<Fault>, Wrong> {
    let span = value.span();
    let DeValue::Array(tables) = value.into_inner() else {
        return Err(Wrong::new(span, "`fault` is no list of tables", "write it as [[fault]]"));
    };
    let mut faults: Vec<Fault> = Vec::new();
    for value in tables {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            return Err(Wrong::new(span, "a fault is a table", "write it as [[fault]]"));
        };
        let (place, fault) = read(Spanned::new(span, table), services, longest)?;
        let at = |what: String, hint: &str| Err(Wrong::new(place.clone(), what, hint));
        if faults.iter().any(|other| other.name == fault.name) {
            return at(format!("a second fault is named `{}`", fault.name), "give each its own name");
        }
        let overlaps = |other: &&Fault| fault.at < other.end() && other.at < fault.end();
        if let Some((other, what)) = faults.iter().filter(overlaps).find_map(|other| Some((other, fault.exclusive_with(other)?))) {
            return at(format!("`{}` disturbs {what} while `{}` does", fault.name, other.name), "let one begin when the other has ended");
        }
        faults.push(fault);
    }
    Ok(faults)
}

/// One fault, and where its name stands.
fn read(mut table: Spanned<DeTable<'_>>, services: &[&str], longest: Duration) -> Result<(std::ops::Range<usize>, Fault), Wrong> {
    let mut head = DeTable::new();
    for key in COMMON {
        if let Some((key, value)) = table.get_mut().remove_entry(key) {
            head.insert(key, value);
        }
    }
    // A misspelt key shows as one too many and one too few; the first says more.
    let named = head.get("kind").and_then(|kind| Some(Spanned::new(kind.span(), kind.get_ref().as_str()?.to_owned())));
    let span = table.span();
    let kind = named.map(|named| FaultKind::read(&named, table, services)).transpose()?;
    let head: Head = read_keys(Spanned::new(span.clone(), head))?;
    // A kind that is missing or no string was refused by the line above.
    let Some(kind) = kind else { return Err(Wrong::new(span, "the key `kind` is missing here", suggest("", FaultKind::NAMES))) };
    if head.name.get_ref().trim().is_empty() {
        return Err(Wrong::new(head.name.span(), "a fault needs a name", "thresholds and reports call it so"));
    }
    let at = moment(&head.at)?;
    if at >= longest {
        let what = format!("`{}` begins when the last load is over (after {})", head.name.get_ref(), humantime::format_duration(longest));
        return Err(Wrong::new(head.at.span(), what, "let it begin earlier"));
    }
    let duration = parse_duration(&head.duration)?;
    Ok((head.name.span(), Fault { name: head.name.into_inner(), at, duration, kind }))
}

/// Like a duration, but may be zero.
pub(super) fn moment(text: &Spanned<String>) -> Result<Duration, Wrong> {
    match humantime::parse_duration(text.get_ref()) {
        Ok(moment) if moment <= LONGEST => Ok(moment),
        _ => {
            Err(Wrong::new(text.span(), format!("`{}` is no time", text.get_ref()), "write a time such as \"0s\" or \"12s\", up to 7 days"))
        }
    }
}
