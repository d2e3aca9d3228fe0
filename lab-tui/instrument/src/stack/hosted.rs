//! The programs that a scenario brings along: started in their order, each when the one before is ready, and ended with the scenario.

mod environment;
pub mod guard;
mod program;
mod readiness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lab_facts::scenario::{Service, ServicePattern};
use program::Program;
use tokio::sync::mpsc;
use url::{Host, Url};

use super::{Endpoints, Notice, port};
use crate::observe::store::Store;
pub(super) use readiness::Sign;

/// What services are started from.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// In the order in which they start.
    pub services: &'a [Service],
    /// Where their folders begin; absolute.
    pub folder: &'a Path,
    /// The stack that they are beside.
    pub endpoints: &'a Endpoints,
    /// Further environment; wins over the scenario's own.
    pub env: &'a [(String, String)],
}

/// Running programs. Dropped, they end soon and unwatched.
#[derive(Debug)]
pub struct Hosted {
    /// Where everything is: the stack, and these beside it.
    pub endpoints: Endpoints,
    programs: Vec<Program>,
}

/// A service with everything in its place.
struct Spec {
    name: String,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    dir: PathBuf,
    /// Its URL, if it has one, and the port in it, if the lab chose that.
    url: Option<Url>,
    chosen_port: Option<u16>,
    ready: Option<Url>,
    metrics: Option<Url>,
}

impl Hosted {
    /// Starts every service and waits until it is ready. A dropped start leaves nothing behind.
    ///
    /// # Errors
    /// Which service did not start, and why, with its last words.
    pub fn start<'a>(
        options: Options<'a>,
        store: &'a Store,
        notices: &'a mpsc::UnboundedSender<Notice>,
    ) -> BoxFuture<'a, anyhow::Result<Self>> {
        async move {
            let mut hosted = Self { endpoints: options.endpoints.clone(), programs: Vec::new() };
            let mut ports = choose_ports(options.services);
            for index in 0..options.services.len() {
                let (spec, program) = match start_one(index, &options, &mut ports, store, notices).await {
                    Ok(started) => started,
                    Err(error) => {
                        hosted.stop().await;
                        return Err(error);
                    }
                };
                hosted.programs.push(program);
                hosted.endpoints.services.extend(spec.url.map(|url| (spec.name.clone(), url)));
                hosted.endpoints.metrics.extend(spec.metrics.map(|page| (spec.name, page)));
            }
            Ok(hosted)
        }
        .boxed()
    }

    /// Asks every program to end, the last one first, and waits for that; one that does not is ended by force.
    pub fn stop(self) -> BoxFuture<'static, ()> {
        async move {
            for program in self.programs.into_iter().rev() {
                program.stop().await;
            }
        }
        .boxed()
    }
}

async fn start_one(
    index: usize,
    options: &Options<'_>,
    ports: &mut [u16],
    store: &Store,
    notices: &mpsc::UnboundedSender<Notice>,
) -> anyhow::Result<(Spec, Program)> {
    let service = &options.services[index];
    let first = spec(service, options, ports)?;
    first.check_port()?;
    store.pushed().begins(&service.name);
    match Program::start(&first, service.ready_timeout, store, notices).await {
        Ok(program) => Ok((first, program)),
        // Somebody was quicker.
        Err(_) if first.chosen_port.is_some_and(|port| !port::is_free(port)) => {
            ports[index] = port::another();
            let second = spec(service, options, ports)?;
            let program = Program::start(&second, service.ready_timeout, store, notices).await?;
            Ok((second, program))
        }
        Err(error) => Err(error),
    }
}

/// One for each service, before the first starts, so that services may know each other.
fn choose_ports(services: &[Service]) -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    for _ in services {
        let mut port = port::another();
        while ports.contains(&port) && port != 0 {
            port = port::another();
        }
        ports.push(port);
    }
    ports
}

fn spec(service: &Service, options: &Options<'_>, ports: &[u16]) -> anyhow::Result<Spec> {
    let mut urls: BTreeMap<&str, String> =
        options.endpoints.services.iter().map(|(name, url)| (name.as_str(), url.as_str().to_owned())).collect();
    let mut port = 0;
    for (other, its_port) in options.services.iter().zip(ports) {
        urls.extend(other.url.as_ref().map(|url| (other.name.as_str(), url.fill(*its_port, |_| None))));
        if other.name == service.name {
            port = *its_port;
        }
    }
    let fill = |pattern: &ServicePattern| pattern.fill(port, |name| urls.get(name).map(String::as_str));
    let url = |pattern: &Option<ServicePattern>| pattern.as_ref().map(|pattern| Url::parse(&fill(pattern))).transpose();
    let dir = options.folder.join(service.dir.as_deref().unwrap_or_default());
    let dir = std::fs::canonicalize(&dir).with_context(|| format!("cannot start {}: cannot work in {}", service.name, dir.display()))?;
    let mut command: Vec<String> = service.command.iter().map(&fill).collect();
    if let Some(program) = command.first_mut() {
        // A path is one from the folder that the program works in; a name is looked for on PATH.
        if program.contains('/') && !program.starts_with('/') {
            *program = dir.join(&*program).display().to_string();
        }
    }
    let own = service.env.iter().map(|(name, value)| (name.clone(), fill(value)));
    Ok(Spec {
        name: service.name.clone(),
        command,
        env: environment::of(&service.name, options.endpoints, own.chain(options.env.iter().cloned())),
        dir,
        url: url(&service.url)?,
        chosen_port: service.url.as_ref().is_some_and(ServicePattern::has_port).then_some(port),
        ready: url(&service.ready)?,
        metrics: url(&service.metrics)?,
    })
}

impl Spec {
    /// A server that is there already would be taken for the program, and answer in its place.
    fn check_port(&self) -> anyhow::Result<()> {
        let Some(url) = &self.url else { return Ok(()) };
        let here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(_)) | None => false,
        };
        match url.port_or_known_default() {
            Some(number) if here && !port::is_free(number) => {
                let owner = port::owner_of(number).map_or(String::new(), |owner| format!(" by {owner}"));
                bail!("cannot start {}: port {number} is taken{owner}: free it, or write {{port}} in `url` and `command`", self.name)
            }
            _ => Ok(()),
        }
    }
}
