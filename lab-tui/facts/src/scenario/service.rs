//! `[[service]]`: a program of the author's, which the lab starts for the scenario, drives, judges and ends.

mod command;
mod pattern;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use url::Url;

pub use pattern::Pattern;

use self::command::CommandLine;
use super::plan::optional_duration;
use super::refusal::{Wrong, suggest};

const READY: Duration = Duration::from_secs(30);

/// Names that signals have already.
const RESERVED: [&str; 2] = ["lab", "postgres"];

/// A program that runs for as long as the scenario does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Unique beside the stack's own; its `service.name`.
    pub name: String,
    /// Program and arguments; at least the program.
    pub command: Vec<Pattern>,
    /// Its environment, beside what the lab says and the few variables that are kept.
    pub env: BTreeMap<String, Pattern>,
    /// Its working folder, from the scenario's own; `None` is that folder itself.
    pub dir: Option<String>,
    /// Where its requests go; nothing can be sent to it without.
    pub url: Option<Pattern>,
    /// What must answer 2xx or 3xx before the scenario begins. Without it, a connection to `url` is enough.
    pub ready: Option<Pattern>,
    /// How long it may take until then.
    pub ready_timeout: Duration,
    /// Its page of metrics for Prometheus.
    pub metrics: Option<Pattern>,
}

/// Why words of a command line are no service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoService {
    /// The one to blame, as a [[service]] calls it: `command`, `url` or `ready`.
    pub word: &'static str,
    /// What is wrong with it.
    pub what: String,
    /// The way out.
    pub hint: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTable {
    name: Spanned<String>,
    command: Spanned<CommandLine>,
    #[serde(default)]
    env: BTreeMap<Spanned<String>, Spanned<String>>,
    dir: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    ready: Option<Spanned<String>>,
    ready_timeout: Option<Spanned<String>>,
    metrics: Option<Spanned<String>>,
}

impl Service {
    /// A service as a command line names it: one line for the program, split as a shell would, and where its requests go.
    ///
    /// # Errors
    /// Which of the words cannot be, why, and the way out.
    pub fn from_line(name: &str, line: &str, url: Option<&str>, ready: Option<&str>) -> Result<Self, NoService> {
        // There is no file to have a place in, so the places tell which of the words it is.
        const WORDS: [&str; 3] = ["command", "url", "ready"];
        let told = |Wrong { span, what, hint }: Wrong| {
            let word = span.and_then(|span| WORDS.get(span.start)).unwrap_or(&WORDS[0]);
            NoService { word, what, hint: hint.unwrap_or_default() }
        };
        let at = |place: usize| move |text: &str| Spanned::new(place..place, text.to_owned());
        let table = ServiceTable {
            name: at(0)(name),
            command: Spanned::new(0..0, CommandLine::Line(line.to_owned())),
            env: BTreeMap::new(),
            dir: None,
            url: url.map(at(1)),
            ready: ready.map(at(2)),
            ready_timeout: None,
            metrics: None,
        };
        let service = read(table, &[]).map_err(told)?;
        check_references(&service, 0..0, &[]).map_err(told)?;
        Ok(service)
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.command.iter().chain(self.env.values()).chain(&self.url).chain(&self.ready).chain(&self.metrics)
    }
}

/// Reads every [[service]] of a file. `of_the_stack` are the services that are there already; others may be, where these are not `all`.
pub(super) fn read_all(
    tables: Vec<Spanned<ServiceTable>>,
    beside: Option<&Service>,
    of_the_stack: &[&str],
    all: bool,
) -> Result<Vec<Service>, Wrong> {
    let mut services: Vec<Service> = beside.cloned().into_iter().collect();
    let mut places = vec![0..0; services.len()];
    for table in tables {
        let place = table.get_ref().name.span();
        let service = read(table.into_inner(), of_the_stack)?;
        if services.iter().any(|other| other.name == service.name) {
            return Err(Wrong::new(place, format!("a second service is named `{}`", service.name), "give each its own name"));
        }
        services.push(service);
        places.push(place);
    }
    // Services may name each other in any order: all addresses are known before the first one starts.
    let with_url = services.iter().filter(|service| service.url.is_some()).map(|service| service.name.as_str());
    let known: Vec<&str> = of_the_stack.iter().copied().chain(with_url).collect();
    for (service, place) in services.iter().zip(places).filter(|_| all) {
        check_references(service, place, &known)?;
    }
    Ok(services)
}

fn read(table: ServiceTable, of_the_stack: &[&str]) -> Result<Service, Wrong> {
    let misnamed = |Misnamed { what, hint }| Wrong::new(table.name.span(), what, hint);
    check_service_name(table.name.get_ref(), of_the_stack).map_err(misnamed)?;
    let command = command::words(&table.command)?;
    command.iter().try_for_each(|word| check_places(word, false, table.command.span()))?;
    let mut env = BTreeMap::new();
    for (key, value) in table.env {
        if key.get_ref().is_empty() || key.get_ref().contains(['=', '\0']) {
            return Err(Wrong::new(
                key.span(),
                format!("`{}` is no name of a variable", key.get_ref()),
                "write it as in `env = { PORT = \"{port}\" }`",
            ));
        }
        env.insert(key.into_inner(), pattern(&value)?);
    }
    if let Some(dir) = table.dir.as_ref().filter(|dir| dir.get_ref().is_empty() || dir.get_ref().contains('\0')) {
        return Err(Wrong::new(dir.span(), "this is no folder", "write one from the scenario's own, or leave `dir` out"));
    }
    let url = table.url.as_ref().map(base_url).transpose()?;
    let ready = table.ready.as_ref().map(address).transpose()?;
    if let (Some(timeout), None, None) = (&table.ready_timeout, &ready, &url) {
        return Err(Wrong::new(timeout.span(), "there is nothing to wait for", "add `ready` or `url`, or leave `ready_timeout` out"));
    }
    Ok(Service {
        command,
        env,
        dir: table.dir.map(Spanned::into_inner),
        url,
        ready,
        ready_timeout: optional_duration(table.ready_timeout.as_ref())?.unwrap_or(READY),
        metrics: table.metrics.as_ref().map(address).transpose()?,
        name: table.name.into_inner(),
    })
}

/// Why a service cannot be called that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// What is wrong with the name.
    pub what: String,
    /// The way out.
    pub hint: &'static str,
}

/// Whether a service can be called that, beside those of the stack.
///
/// # Errors
/// When it cannot.
pub fn check_service_name(name: &str, of_the_stack: &[&str]) -> Result<(), Misnamed> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let refused = |what: String, hint| Err(Misnamed { what, hint });
    if name.is_empty() || !name.chars().all(plain) {
        return refused(format!("`{name}` cannot be a service's name"), "write letters, digits, `-`, `_` and `.`");
    }
    if RESERVED.contains(&name) {
        return refused(format!("`{name}` is taken by the lab's own"), "give it another name");
    }
    if of_the_stack.contains(&name) {
        return refused(format!("`{name}` is taken by a service of the stack"), "give it another name");
    }
    Ok(())
}

fn pattern(text: &Spanned<String>) -> Result<Pattern, Wrong> {
    if text.get_ref().contains('\0') {
        return Err(Wrong::new(text.span(), "no program takes a NUL", "leave it out"));
    }
    let pattern = Pattern::new(text.get_ref());
    check_places(&pattern, false, text.span())?;
    Ok(pattern)
}

fn check_places(pattern: &Pattern, is_url: bool, span: std::ops::Range<usize>) -> Result<(), Wrong> {
    match pattern.misspelt(is_url) {
        Some((name, meant)) => Err(Wrong::new(span, format!("`{{{name}}}` stands for nothing"), format!("did you mean `{meant}`?"))),
        None => Ok(()),
    }
}

/// Where requests go: to it, a request's path is added.
fn base_url(text: &Spanned<String>) -> Result<Pattern, Wrong> {
    let url = address(text)?;
    if url.source().contains(['?', '#']) {
        return Err(Wrong::new(text.span(), "parameters belong to the requests", "write the URL without them"));
    }
    if let Some(name) = url.services().next() {
        return Err(Wrong::new(
            text.span(),
            format!("`{{url:{name}}}` cannot be a part of `url`"),
            "write host and port, as in \"http://127.0.0.1:{port}\"",
        ));
    }
    Ok(url)
}

/// A whole URL, once its placeholders are filled.
fn address(text: &Spanned<String>) -> Result<Pattern, Wrong> {
    let pattern = pattern(text)?;
    check_places(&pattern, true, text.span())?;
    let filled = Url::parse(&pattern.fill(1, |_| Some("http://127.0.0.1:1")));
    let hint = "write http://127.0.0.1:{port} or the like";
    match filled {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(Wrong::new(text.span(), format!("`{}` is neither http:// nor https://", text.get_ref()), hint))
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err(Wrong::new(text.span(), "a URL with a password in it would be shown", "send it in a header, or leave it out"))
        }
        Ok(_) => Ok(pattern),
        Err(error) => Err(Wrong::new(text.span(), format!("`{}` is no URL: {error}", text.get_ref()), hint)),
    }
}

fn check_references(service: &Service, place: std::ops::Range<usize>, known: &[&str]) -> Result<(), Wrong> {
    for name in service.patterns().flat_map(Pattern::services) {
        // Its own address it may know as well.
        let is_its_own = name == service.name && service.url.is_some();
        if !known.contains(&name) && !is_its_own {
            let what = format!("`{}` asks for `{{url:{name}}}`, and no service of that name has a URL", service.name);
            return Err(Wrong::new(place, what, suggest(name, known)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
