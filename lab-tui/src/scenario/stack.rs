//! Where a scenario's system runs, and what it may therefore ask for.

use toml::Spanned;
use toml::de::DeValue;

use super::file::LoadTable;
use super::refusal::{Wrong, suggest};
use super::service::Service;
use super::vars::Files;

/// Where the system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StackKind {
    /// The lab's own services and database, as child processes of the lab.
    #[default]
    Embedded,
    /// Nowhere in the lab's hands: requests go to whole URLs, or to services that the scenario brings along.
    None,
}

impl StackKind {
    const NAMES: [&str; 2] = ["embedded", "none"];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Embedded, Self::None].into_iter().find(|kind| kind.name() == name)
    }

    /// As files and flags call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::None => "none",
        }
    }
}

/// What a scenario meets beside its own words: the lab's services, and what the user said when it was started.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The services that the embedded stack brings along.
    pub services: &'a [&'a str],
    /// The stack that the user insists on; else the scenario's word counts, else [`Self::default_stack`].
    pub stack: Option<StackKind>,
    /// Where nobody says anything.
    pub default_stack: StackKind,
    /// A service that the user named beside the file, in the words of a [[service]].
    pub beside: Option<&'a Service>,
    /// Gives the files that the scenario names; without it, it lies in no folder and there are none.
    pub files: Option<&'a Files<'a>>,
}

/// What is there on the stack that was chosen.
pub(super) struct Ground<'a> {
    pub(super) stack: StackKind,
    given: &'a Given<'a>,
    own: &'a [Service],
}

/// The stack: the user's word comes first, then the file's.
pub(super) fn choose(given: &Given<'_>, written: Option<&Spanned<String>>) -> Result<StackKind, Wrong> {
    let written = match written.map(|name| (name, name.get_ref().as_str())) {
        None => None,
        Some((_, "embedded")) => Some(StackKind::Embedded),
        Some((_, "none")) => Some(StackKind::None),
        Some((place, unknown)) => {
            return Err(Wrong::new(place.span(), format!("unknown stack `{unknown}`"), suggest(unknown, &StackKind::NAMES)));
        }
    };
    Ok(given.stack.or(written).unwrap_or(given.default_stack))
}

impl<'a> Ground<'a> {
    pub(super) fn new(stack: StackKind, given: &'a Given<'a>, own: &'a [Service]) -> Self {
        Self { stack, given, own }
    }

    /// The services that belong to the lab; only these can be asked to disturb themselves.
    pub(super) fn of_the_lab(&self) -> &'a [&'a str] {
        of_the_lab(self.stack, self.given)
    }

    /// The services that requests can go to.
    pub(super) fn reachable(&self) -> Vec<&'a str> {
        let own = self.own.iter().filter(|service| service.url.is_some()).map(|service| service.name.as_str());
        self.of_the_lab().iter().copied().chain(own).collect()
    }

    /// Whether there is what a load's `service` names. A name that nobody knows is refused where the load is read.
    pub(super) fn check_load(&self, load: &LoadTable) -> Result<(), Wrong> {
        let Some(service) = &load.service else { return Ok(()) };
        let name = service.get_ref().as_str();
        match self.own.iter().find(|own| own.name == name) {
            Some(own) if own.url.is_none() => {
                Err(Wrong::new(service.span(), format!("the service `{name}` has no `url`"), "add one, so that requests can go there"))
            }
            None if self.stack == StackKind::None && self.given.services.contains(&name) => Err(Wrong::new(
                service.span(),
                format!("`{name}` belongs to the embedded stack, and the stack is `none`"),
                "run it on the embedded stack, or send requests to whole URLs or to a [[service]]",
            )),
            _ => Ok(()),
        }
    }

    /// Whether there is what the faults of a file disturb. What is no fault at all is refused where faults are read.
    pub(super) fn check_faults(&self, faults: &Spanned<DeValue<'_>>) -> Result<(), Wrong> {
        let DeValue::Array(faults) = faults.get_ref() else { return Ok(()) };
        for fault in faults {
            let DeValue::Table(fault) = fault.get_ref() else { continue };
            let word = |key: &str| fault.get(key).and_then(|value| Some((value.span(), value.get_ref().as_str()?.to_owned())));
            let Some((place, kind)) = word("kind") else { continue };
            if self.stack == StackKind::None && (kind.starts_with("db.") || kind.starts_with("dice.")) {
                let what = format!("`{kind}` disturbs the embedded stack's database, and the stack is `none`");
                return Err(Wrong::new(place, what, "run it on the embedded stack, or leave the fault out"));
            }
            let Some((place, service)) = word("service").filter(|_| kind.starts_with("service.")) else { continue };
            if self.own.iter().any(|own| own.name == service) || self.stack == StackKind::None {
                let what = format!("`{kind}` is for the embedded stack's own services, and `{service}` is none here");
                return Err(Wrong::new(place, what, "leave the fault out"));
            }
        }
        Ok(())
    }
}

/// The services that belong to the lab on this stack.
pub(super) fn of_the_lab<'a>(stack: StackKind, given: &Given<'a>) -> &'a [&'a str] {
    match stack {
        StackKind::Embedded => given.services,
        StackKind::None => &[],
    }
}
