//! Whether a program can be sent requests.

use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpStream;
use url::Url;

use super::Spec;
use crate::http;

const POLL: Duration = Duration::from_millis(20);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(1);

/// What is waited for.
pub(in crate::stack) enum Sign {
    /// An answer of 2xx or 3xx.
    Answer(reqwest::Client, Url),
    /// A connection, to host and port.
    Connection(String, u16),
}

impl Sign {
    /// `None` where there is nothing to wait for.
    pub(super) fn of(spec: &Spec) -> anyhow::Result<Option<Self>> {
        if let Some(url) = &spec.ready {
            // A redirection is an answer of the program's own; where it leads may be anywhere.
            let client = http::local().redirect(reqwest::redirect::Policy::none()).timeout(ANSWER).build()?;
            return Ok(Some(Self::Answer(client, url.clone())));
        }
        spec.url.as_ref().map(Self::connection).transpose()
    }

    /// That a connection can be made to where the URL leads.
    pub(in crate::stack) fn connection(url: &Url) -> anyhow::Result<Self> {
        let host = url.host_str().with_context(|| format!("{url} has no host"))?;
        Ok(Self::Connection(host.trim_matches(['[', ']']).to_owned(), url.port_or_known_default().unwrap_or(80)))
    }

    /// Returns when it is there. `said` is why it is not, as of the last look.
    pub(in crate::stack) async fn awaited(&self, said: &mut String) {
        loop {
            match self.look().await {
                Ok(()) => return,
                Err(why) => *said = why,
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn look(&self) -> Result<(), String> {
        match self {
            Self::Answer(client, url) => match client.get(url.clone()).send().await {
                Ok(response) if response.status().is_success() || response.status().is_redirection() => Ok(()),
                Ok(response) => Err(format!("{url} answers {}", response.status())),
                Err(error) if error.is_connect() => Err(format!("nothing listens at {url}")),
                Err(error) if error.is_timeout() => Err(format!("{url} does not answer within {} s", ANSWER.as_secs())),
                Err(error) => Err(format!("{url}: {}", error.without_url())),
            },
            Self::Connection(host, port) => {
                let nothing = || format!("nothing listens at {host}:{port}");
                let connection = tokio::time::timeout(ANSWER, TcpStream::connect((host.as_str(), *port))).await;
                connection.map_err(|_| nothing())?.map(drop).map_err(|_| nothing())
            }
        }
    }
}
