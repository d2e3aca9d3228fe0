//! A system that runs already: where the user says that its services are, and what can be seen of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use futures_util::future::join_all;
use lab_facts::scenario::{Misnamed, check_service_name};
use url::Url;

use super::hosted::Sign;
use crate::observe::scrape::{self, Client};
use crate::out::sentence;

/// How long a service may take until a connection can be made: it is there already, or on its way behind a tunnel.
const READY: Duration = Duration::from_secs(5);
/// How long a page of metrics may take, the first time.
const PAGE: Duration = Duration::from_secs(3);

/// What the user says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Base URL of each service, by name.
    pub services: BTreeMap<String, Url>,
    /// Pages of metrics of some of them.
    pub metrics: BTreeMap<String, Url>,
}

/// What was found of it.
#[derive(Debug)]
pub(super) struct Attached {
    /// Pages of metrics, by service.
    pub(super) metrics: BTreeMap<String, Url>,
    /// What the user should know.
    pub(super) remarks: Vec<String>,
}

impl Options {
    /// From the words of a command line: names, each with an address.
    ///
    /// # Errors
    /// Which word cannot be and why, with the flag, and without the address: it may have a password in it.
    pub fn read(services: &[(String, String)], metrics: &[(String, String)]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        for (name, url) in services {
            check_service_name(name, &[]).map_err(|Misnamed { what, hint }| anyhow!("--service: {what} ({hint})"))?;
            let url = address(url).with_context(|| format!("--service {name}"))?;
            ensure!(
                url.query().is_none() && url.fragment().is_none(),
                "--service {name}: parameters belong to the requests; leave them out"
            );
            ensure!(options.services.insert(name.clone(), url).is_none(), "--service {name} is given twice; name it once");
        }
        for (name, url) in metrics {
            ensure!(options.services.contains_key(name), "--metrics {name}: no such service is attached; add --service {name}=URL");
            let url = address(url).with_context(|| format!("--metrics {name}"))?;
            ensure!(options.metrics.insert(name.clone(), url).is_none(), "--metrics {name} is given twice; name it once");
        }
        Ok(options)
    }
}

impl Attached {
    /// Makes sure that every service is there, and finds the pages of metrics.
    pub(super) async fn find(options: &Options) -> anyhow::Result<Self> {
        let ready = join_all(options.services.iter().map(async |(name, url)| is_ready(name, url).await)).await;
        let silent: Vec<String> = ready.into_iter().filter_map(Result::err).map(|error| sentence(&error)).collect();
        if !silent.is_empty() {
            bail!("{}", silent.join("; "));
        }
        let told = options.metrics.iter().map(|(name, page)| (name, page.clone()));
        let presumed = options.services.iter().filter(|(name, _)| !options.metrics.contains_key(*name));
        let presumed = presumed.map(|(name, url)| (name, scrape::usual_page(url)));
        let pages: Vec<(&String, Url)> = told.chain(presumed).collect();
        let client = Client::of(pages.iter().map(|(_, page)| page), PAGE)?;
        let asked = pages.into_iter().map(async |(name, page)| {
            let found = client.check(&page).await;
            (name, page, found)
        });
        let mut attached = Self { metrics: BTreeMap::new(), remarks: Vec::new() };
        for (name, page, found) in join_all(asked).await {
            match found {
                Ok(()) => drop(attached.metrics.insert(name.clone(), page)),
                Err(error) if options.metrics.contains_key(name) => {
                    return Err(error.context(format!("{name} has no page of metrics at {page}, where --metrics says it is")));
                }
                Err(_) => attached
                    .remarks
                    .push(format!("{name} has no page of metrics at {page}; where it is elsewhere, --metrics {name}=URL says so")),
            }
        }
        Ok(attached)
    }
}

async fn is_ready(name: &str, url: &Url) -> anyhow::Result<()> {
    let sign = Sign::connection(url)?;
    let mut said = String::new();
    let waited = tokio::time::timeout(READY, sign.awaited(&mut said)).await;
    waited.map_err(|_| anyhow!("{name} does not answer at {}: {said}", url.as_str().trim_end_matches('/')))
}

fn address(text: &str) -> anyhow::Result<Url> {
    const WRITE: &str = "write http://HOST:PORT or https://HOST";
    let url = Url::parse(text).map_err(|error| anyhow!("its URL cannot be read: {error}; {WRITE}"))?;
    ensure!(matches!(url.scheme(), "http" | "https"), "its URL is neither http:// nor https://; {WRITE}");
    ensure!(url.username().is_empty() && url.password().is_none(), "a URL with a password in it would be shown; leave it out");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(services: &[(&str, &str)], metrics: &[(&str, &str)]) -> anyhow::Result<Options> {
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect::<Vec<_>>();
        Options::read(&owned(services), &owned(metrics))
    }

    #[test]
    fn what_cannot_be_is_refused_without_a_password_being_shown() {
        let said = |services: &[(&str, &str)], metrics: &[(&str, &str)]| sentence(&read(services, metrics).unwrap_err());
        assert_eq!(said(&[("a", "http://me:secret@h:1")], &[]), "--service a: a URL with a password in it would be shown; leave it out");
        assert!(said(&[("a", "me:secret@h")], &[]).starts_with("--service a: its URL is neither http:// nor https://"));
        assert!(!said(&[("a", "http://me:secret@:x")], &[]).contains("secret"));
        assert!(said(&[("a", "http://h/?x=1")], &[]).starts_with("--service a: parameters belong to the requests"));
        assert!(said(&[("lab", "http://h")], &[]).starts_with("--service: `lab` is taken by the lab's own"));
        assert!(said(&[("a b", "http://h")], &[]).starts_with("--service: `a b` cannot be a service's name"));
        assert_eq!(said(&[("a", "http://h"), ("a", "http://i")], &[]), "--service a is given twice; name it once");
        assert_eq!(said(&[], &[("a", "http://h/metrics")]), "--metrics a: no such service is attached; add --service a=URL");
    }

    #[test]
    fn services_are_known_by_the_users_names() {
        let options = read(&[("a", "http://h:1/base"), ("b.c", "https://i")], &[("a", "http://h:2/prometheus?all=1")]).unwrap();
        assert_eq!(options.services.keys().collect::<Vec<_>>(), ["a", "b.c"]);
        assert_eq!(options.metrics["a"].as_str(), "http://h:2/prometheus?all=1");
    }
}
