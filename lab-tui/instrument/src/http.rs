//! The lab's HTTP clients, and with them the one TLS of the lab: rustls with ring. Below, the server.

pub(crate) mod serve;

use std::sync::Arc;

use reqwest::{Client, ClientBuilder};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// For what runs on this machine: without a proxy, and without reading the system's certificates, which takes longer than a request.
pub fn local() -> ClientBuilder {
    trusting_nobody().no_proxy()
}

/// For an address that is out there: through the proxy that the environment names, and trusting whom the system trusts. A system
/// without certificates can still be asked for what is not encrypted.
pub fn outward(url: &Url) -> ClientBuilder {
    let builder = if url.scheme() == "https" { trusting_the_system() } else { trusting_nobody() };
    builder.user_agent(concat!("obslab/", env!("CARGO_PKG_VERSION")))
}

/// For whichever of the two it is.
pub fn towards(url: &Url) -> ClientBuilder {
    if is_local(url) { local() } else { outward(url) }
}

/// On this machine, where no proxy leads.
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[allow(clippy::disallowed_methods, reason = "this is its replacement")]
fn trusting_the_system() -> ClientBuilder {
    // Whoever was first had the same idea.
    let _ = CryptoProvider::install_default(ring::default_provider());
    Client::builder()
}

#[allow(clippy::disallowed_methods, reason = "this is its replacement")]
fn trusting_nobody() -> ClientBuilder {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    match tls {
        Ok(tls) => {
            let tls = tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            Client::builder().tls_backend_preconfigured(tls)
        }
        // Ring has the default versions, so this does not happen.
        Err(_) => trusting_the_system(),
    }
}
