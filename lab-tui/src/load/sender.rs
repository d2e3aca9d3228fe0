//! The one outside edge of the load: how a request leaves and how its answer is told.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::future::Future;

use anyhow::Context as _;
use reqwest::Client;
use url::Url;

use crate::event::Outcome;
use crate::http;
use crate::scenario::{Method, Plan, Target, Template};

/// A request as it is sent.
#[derive(Debug)]
pub(super) struct Outgoing<'r> {
    pub(super) method: Method,
    /// In full.
    pub(super) url: &'r str,
    /// What the scenario sets.
    pub(super) headers: &'r [(&'r str, String)],
    pub(super) body: Option<String>,
    pub(super) traceparent: String,
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    /// What was wrong with the connection, in the words of whoever found it, such as an untrusted certificate.
    pub(super) why: Option<String>,
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, why: None }
    }
}

/// Sends a request and waits for the whole answer. Behind a trait so that a test can answer in exactly 12 ms.
pub(super) trait Sender {
    /// The URL in full, for the request and for its span.
    fn url(&self, target: &Target, rendered: &str) -> String;
    /// How it ended. The caller bounds the time.
    fn send(&self, request: Outgoing<'_>) -> impl Future<Output = Ending>;
}

/// Sends over HTTP/1.1 with kept-alive connections, follows no redirect and uses no proxy.
#[derive(Debug, Clone)]
pub struct HttpSender {
    local: Client,
    /// With TLS. Building it reads the system's certificates, so it is there only when a request needs it.
    secure: Option<Client>,
    endpoints: BTreeMap<String, Url>,
}

impl HttpSender {
    /// Takes its time where there is TLS, so it is made before the clock runs.
    ///
    /// # Errors
    /// When the plan names a service that `endpoints` do not have, or the machine gives no client.
    pub fn new(plan: &Plan, endpoints: &BTreeMap<String, Url>) -> anyhow::Result<Self> {
        let mut secure = None;
        for request in plan.loads.iter().flat_map(|load| &load.requests) {
            match &request.target {
                Target::Service { service, .. } => {
                    endpoints.get(service).with_context(|| format!("the stack has no service `{service}`"))?;
                }
                Target::Absolute(template) if secure.is_none() && is_secure(template.source()) => secure = Some(client_for(template)?),
                Target::Absolute(_) => {}
            }
        }
        Ok(Self { local: as_sender(http::local()).build()?, secure, endpoints: endpoints.clone() })
    }

    /// The client for a URL.
    fn client(&self, url: &str) -> &Client {
        self.secure.as_ref().filter(|_| is_secure(url)).unwrap_or(&self.local)
    }
}

fn is_secure(url: &str) -> bool {
    url.starts_with("https://")
}

fn client_for(template: &Template) -> anyhow::Result<Client> {
    let url = Url::parse(&template.render(|_| "x"))?;
    // What is between the lab and its target would be measured as well.
    Ok(as_sender(http::outward(&url)).no_proxy().build()?)
}

fn as_sender(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.redirect(reqwest::redirect::Policy::none()).user_agent(concat!("obslab/", env!("CARGO_PKG_VERSION")))
}

impl Sender for HttpSender {
    fn url(&self, target: &Target, rendered: &str) -> String {
        match target {
            Target::Service { service, .. } => {
                let base = self.endpoints.get(service).map_or("", Url::as_str);
                format!("{}{rendered}", base.trim_end_matches('/'))
            }
            Target::Absolute(_) => rendered.to_owned(),
        }
    }

    async fn send(&self, request: Outgoing<'_>) -> Ending {
        let answer = async {
            let mut sent = self.client(request.url).request(method(request.method), request.url).header("traceparent", request.traceparent);
            for (name, value) in request.headers {
                sent = sent.header(*name, value);
            }
            sent = match (request.body, request.method) {
                (Some(body), _) if !body.is_empty() => sent.body(body),
                // Servers may insist on being told that there is no body where they expect one.
                (_, Method::Post | Method::Put | Method::Patch) => sent.header("content-length", "0"),
                _ => sent,
            };
            let mut response = sent.send().await?;
            let status = response.status().as_u16();
            // The answer counts when its last byte is here; nobody reads it, so none of it is kept.
            while response.chunk().await?.is_some() {}
            Ok::<u16, reqwest::Error>(status)
        };
        match answer.await {
            Ok(status) => Outcome::Status(status).into(),
            Err(error) if error.is_timeout() => Outcome::Timeout.into(),
            Err(error) if error.is_connect() && error.source().is_some() => {
                Ending { outcome: Outcome::ConnectionFailed, why: Some(cause(&error)) }
            }
            Err(error) => Ending { outcome: Outcome::ConnectionBroken, why: Some(cause(&error)) },
        }
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
    }
}

/// The innermost cause: what wraps it says only that something went wrong.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(urls: [&str; 2]) -> HttpSender {
        let requests = urls.map(|url| format!("[[load.request]]\nget = \"{url}\"\n")).concat();
        let text = format!(
            "format = 1\ntitle = \"t\"\n[[load]]\nname = \"l\"\nexecutor = \"constant-vus\"\nduration = \"1s\"\nservice = \"s\"\n{requests}"
        );
        let endpoints = BTreeMap::from([("s".to_owned(), Url::parse("http://127.0.0.1:1").unwrap())]);
        HttpSender::new(&Plan::parse(&text, "t", &["s"]).unwrap(), &endpoints).unwrap()
    }

    #[test]
    fn only_https_has_the_client_that_reads_certificates() {
        assert!(sender(["http://a/", "/b"]).secure.is_none());
        let both = sender(["/b", "https://127.0.0.1:1/"]);
        let secure = both.secure.as_ref().unwrap();
        assert!(std::ptr::eq(both.client("https://127.0.0.1:1/x"), secure));
        for url in ["http://127.0.0.1:1/b", "http://https://"] {
            assert!(std::ptr::eq(both.client(url), &both.local), "{url}");
        }
    }
}
