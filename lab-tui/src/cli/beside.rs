//! `--stack`, `--exec` and what goes with it: what the user says beside the scenario's file, or in its place.

use std::time::Duration;

use clap::Args;
use lab_facts::scenario::{Given, NoService, Plan, Service, StackKind};
use lab_instrument::stack::embedded::SERVICES;

/// The name under which scenarios know the program of `--exec`.
pub(crate) const APP: &str = "app";

#[derive(Debug, Args)]
pub(crate) struct ExecFlags {
    /// Start this program and end it with the run; scenarios know it as the service `app`. Split as a shell would; `{port}` is a free port
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Where its requests go, such as http://127.0.0.1:{port}/path; a scenario adds its own paths
    #[arg(long, value_name = "URL", requires = "exec")]
    url: Option<String>,
    /// What must answer 2xx or 3xx before the run begins; else a connection to --url is enough
    #[arg(long, value_name = "URL", requires = "exec")]
    ready: Option<String>,
    /// Requests a second, where there is no FILE
    #[arg(long, value_name = "RATE", requires = "exec", value_parser = rate)]
    rate: Option<f64>,
    /// For how long, where there is no FILE, such as 10s
    #[arg(long, value_name = "TIME", requires = "exec", value_parser = duration)]
    duration: Option<Duration>,
}

/// What was said, understood as far as it can be without a scenario.
pub(crate) struct Beside {
    stack: Option<StackKind>,
    /// The names of the services that are attached.
    attached: Vec<String>,
    app: Option<Service>,
    /// A scenario in place of a file's.
    scenario: Option<String>,
}

impl ExecFlags {
    /// `has_file` is whether the user named a scenario.
    pub(crate) fn read(self, stack: Option<StackKind>, attached: Vec<String>, has_file: bool) -> anyhow::Result<Beside> {
        let Some(line) = self.exec.filter(|line| !line.is_empty()) else {
            return Ok(Beside { stack, attached, app: None, scenario: None });
        };
        if has_file {
            anyhow::ensure!(
                self.rate.is_none() && self.duration.is_none(),
                "--rate and --duration are for a run without a FILE; the scenario says its own"
            );
            return Ok(Beside { stack, attached, app: Some(app(&line, self.url.as_deref(), self.ready.as_deref())?), scenario: None });
        }
        let Some(url) = self.url else {
            anyhow::bail!("--exec without a FILE needs --url, so that it is known where requests go: --url http://127.0.0.1:{{port}}/path")
        };
        let (base, path) = in_two(&url);
        let app = app(&line, Some(base), self.ready.as_deref())?;
        let scenario = scenario(path, self.rate.unwrap_or(50.0), self.duration.unwrap_or(Duration::from_secs(10)));
        Ok(Beside { stack, attached, app: Some(app), scenario: Some(scenario) })
    }
}

impl Beside {
    /// What a scenario is read with.
    pub(crate) fn given(&self) -> Given<'_> {
        let default_stack = if self.app.is_some() { StackKind::None } else { StackKind::default() };
        let attached = Some(self.attached.as_slice());
        Given { services: &SERVICES, attached, stack: self.stack, default_stack, beside: self.app.as_ref(), files: None }
    }

    /// The scenario that stands in a file's place, where one does, as text and as plan.
    pub(crate) fn plan(&self) -> Option<anyhow::Result<(&str, Plan)>> {
        let text = self.scenario.as_ref()?;
        // The place of what is wrong would be in a text that the user has never seen.
        let plan = Plan::parse_given(text, "--url", &self.given()).map_err(|refusals| anyhow::Error::new(refusals.without_places()));
        Some(plan.map(|plan| (text.as_str(), plan)))
    }
}

fn app(line: &str, url: Option<&str>, ready: Option<&str>) -> anyhow::Result<Service> {
    let app = Service::from_line(APP, line, url, ready).map_err(|NoService { word, what, hint }| {
        let flag = if word == "command" { "exec" } else { word };
        anyhow::anyhow!("--{flag}: {what} ({hint})")
    })?;
    // What stands on the command line is meant from where that was written, whatever folder the scenario is in.
    Ok(Service { dir: Some(std::env::current_dir()?.display().to_string()), ..app })
}

/// Scheme, host and port, and what follows them.
fn in_two(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    url.split_at(url[host..].find(['/', '?', '#']).map_or(url.len(), |path| host + path))
}

/// A steady rate, and the promise that hardly any request fails.
fn scenario(path: &str, rate: f64, duration: Duration) -> String {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    // Braces mean nothing here; a string of JSON is one of TOML as well.
    let path = path.replace('{', "{{").replace('}', "}}");
    let get = serde_json::Value::from(path).to_string();
    let duration = humantime::format_duration(duration).to_string().replace(' ', "");
    format!(
        "format = 1\ntitle = \"A steady rate\"\n[[load]]\nname = \"{APP}\"\nexecutor = \"constant-arrival-rate\"\nrate = {rate:?}\n\
         duration = \"{duration}\"\nservice = \"{APP}\"\n[[load.request]]\nget = {get}\n[thresholds]\nhttp_req_failed = [\"rate<0.01\"]\n"
    )
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok(rate),
        _ => Err("write requests a second, above 0 and up to 1000000".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() && duration <= Duration::from_secs(7 * 24 * 3600) => Ok(duration),
        _ => Err("write a time such as 500ms, 30s or 1m30s, up to 7 days".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parted_behind_its_port() {
        for (url, parts) in [
            ("http://127.0.0.1:{port}/a/b?c=d", ("http://127.0.0.1:{port}", "/a/b?c=d")),
            ("http://127.0.0.1:{port}", ("http://127.0.0.1:{port}", "")),
            ("http://h?x", ("http://h", "?x")),
        ] {
            assert_eq!(in_two(url), parts);
        }
    }

    #[test]
    fn the_flag_is_blamed_that_is_wrong() {
        let said = |line: &str, url: &str, ready: Option<&str>| app(line, Some(url), ready).unwrap_err().to_string();
        assert!(said("app", "ftp://h", None).starts_with("--url: `ftp://h` is neither http:// nor https://"));
        assert!(said("app", "http://h", Some("h/health")).starts_with("--ready: `h/health` is no URL"));
        assert!(said("app | tee", "http://h", None).starts_with("--exec: `|` would need a shell"));
        assert!(said("app {prot}", "http://h", None).starts_with("--exec: `{prot}` stands for nothing (did you mean `{port}`?)"));
    }

    #[test]
    fn a_scenario_is_made_of_flags() {
        let flags = ExecFlags {
            exec: Some("app --port {port}".to_owned()),
            url: Some("http://127.0.0.1:{port}/a?b=\"{c}\"".to_owned()),
            ready: None,
            rate: Some(12.5),
            duration: Some(Duration::from_millis(1500)),
        };
        let beside = flags.read(None, Vec::new(), false).unwrap();
        let (_, plan) = beside.plan().unwrap().unwrap();
        assert_eq!((plan.stack, plan.services.len(), plan.duration()), (StackKind::None, 1, Duration::from_millis(1500)));
        assert_eq!(plan.loads[0].requests[0].name, "GET /a?b=\"{{c}}\"");
        assert_eq!(plan.thresholds.len(), 1);
    }
}
