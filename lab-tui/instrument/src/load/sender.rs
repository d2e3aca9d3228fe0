//! The one outside edge of the load: how a request leaves and how its answer is told.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

use anyhow::Context as _;
use http::Uri;
use lab_facts::event::Outcome;
use lab_facts::scenario::{Method, Plan, Target};
use reqwest::Client;
use reqwest::header::CONTENT_LENGTH;
use url::Url;

use super::connection::{Connections, Failure};
use super::http1;
use crate::http::outward;

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

const TRACEPARENT: &str = "traceparent";
/// What a request says of the lab, where the scenario says nothing else.
const USUAL: [(&str, &str); 2] = [("accept", "*/*"), ("user-agent", concat!("obslab/", env!("CARGO_PKG_VERSION")))];

/// Sends over HTTP/1.1 with kept-alive connections, follows no redirect and uses no proxy.
#[derive(Debug)]
pub struct HttpSender {
    plain: Connections,
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
            let url = match &request.target {
                Target::Service { service, .. } => {
                    endpoints.get(service).with_context(|| format!("the stack has no service `{service}`"))?.clone()
                }
                Target::Absolute(template) => Url::parse(&template.render(|_| "x"))?,
            };
            if secure.is_none() && url.scheme() == "https" {
                secure = Some(client_for(&url)?);
            }
        }
        Ok(Self { plain: Connections::default(), secure, endpoints: endpoints.clone() })
    }

    async fn send_plain(&self, request: Outgoing<'_>) -> Ending {
        let mut bytes = Vec::with_capacity(512);
        let Some(uri) = uri(request.url).filter(|uri| write(&mut bytes, uri, &request).is_some()) else {
            // Planning refuses what cannot be sent; a variable's value may still make an address of it that nobody can have.
            return Ending { outcome: Outcome::ConnectionFailed, why: Some("the URL or a header cannot be sent".to_owned()) };
        };
        let Some(authority) = uri.authority() else { return Outcome::ConnectionFailed.into() };
        match self.plain.send(authority, request.method.as_str(), &bytes).await {
            Ok(status) => Outcome::Status(status).into(),
            Err(Failure::Connect(error)) => Ending { outcome: Outcome::ConnectionFailed, why: Some(cause(&error)) },
            Err(Failure::Broken(error)) => Ending { outcome: Outcome::ConnectionBroken, why: Some(cause(&error)) },
        }
    }
}

fn client_for(url: &Url) -> anyhow::Result<Client> {
    // What is between the lab and its target would be measured as well.
    Ok(outward(url).redirect(reqwest::redirect::Policy::none()).no_proxy().build()?)
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
        match &self.secure {
            Some(client) if request.url.starts_with("https://") => send_secure(client, request).await,
            _ => self.send_plain(request).await,
        }
    }
}

/// A URL as it goes over the wire. What it may hold beyond that (blanks, letters of other alphabets) is encoded as browsers do.
pub(super) fn uri(url: &str) -> Option<Uri> {
    url.parse().ok().or_else(|| Url::parse(url).ok()?.as_str().parse().ok())
}

/// The request as it goes over a connection.
fn write(out: &mut Vec<u8>, uri: &Uri, request: &Outgoing<'_>) -> Option<()> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let set = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let usual = USUAL.into_iter().filter(|(usual, _)| !request.headers.iter().any(|(name, _)| name == usual));
    let headers = usual.chain([(TRACEPARENT, request.traceparent.as_str())]).chain(set);
    http1::write(out, request.method.as_str(), path, uri.authority()?.as_str(), headers, request.body.as_deref())
}

async fn send_secure(client: &Client, request: Outgoing<'_>) -> Ending {
    let answer = async {
        let mut sent = client.request(method(request.method), request.url).header(TRACEPARENT, request.traceparent);
        for (name, value) in request.headers {
            sent = sent.header(*name, value);
        }
        sent = match (request.body, request.method) {
            (Some(body), _) if !body.is_empty() => sent.body(body),
            (_, Method::Post | Method::Put | Method::Patch) => sent.header(CONTENT_LENGTH, 0),
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
        Err(error) if error.is_connect() && error.source().is_some() => {
            Ending { outcome: Outcome::ConnectionFailed, why: Some(cause(&error)) }
        }
        Err(error) => Ending { outcome: Outcome::ConnectionBroken, why: Some(cause(&error)) },
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
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
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
        assert!(sender(["/b", "https://127.0.0.1:1/"]).secure.is_some());
    }

    #[test]
    fn what_goes_over_the_wire_is_what_the_scenario_says() {
        let outgoing = Outgoing {
            method: Method::Post,
            url: "http://ä.example:8080/a b?c={d}",
            headers: &[("x-user", "7".to_owned()), ("user-agent", "mine".to_owned())],
            body: Some("{}".to_owned()),
            traceparent: "00-1".to_owned(),
        };
        let (uri, mut bytes) = (uri(outgoing.url).unwrap(), Vec::new());
        write(&mut bytes, &uri, &outgoing).unwrap();
        let lines = ["accept: */*", "traceparent: 00-1", "x-user: 7", "user-agent: mine", "content-length: 2"].join("\r\n");
        let expected = format!("POST /a%20b?c={{d}} HTTP/1.1\r\nhost: xn--4ca.example:8080\r\n{lines}\r\n\r\n{{}}");
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}
