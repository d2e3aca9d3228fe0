//! The lab's HTTP clients, and with them the one TLS of the lab: rustls with ring.

use std::sync::Arc;

use reqwest::{Client, ClientBuilder};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

/// For what runs on this machine: without a proxy, and without reading the system's certificates, which takes longer than a request.
#[allow(clippy::disallowed_methods, reason = "this is its replacement")]
pub fn local() -> ClientBuilder {
    let builder = Client::builder().no_proxy();
    // Cannot fail: ring has the default versions. A client of which nobody told how to do TLS would panic, though.
    match ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions() {
        Ok(tls) => builder.tls_backend_preconfigured(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        Err(_) => outward().no_proxy(),
    }
}

/// For what is out there: through the proxy that the environment names, and trusting whom the system trusts.
#[allow(clippy::disallowed_methods, reason = "this is its replacement")]
pub fn outward() -> ClientBuilder {
    // Whoever was first had the same idea.
    let _ = CryptoProvider::install_default(ring::default_provider());
    Client::builder().user_agent(concat!("obslab/", env!("CARGO_PKG_VERSION")))
}
