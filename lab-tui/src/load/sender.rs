//! The one outside edge of the load: how a request leaves and how its answer is told.

use std::collections::BTreeMap;
use std::future::Future;

use anyhow::Context as _;
use hyper::http::request::Builder;
use hyper::{Method, Request, Uri};
use url::Url;

use super::connection::{Body, Connections, Failure};
use crate::event::Outcome;
use crate::scenario::{Plan, Target};

/// Sends a request and waits for the whole answer. Behind a trait so that a test can answer in exactly 12 ms.
pub(super) trait Sender {
    /// The URL in full, for the request and for its span.
    fn url(&self, target: &Target, rendered: &str) -> String;
    /// How it ended. The caller bounds the time.
    fn send(&self, url: &str, traceparent: String) -> impl Future<Output = Outcome>;
}

const USER_AGENT: &str = concat!("obslab/", env!("CARGO_PKG_VERSION"));

/// Sends over HTTP/1.1 with kept-alive connections, follows no redirect and uses no proxy.
#[derive(Debug)]
pub struct HttpSender {
    connections: Connections,
    endpoints: BTreeMap<String, Url>,
}

impl HttpSender {
    pub(super) fn new(plan: &Plan, endpoints: &BTreeMap<String, Url>) -> anyhow::Result<Self> {
        for load in &plan.loads {
            for request in &load.requests {
                if let Target::Service { service, .. } = &request.target {
                    endpoints.get(service).with_context(|| format!("the stack has no service `{service}`"))?;
                }
            }
        }
        Ok(Self { connections: Connections::default(), endpoints: endpoints.clone() })
    }
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

    async fn send(&self, url: &str, traceparent: String) -> Outcome {
        // An address that no server can have is one that nobody answers at.
        let Some(uri) = uri(url) else { return Outcome::ConnectionFailed };
        let Some(authority) = uri.authority() else { return Outcome::ConnectionFailed };
        let request = request(Method::GET, &uri).header("traceparent", traceparent).body(Body::default());
        let Ok(request) = request else { return Outcome::ConnectionFailed };
        match self.connections.send(authority, request).await {
            Ok(status) => Outcome::Status(status),
            Err(Failure::Connect) => Outcome::ConnectionFailed,
            Err(Failure::Broken) => Outcome::ConnectionBroken,
        }
    }
}

/// A URL as it goes over the wire. What it may hold beyond that (blanks, letters of other alphabets) is encoded as browsers do.
pub(super) fn uri(url: &str) -> Option<Uri> {
    url.parse().ok().or_else(|| Url::parse(url).ok()?.as_str().parse().ok())
}

fn request(method: Method, uri: &Uri) -> Builder {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    Request::builder().method(method).uri(path).header("host", host).header("accept", "*/*").header("user-agent", USER_AGENT)
}
