//! A server that answers `hello` to everything, for load generators to be measured against; see `benches/load`. Prints its URL.

use axum::Router;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    lab_instrument::out::result(&format!("http://{}/\n", listener.local_addr()?))?;
    axum::serve(listener, Router::new().fallback(async || "hello")).await
}
