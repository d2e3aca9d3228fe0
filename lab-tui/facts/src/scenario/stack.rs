//! Where a scenario's system runs, and what it may therefore ask for.

use toml::Spanned;
use toml::de::DeValue;

use super::file::LoadTable;
use super::refusal::{Wrong, nearest, suggest};
use super::service::Service;
use super::vars::Files;

/// Where the system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StackKind {
    /// The lab's own services and database, as child processes of the lab.
    #[default]
    Embedded,
    /// Somewhere already, before the lab came and after it goes: the user says where. The lab drives it, looks at it and changes nothing.
    Attach,
    /// Nowhere in the lab's hands: requests go to whole URLs, or to services that the scenario brings along.
    None,
}

impl StackKind {
    const NAMES: [&str; 3] = ["embedded", "attach", "none"];

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Embedded, Self::Attach, Self::None].into_iter().find(|kind| kind.name() == name)
    }

    /// As files and flags call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Attach => "attach",
            Self::None => "none",
        }
    }
}

/// What a scenario meets beside its own words: the lab's services, and what the user said when it was started.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The services that the embedded stack brings along.
    pub services: &'a [&'a str],
    /// The services that the user attached; `None` where nobody knows yet, so that any name may be one.
    pub attached: Option<&'a [String]>,
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
    stack: StackKind,
    given: &'a Given<'a>,
    own: &'a [Service],
    /// What loads name, where it is not known what they may.
    presumed: &'a [String],
}

/// The names of services that signals can be asked of.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServiceNames<'a> {
    pub(super) known: &'a [&'a str],
    /// Others may be as good: what an attached service calls is seen by its telemetry alone.
    pub(super) are_all: bool,
    /// The user attaches them.
    pub(super) attached: bool,
}

impl ServiceNames<'_> {
    pub(super) fn lack(&self, name: &str) -> bool {
        self.are_all && !self.known.contains(&name)
    }

    /// The way out for who wants that name.
    pub(super) fn hint(&self, name: &str) -> String {
        match nearest(name, self.known) {
            None if self.attached => format!("add `--service {name}=http://HOST:PORT`"),
            _ => suggest(name, self.known),
        }
    }
}

/// The stack: the user's word comes first, then the file's.
pub(super) fn choose(given: &Given<'_>, written: Option<&Spanned<String>>) -> Result<StackKind, Wrong> {
    let written = match written.map(|name| (name, name.get_ref().as_str())) {
        None => None,
        Some((place, name)) => {
            let unknown = || Wrong::new(place.span(), format!("unknown stack `{name}`"), suggest(name, &StackKind::NAMES));
            Some(StackKind::named(name).ok_or_else(unknown)?)
        }
    };
    Ok(given.stack.or(written).unwrap_or(given.default_stack))
}

impl<'a> Ground<'a> {
    pub(super) fn new(stack: StackKind, given: &'a Given<'a>, own: &'a [Service], presumed: &'a [String]) -> Self {
        Self { stack, given, own, presumed }
    }

    /// The services that belong to the lab; only these can be asked to disturb themselves.
    pub(super) fn of_the_lab(&self) -> &'a [&'a str] {
        if self.stack == StackKind::Embedded { self.given.services } else { &[] }
    }

    fn of_the_stack(&self) -> Vec<&'a str> {
        let presumed = self.presumed.iter().map(String::as_str);
        let presumed = presumed.filter(|_| !are_all_known(self.stack, self.given));
        of_the_stack(self.stack, self.given).into_iter().chain(presumed).collect()
    }

    /// The services that requests can go to.
    pub(super) fn reachable(&self) -> Vec<&'a str> {
        let own = self.own.iter().filter(|service| service.url.is_some()).map(|service| service.name.as_str());
        self.of_the_stack().into_iter().chain(own).collect()
    }

    /// The services that have signals.
    pub(super) fn named(&self) -> Vec<&'a str> {
        self.of_the_stack().into_iter().chain(self.own.iter().map(|service| service.name.as_str())).collect()
    }

    /// Those of `named` that can have log lines and spans.
    pub(super) fn with_lines<'n>(&self, named: &'n [&'n str]) -> ServiceNames<'n> {
        let attached = self.stack == StackKind::Attach;
        ServiceNames { known: named, are_all: !attached, attached }
    }

    /// Those of `named` that can have metrics.
    pub(super) fn with_metrics<'n>(&self, named: &'n [&'n str]) -> ServiceNames<'n> {
        let attached = self.stack == StackKind::Attach;
        ServiceNames { known: named, are_all: are_all_known(self.stack, self.given), attached }
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
            None if self.stack == StackKind::Attach && !self.of_the_stack().contains(&name) => Err(Wrong::new(
                service.span(),
                format!("the stack is `attach`, and nothing is attached as `{name}`"),
                format!("add `--service {name}=http://HOST:PORT`"),
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
            if self.stack == StackKind::Attach && ["service.", "db.", "dice."].iter().any(|layer| kind.starts_with(layer)) {
                let what = format!("`{kind}` would disturb what is not the lab's own, and the stack is `attach`");
                return Err(Wrong::new(place, what, "run it on the embedded stack, or leave the fault out"));
            }
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

/// Whether no other services can be there than those that are known.
pub(super) fn are_all_known(stack: StackKind, given: &Given<'_>) -> bool {
    stack != StackKind::Attach || given.attached.is_some()
}

/// The services that are there on this stack, whatever a scenario brings along.
pub(super) fn of_the_stack<'a>(stack: StackKind, given: &Given<'a>) -> Vec<&'a str> {
    match stack {
        StackKind::Embedded => given.services.to_vec(),
        StackKind::Attach => given.attached.unwrap_or_default().iter().map(String::as_str).collect(),
        StackKind::None => Vec::new(),
    }
}
