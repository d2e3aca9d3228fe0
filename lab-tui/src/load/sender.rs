//! The one outside edge of the load: how a request leaves and how its answer is told.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::future::Future;

use anyhow::Context as _;
use url::Url;

use crate::event::Outcome;
use crate::http;
use crate::scenario::{Plan, Target};

/// Sends a request and waits for the whole answer. Behind a trait so that a test can answer in exactly 12 ms.
pub(super) trait Sender {
    /// The URL in full, for the request and for its span.
    fn url(&self, target: &Target, rendered: &str) -> String;
    /// How it ended. The caller bounds the time.
    fn send(&self, url: &str, traceparent: String) -> impl Future<Output = Outcome>;
}

/// Sends over HTTP/1.1 with kept-alive connections, follows no redirect and uses no proxy.
#[derive(Debug, Clone)]
pub struct HttpSender {
    client: reqwest::Client,
    /// For `https://`, where the plan has any.
    encrypted: Option<reqwest::Client>,
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
        let built = |builder: reqwest::ClientBuilder| {
            builder.redirect(reqwest::redirect::Policy::none()).user_agent(concat!("obslab/", env!("CARGO_PKG_VERSION"))).build()
        };
        let targets = plan.loads.iter().flat_map(|load| &load.requests).map(|request| &request.target);
        let is_encrypted = |target: &Target| match target {
            Target::Absolute(url) => url.source().starts_with("https://"),
            Target::Service { service, .. } => endpoints.get(service).is_some_and(|url| url.scheme() == "https"),
        };
        let encrypted = targets.into_iter().any(is_encrypted).then(|| built(http::encrypted())).transpose()?;
        Ok(Self { client: built(http::local())?, encrypted, endpoints: endpoints.clone() })
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
        let answer = async {
            let encrypted = self.encrypted.as_ref().filter(|_| url.starts_with("https://"));
            let client = encrypted.unwrap_or(&self.client);
            let mut response = client.get(url).header("traceparent", traceparent).send().await?;
            let status = response.status().as_u16();
            // The answer counts when its last byte is here; nobody reads it, so none of it is kept.
            while response.chunk().await?.is_some() {}
            Ok::<u16, reqwest::Error>(status)
        };
        match answer.await {
            Ok(status) => Outcome::Status(status),
            Err(error) if error.is_timeout() => Outcome::Timeout,
            Err(error) if error.is_connect() && error.source().is_some() => Outcome::ConnectionFailed,
            Err(_) => Outcome::ConnectionBroken,
        }
    }
}
