//! Which TCP port a part of the stack listens on, and who has it if it is taken.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The port that something should listen on, on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Port {
    /// The usual port where it is free, else a free one near it.
    Preferred(u16),
    /// The user named it: nothing else will do.
    Named(u16),
}

/// A port that the user named belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortTaken {
    /// What wanted to listen there, as `--port SERVICE=PORT` calls it.
    pub service: String,
    pub port: u16,
    /// Like `postgres (pid 123)`; absent where the owner is another user's and therefore hidden.
    pub owner: Option<String>,
}

impl fmt::Display for PortTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, port, owner } = self;
        write!(f, "port {port} is taken")?;
        if let Some(owner) = owner {
            write!(f, " by {owner}")?;
        }
        write!(f, ": free it, or name another with --port {service}=PORT")
    }
}

impl std::error::Error for PortTaken {}

impl PortTaken {
    pub fn new(service: &str, port: u16) -> Self {
        Self { service: service.to_owned(), port, owner: owner_of(port) }
    }
}

impl Port {
    /// A port that was free a moment ago. Somebody else may take it before it is listened on: be ready to ask
    /// [`another`] then.
    ///
    /// # Errors
    /// Only a named port can be taken.
    pub fn choose(self, service: &str) -> Result<u16, PortTaken> {
        match self {
            Self::Named(port) if is_free(port) => Ok(port),
            Self::Named(port) => Err(PortTaken::new(service, port)),
            // A neighbour is easier to remember than a random number.
            Self::Preferred(port) => {
                let near = (port..=port.saturating_add(20)).find(|&port| port != 0 && is_free(port));
                Ok(near.unwrap_or_else(another))
            }
        }
    }
}

/// A random free port below the ranges from which Linux and macOS take the local ports of outgoing connections: a
/// server that is restarted finds its port again even while a load generator opens thousands of connections.
/// 0 (let the system choose) if there seems to be none.
pub fn another() -> u16 {
    let mut random = rand::rng();
    (0..200).map(|_| random.random_range(20_000..32_000)).find(|&port| is_free(port)).unwrap_or(0)
}

/// Whether nobody listens on this port of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Where somebody listens on the wildcard address, some systems let 127.0.0.1 be bound as well, in front of it: only
    // a connection tells. An attempt on the loopback interface is refused or accepted at once.
    TcpListener::bind(address).is_ok() && TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err()
}

/// Who listens on a TCP port, like `postgres (pid 123)`. Nothing if nobody does, or somebody whose processes this user
/// may not look at.
pub fn owner_of(port: u16) -> Option<String> {
    let listeners = listeners::get_all().ok()?;
    let found = listeners.into_iter().find(|listener| {
        listener.socket.port() == port && listener.protocol == listeners::Protocol::TCP && listener.state == listeners::SocketState::Listen
    })?;
    Some(format!("{} (pid {})", found.process.name, found.process.pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_its_owner_and_the_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Port::Named(port).choose("postgres").unwrap_err().to_string();
        assert!(taken.starts_with(&format!("port {port} is taken by ")), "{taken}");
        let pid = std::process::id();
        assert!(taken.ends_with(&format!("(pid {pid}): free it, or name another with --port postgres=PORT")), "{taken}");
        let other = Port::Preferred(port).choose("postgres").unwrap();
        assert_ne!(other, port);
    }

    #[test]
    fn nobody_owns_a_free_port() {
        assert_eq!(owner_of(another()), None);
    }
}
