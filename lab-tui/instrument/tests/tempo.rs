//! The lab asked as a Tempo, over real sockets: its answers are held against those that a Tempo 3 gave, for the very same trace.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

#[path = "tempo/fuzz.rs"]
mod fuzz;
#[path = "tempo/recorded.rs"]
mod recorded;
#[path = "tempo/search.rs"]
mod search;

use std::net::SocketAddr;

use lab_instrument::observe::store::{DEFAULT_BYTES, Store};
use lab_instrument::observe::tempo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A lab's door for Grafana, and what is behind it.
struct Lab {
    store: Store,
    address: SocketAddr,
    client: reqwest::Client,
    _stop: DropGuard,
}

/// What a question was answered with.
#[derive(Debug)]
struct Answer {
    status: u16,
    media_type: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!((self.status, self.media_type.as_str()), (200, "application/json"), "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn lab() -> Lab {
    let store = Store::new(DEFAULT_BYTES);
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(tempo::serve(listener, store.clone(), stop.clone()));
    Lab { store, address, client: lab_instrument::http::local().build().unwrap(), _stop: stop.drop_guard() }
}

impl Lab {
    async fn get(&self, path: &str) -> Answer {
        self.get_as(path, None).await
    }

    async fn get_as(&self, path: &str, accept: Option<&str>) -> Answer {
        let request = self.client.get(format!("http://{}{path}", self.address));
        let request = if let Some(accept) = accept { request.header("accept", accept) } else { request };
        let response = request.send().await.unwrap();
        let media_type = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        Answer { status: response.status().as_u16(), media_type, body: response.bytes().await.unwrap().to_vec() }
    }

    /// A search with a query.
    async fn find(&self, query: &str, more: &str) -> Value {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        self.get(&format!("/api/search?q={query}{more}")).await.json()
    }
}
