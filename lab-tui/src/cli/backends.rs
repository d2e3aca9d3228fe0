//! Flags that name the backends which expectations and the room of queries may ask.

use clap::Args;
use clap::builder::FalseyValueParser;
use lab_instrument::observe::backends::Backends;
use url::Url;

#[derive(Debug, Args)]
pub(crate) struct BackendFlags {
    #[command(flatten)]
    urls: BackendUrls,
    /// Skip what needs a backend that is not named, instead of calling the run inconclusive
    #[arg(long, env = "LAB_ALLOW_SKIPS", value_parser = FalseyValueParser::new())]
    allow_skips: bool,
}

/// A variable that is set to nothing counts as not set.
#[derive(Debug, Clone)]
struct Address(Option<Url>);

/// Where they are.
#[derive(Debug, Args)]
pub(crate) struct BackendUrls {
    /// Ask this Prometheus for what `promql` expects and what the room of queries shows, such as http://localhost:9090
    #[arg(long, value_name = "URL", env = "LAB_PROMETHEUS_URL", hide_env_values = true, value_parser = address)]
    prometheus_url: Option<Address>,
    /// Ask this Loki for the same in `logql`, such as http://localhost:3100
    #[arg(long, value_name = "URL", env = "LAB_LOKI_URL", hide_env_values = true, value_parser = address)]
    loki_url: Option<Address>,
    /// Ask this Tempo for the same in `traceql`, such as http://localhost:3200
    #[arg(long, value_name = "URL", env = "LAB_TEMPO_URL", hide_env_values = true, value_parser = address)]
    tempo_url: Option<Address>,
}

impl From<BackendFlags> for Backends {
    fn from(flags: BackendFlags) -> Self {
        let mut backends = Self::from(flags.urls);
        backends.allow_skips = flags.allow_skips;
        backends
    }
}

impl From<BackendUrls> for Backends {
    fn from(flags: BackendUrls) -> Self {
        let url = |address: Option<Address>| address.and_then(|Address(url)| url);
        let mut backends = Self::default();
        backends.prometheus = url(flags.prometheus_url);
        backends.loki = url(flags.loki_url);
        backends.tempo = url(flags.tempo_url);
        backends
    }
}

fn address(text: &str) -> Result<Address, String> {
    if text.is_empty() {
        return Ok(Address(None));
    }
    url(text).map(|url| Address(Some(url)))
}

/// An address of a server.
pub(super) fn url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("write an http:// or https:// address, such as http://localhost:9090".to_owned()),
    }
}
