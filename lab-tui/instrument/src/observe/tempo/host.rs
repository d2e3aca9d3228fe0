//! Who may be asked: this machine, by a name that nobody else can give it.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};

use super::refused::Refused;

/// A name in somebody's hands can be made to point to 127.0.0.1, and a page under that name may then read what the lab answers. So the
/// question must be to an address, to `localhost`, or to a name without an owner, as containers call their host.
///
/// # Errors
/// It was to another name.
pub(super) fn check(headers: &HeaderMap, uri: &Uri) -> Result<(), Refused> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(Authority::as_str));
    if host.is_some_and(is_ours) {
        return Ok(());
    }
    Err(Refused::new(StatusCode::FORBIDDEN, "the lab answers this machine alone; ask http://127.0.0.1 with its port"))
}

fn is_ours(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok()
        || !name.contains('.') && !name.is_empty()
        || [".localhost", ".internal"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_an_owner_are_refused() {
        for ours in
            ["127.0.0.1:3200", "localhost", "LOCALHOST:1", "[::1]:3200", "lab.localhost:3200", "host.docker.internal:3200", "tempo:3200"]
        {
            assert!(is_ours(ours), "{ours}");
        }
        for other in
            ["", "example.com", "evil.example:3200", "127.0.0.1.nip.io:3200", "localhost.example", "internal.example:80", "[x", "a.b]"]
        {
            assert_eq!(is_ours(other), other == "[x", "{other}");
        }
    }
}
