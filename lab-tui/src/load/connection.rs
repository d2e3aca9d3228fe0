//! Kept-alive connections over plain HTTP/1.1. Each is driven by whoever waits for an answer on it, in the same future: a load generator
//! that is to cost less than what it measures has no room for a task, a channel and a wake-up for each request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::Fuse;
use http_body_util::Full;
use hyper::body::Body as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::uri::Authority;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What is sent.
pub(super) type Body = Full<Bytes>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody took the connection up.
    Connect(BoxError),
    /// It broke before the whole answer was here, or what came is no HTTP.
    Broken(BoxError),
}

type BoxError = Box<dyn Error + Send + Sync>;

/// The connections that nobody uses at the moment, by where they lead. For one thread.
#[derive(Debug, Default)]
pub(super) struct Connections {
    idle: RefCell<HashMap<Authority, Vec<Connection>>>,
}

#[derive(Debug)]
struct Connection {
    requests: SendRequest<Body>,
    /// Reads and writes as it is polled; gone when it has ended, so that whoever waits on it hears so.
    driver: Fuse<http1::Connection<TokioIo<TcpStream>, Body>>,
}

/// What becomes of a request on a connection that does not answer it.
enum Lost {
    /// Nothing of it was sent: the other side had closed the connection while nobody used it.
    Unsent(Box<Request<Body>>),
    Broken(hyper::Error),
}

impl Connections {
    /// Sends a request to an authority and reads the answer to its end; returns its status. What is dropped half-way takes its
    /// connection with it.
    pub(super) async fn send(&self, authority: &Authority, mut request: Request<Body>) -> Result<u16, Failure> {
        loop {
            let idle = self.idle.borrow_mut().get_mut(authority).and_then(Vec::pop);
            let (connection, kept) = match idle {
                Some(connection) => (connection, true),
                None => (Connection::open(authority).await.map_err(Failure::Connect)?, false),
            };
            match connection.ask(request).await {
                Ok((status, connection)) => {
                    if let Some(connection) = connection {
                        self.idle.borrow_mut().entry(authority.clone()).or_default().push(connection);
                    }
                    return Ok(status);
                }
                Err(Lost::Unsent(again)) if kept => request = *again,
                Err(Lost::Unsent(_)) => return Err(Failure::Broken("closed before the request was sent".into())),
                Err(Lost::Broken(error)) => return Err(Failure::Broken(error.into())),
            }
        }
    }
}

impl Connection {
    async fn open(authority: &Authority) -> Result<Self, BoxError> {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        let (requests, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self { requests, driver: driver.fuse() })
    }

    /// The status, and the connection where it can be used again.
    async fn ask(mut self, request: Request<Body>) -> Result<(u16, Option<Self>), Lost> {
        if !self.is_ready().await {
            return Err(Lost::Unsent(Box::new(request)));
        }
        let response = self.answer(request).await?;
        let status = response.status().as_u16();
        self.read_to_end(response.into_body()).await?;
        let open = !self.requests.is_closed();
        Ok((status, open.then_some(self)))
    }

    /// Whether it is still open; waits until the answer before is dealt with.
    async fn is_ready(&mut self) -> bool {
        let Self { requests, driver } = self;
        poll_fn(|context| {
            let _ = Pin::new(&mut *driver).poll_unpin(context);
            requests.poll_ready(context).map(|ready| ready.is_ok())
        })
        .await
    }

    async fn answer(&mut self, request: Request<Body>) -> Result<Response<Incoming>, Lost> {
        let Self { requests, driver } = self;
        let mut answer = pin!(requests.try_send_request(request));
        let answer = poll_fn(|context| {
            let _ = Pin::new(&mut *driver).poll_unpin(context);
            answer.as_mut().poll_unpin(context)
        });
        answer.await.map_err(|mut error| match error.take_message() {
            Some(request) => Lost::Unsent(Box::new(request)),
            None => Lost::Broken(error.into_error()),
        })
    }

    /// The answer counts when its last byte is here; nobody reads it, so none of it is kept.
    async fn read_to_end(&mut self, mut body: Incoming) -> Result<(), Lost> {
        loop {
            let frame = poll_fn(|context| {
                let _ = Pin::new(&mut self.driver).poll_unpin(context);
                Pin::new(&mut body).poll_frame(context)
            });
            match frame.await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Lost::Broken(error)),
                None => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// Answers each request on a connection with the next of `answers`, and closes it after the last. Counts the connections.
    async fn server(answers: &'static [&'static str]) -> (Authority, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let authority = listener.local_addr().unwrap().to_string().parse().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    for answer in answers {
                        let mut request = Vec::new();
                        while !request.ends_with(b"\r\n\r\n") {
                            request.push(stream.read_u8().await.unwrap());
                        }
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        (authority, taken)
    }

    async fn get(connections: &Connections, authority: &Authority) -> Result<u16, &'static str> {
        let request = Request::get("/").header("host", authority.as_str()).body(Body::default()).unwrap();
        connections.send(authority, request).await.map_err(|failure| match failure {
            Failure::Connect(_) => "connect",
            Failure::Broken(_) => "broken",
        })
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_replaced() {
        let (authority, taken) = server(&[OK, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"]).await;
        let connections = Connections::default();
        for round in 1..=3 {
            assert_eq!(get(&connections, &authority).await, Ok(200));
            assert_eq!(get(&connections, &authority).await, Ok(404));
            assert_eq!(taken.load(Ordering::Relaxed), round);
        }
    }

    #[tokio::test]
    async fn a_server_that_closes_each_connection_is_dialled_each_time() {
        let (authority, taken) = server(&["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"]).await;
        let connections = Connections::default();
        assert_eq!(get(&connections, &authority).await, Ok(200));
        assert_eq!(get(&connections, &authority).await, Ok(200));
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_is_cut_off_or_no_http_is_broken_and_nobody_there_is_another_failure() {
        let connections = Connections::default();
        for answer in [&["HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok"][..], &["what?\r\n\r\n"], &[""]] {
            let (authority, _) = server(answer).await;
            assert_eq!(get(&connections, &authority).await, Err("broken"), "{answer:?}");
        }
        let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
        assert_eq!(get(&connections, &closed.to_string().parse().unwrap()).await, Err("connect"));
    }

    #[tokio::test]
    async fn an_answer_given_up_half_way_does_not_reach_the_next_request() {
        let (authority, taken) = server(&["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha", "lf"]).await;
        let connections = Connections::default();
        let patience = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(patience, get(&connections, &authority)).await.is_err());
        assert!(tokio::time::timeout(patience, get(&connections, &authority)).await.is_err());
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }
}
