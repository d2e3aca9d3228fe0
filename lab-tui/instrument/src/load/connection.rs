//! Kept-alive connections over plain HTTP/1.1. Each is driven by whoever waits for an answer on it: a load generator that is to cost
//! less than what it measures has no room for a task, a channel and a wake-up for each request.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::uri::Authority;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::http1::Answer;

/// What an answer is read into; most fit.
const ROOM: usize = 4 << 10;
/// How long the head of an answer may be.
const MOST_ROOM: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody took the connection up.
    Connect(io::Error),
    /// It broke before the whole answer was here, or what came is no HTTP.
    Broken(io::Error),
}

/// The connections that nobody uses at the moment, by where they lead: a place or two as a rule. For one thread.
#[derive(Debug, Default)]
pub(super) struct Connections {
    idle: RefCell<Vec<(Authority, Vec<Connection>)>>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

/// An exchange on a connection, as far as it has come.
struct Exchange<'c> {
    stream: &'c mut TcpStream,
    input: &'c mut Vec<u8>,
    /// How much of `input` came in and has not been taken.
    waiting: usize,
    unsent: &'c [u8],
    /// Why no more can be sent. The answer may have come before that.
    refused: Option<io::Error>,
    answer: Answer,
}

impl Connections {
    /// Sends a request to an authority and reads the answer to its end; returns its status. What is dropped half-way takes its
    /// connection with it.
    pub(super) async fn send(&self, authority: &Authority, method: &str, request: &[u8]) -> Result<u16, Failure> {
        let kept = std::iter::from_fn(|| self.take_idle(authority)).find(Connection::is_open);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(authority).await.map_err(Failure::Connect)?,
        };
        let (status, reusable) = connection.ask(method, request).await.map_err(Failure::Broken)?;
        if reusable {
            let mut idle = self.idle.borrow_mut();
            match idle.iter_mut().find(|(leads_to, _)| leads_to == authority) {
                Some((_, others)) => others.push(connection),
                None => idle.push((authority.clone(), vec![connection])),
            }
        }
        Ok(status)
    }

    fn take_idle(&self, authority: &Authority) -> Option<Connection> {
        self.idle.borrow_mut().iter_mut().find(|(leads_to, _)| leads_to == authority)?.1.pop()
    }
}

impl Connection {
    async fn open(authority: &Authority) -> io::Result<Self> {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: vec![0; ROOM] })
    }

    /// Whether the other side has neither closed it nor said something that nobody asked for. The system is asked: what the runtime
    /// knows of a connection that nobody waits on may be old.
    fn is_open(&self) -> bool {
        matches!(recv(&self.stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT), Err(Errno::AGAIN))
    }

    /// The status, and whether the connection can be used again.
    async fn ask(&mut self, method: &str, request: &[u8]) -> io::Result<(u16, bool)> {
        let Self { stream, input } = self;
        let mut exchange = Exchange { stream, input, waiting: 0, unsent: request, refused: None, answer: Answer::to(method) };
        poll_fn(|context| exchange.poll(context)).await
    }
}

impl Exchange<'_> {
    /// Both ways at once: a server may answer before it has the whole request, and may want its answer read before it reads on.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<(u16, bool)>> {
        while !self.unsent.is_empty() && self.refused.is_none() {
            match Pin::new(&mut *self.stream).poll_write(context, self.unsent) {
                Poll::Ready(Ok(sent)) => self.unsent = self.unsent.get(sent..).unwrap_or_default(),
                Poll::Ready(Err(error)) => self.refused = Some(error),
                Poll::Pending => break,
            }
        }
        loop {
            let mut room = ReadBuf::new(self.input.get_mut(self.waiting..).unwrap_or_default());
            let read = ready!(Pin::new(&mut *self.stream).poll_read(context, &mut room));
            let here = room.filled().len();
            match read {
                Ok(()) if here > 0 => {}
                Ok(()) if self.answer.closed() => return Poll::Ready(Ok((self.answer.status(), false))),
                Ok(()) => return Poll::Ready(Err(self.refused.take().unwrap_or_else(cut_short))),
                Err(error) => return Poll::Ready(Err(self.refused.take().unwrap_or(error))),
            }
            self.waiting += here;
            let taken = self.answer.take(self.input.get(..self.waiting).unwrap_or_default()).map_err(malformed)?;
            self.input.copy_within(taken..self.waiting, 0);
            self.waiting -= taken;
            if self.answer.is_complete() {
                let reusable = self.answer.keeps_open() && self.waiting == 0 && self.unsent.is_empty();
                return Poll::Ready(Ok((self.answer.status(), reusable)));
            }
            if self.waiting == self.input.len() {
                if self.waiting >= MOST_ROOM {
                    return Poll::Ready(Err(malformed("the head of the answer is longer than 64 KiB")));
                }
                self.input.resize(2 * self.waiting, 0);
            }
        }
    }
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed before the whole answer was here")
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
        let request = format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n");
        connections.send(authority, "GET", request.as_bytes()).await.map_err(|failure| match failure {
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
