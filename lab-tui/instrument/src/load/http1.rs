//! HTTP/1.1 as far as a load needs it: a request as bytes, and where its answer ends. Nobody reads answers, so none of one is kept.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, ParserConfig, Status};

/// Headers of one answer that are looked at; one with more is refused.
const MOST_HEADERS: usize = 100;

/// Writes a request into `out`. Nothing where a header's value cannot be sent: it would end the header.
pub(super) fn write<'h>(
    out: &mut Vec<u8>,
    method: &str,
    path: &str,
    host: &str,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    body: Option<&str>,
) -> Option<()> {
    out.clear();
    let slash = if path.starts_with('/') { "" } else { "/" };
    for part in [method, " ", slash, path, " HTTP/1.1\r\nhost: ", host, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        if value.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control()) {
            return None;
        }
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    let body = body.unwrap_or_default();
    // Servers may insist on being told that there is no body where they expect one.
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        out.extend_from_slice(b"content-length: ");
        out.extend_from_slice(body.len().to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    Some(())
}

/// An answer as it comes in.
#[derive(Debug)]
pub(super) struct Answer {
    next: Next,
    /// It is to a HEAD request: whatever it says of a body, none comes.
    bodiless: bool,
    status: u16,
    keeps_open: bool,
}

/// What comes next of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    /// So many bytes, and then it is over.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// The other side closes the connection to say that it is over.
    UntilClose,
    Nothing,
}

impl Answer {
    /// Nothing has come in.
    pub(super) fn to(method: &str) -> Self {
        Self { next: Next::Head, bodiless: method == "HEAD", status: 0, keeps_open: false }
    }

    /// Its status, once it is complete.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn is_complete(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Whether another request may follow on the connection.
    pub(super) fn keeps_open(&self) -> bool {
        self.keeps_open
    }

    /// The other side sends no more. Whether the answer is complete now.
    pub(super) fn closed(&self) -> bool {
        matches!(self.next, Next::UntilClose | Next::Nothing)
    }

    /// Takes what has come in, from the first byte that it did not take before. Returns how many bytes it took: it wants to see the
    /// others again, with more after them.
    pub(super) fn take(&mut self, input: &[u8]) -> Result<usize, &'static str> {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..).filter(|rest| !rest.is_empty()) {
            let step = match self.next {
                Next::Nothing => 0,
                Next::Head => self.head(rest)?,
                Next::Body(left) => {
                    let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.next = body_of(left - here as u64);
                    here
                }
                Next::UntilClose => rest.len(),
                Next::ChunkSize => match httparse::parse_chunk_size(rest) {
                    Ok(Status::Complete((length, size))) => {
                        self.next = if size == 0 { Next::Trailers } else { Next::Chunk(size) };
                        length
                    }
                    Ok(Status::Partial) => 0,
                    Err(_) => return Err("the answer has a chunk without a size"),
                },
                Next::Chunk(left) => {
                    let here = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.next = if here as u64 == left { Next::ChunkEnd } else { Next::Chunk(left - here as u64) };
                    here
                }
                Next::ChunkEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        self.next = Next::ChunkSize;
                        2
                    }
                    [b'\r'] => 0,
                    _ => return Err("the answer has a chunk that is longer than its size"),
                },
                Next::Trailers => match httparse::parse_headers(rest, &mut [EMPTY_HEADER; MOST_HEADERS]) {
                    Ok(Status::Complete((length, _))) => {
                        self.next = Next::Nothing;
                        length
                    }
                    Ok(Status::Partial) => 0,
                    Err(_) => return Err("the answer's trailers are no headers"),
                },
            };
            if step == 0 {
                break;
            }
            taken += step;
        }
        Ok(taken)
    }

    fn head(&mut self, input: &[u8]) -> Result<usize, &'static str> {
        let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut headers);
        let Ok(Status::Complete(length)) = parsed else {
            return parsed.map(|_| 0).map_err(|_| "what came is no HTTP/1.1 answer");
        };
        let status = response.code.unwrap_or_default();
        // An informational answer comes before the one that counts.
        if (100..200).contains(&status) && status != 101 {
            return Ok(length);
        }
        self.status = status;
        self.keeps_open = response.version == Some(1);
        let (mut size, mut coding) = (None, None);
        for header in &*response.headers {
            let value = header.value.trim_ascii();
            // By length first: nearly every name is another one.
            match header.name.len() {
                10 if header.name.eq_ignore_ascii_case("connection") => {
                    for word in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                        if word.eq_ignore_ascii_case(b"close") {
                            self.keeps_open = false;
                        } else if word.eq_ignore_ascii_case(b"keep-alive") {
                            self.keeps_open = true;
                        }
                    }
                }
                14 if header.name.eq_ignore_ascii_case("content-length") => {
                    let told = number(value).ok_or("the answer's content-length is no number")?;
                    if size.is_some_and(|other| other != told) {
                        return Err("the answer has two lengths");
                    }
                    size = Some(told);
                }
                17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                    coding = value.rsplit(|byte| *byte == b',').next().map(<[u8]>::trim_ascii);
                }
                _ => {}
            }
        }
        self.next = match (coding, size) {
            _ if self.bodiless || matches!(status, 101 | 204 | 304) => Next::Nothing,
            (Some(coding), _) if coding.eq_ignore_ascii_case(b"chunked") => Next::ChunkSize,
            (None, Some(size)) => body_of(size),
            _ => Next::UntilClose,
        };
        self.keeps_open &= status != 101 && self.next != Next::UntilClose;
        Ok(length)
    }
}

fn body_of(left: u64) -> Next {
    if left == 0 { Next::Nothing } else { Next::Body(left) }
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of a whole answer, whether the connection stays open, and how many bytes were left over.
    type Taken = (Option<u16>, bool, usize);

    /// Takes an answer in pieces of `size` bytes.
    fn taken(method: &str, text: &[u8], size: usize) -> Result<Taken, &'static str> {
        let (mut answer, mut waiting) = (Answer::to(method), Vec::new());
        for (index, piece) in text.chunks(size).enumerate() {
            waiting.extend_from_slice(piece);
            let used = answer.take(&waiting)?;
            waiting.drain(..used);
            if answer.is_complete() {
                let unseen = text.len().saturating_sub((index + 1) * size);
                return Ok((Some(answer.status()), answer.keeps_open(), waiting.len() + unseen));
            }
        }
        Ok((answer.closed().then_some(answer.status()), answer.keeps_open(), waiting.len()))
    }

    #[test]
    fn an_answer_ends_where_it_says_however_it_is_cut() {
        let cases: [(&str, &[u8], Taken); 17] = [
            ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (Some(200), true, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP", (Some(200), true, 4)),
            ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", (None, true, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\nok", (Some(200), true, 0)),
            ("GET", b"HTTP/1.1 500 \r\ncontent-length: 0\r\nConnection: foo, Close\r\n\r\n", (Some(500), false, 0)),
            ("GET", b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", (Some(200), false, 0)),
            ("GET", b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", (Some(200), true, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\n\r\nuntil it closes", (Some(200), false, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ncontent-length: 1\r\n\r\n..", (Some(200), false, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n", (Some(200), true, 0)),
            ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nx: y\r\n\r\n!", (Some(200), true, 1)),
            ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n", (None, true, 0)),
            (
                "GET",
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
                (Some(204), true, 0),
            ),
            ("GET", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n..", (Some(101), false, 2)),
            ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n", (Some(304), true, 0)),
            ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", (Some(200), true, 0)),
            ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", (Some(200), true, 0)),
        ];
        for (method, text, expected) in cases {
            for size in 1..=text.len() {
                assert_eq!(taken(method, text, size), Ok(expected), "{} in pieces of {size}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_however_it_is_cut() {
        let cases: [(&[u8], &str); 7] = [
            (b"what?\r\n\r\n", "what came is no HTTP/1.1 answer"),
            (b"HTTP/2 200 OK\r\n\r\n", "what came is no HTTP/1.1 answer"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "the answer's content-length is no number"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "the answer's content-length is no number"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "the answer has two lengths"),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", "the answer has a chunk without a size"),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", "the answer has a chunk that is longer than its size"),
        ];
        for (text, expected) in cases {
            for size in 1..=text.len() {
                assert_eq!(taken("GET", text, size), Err(expected), "{} in pieces of {size}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn a_request_is_written_as_the_protocol_says() {
        let mut out = b"what was there".to_vec();
        write(&mut out, "GET", "/a?b=c", "h:1", [("accept", "*/*"), ("x", "ü\ty")], None).unwrap();
        assert_eq!(String::from_utf8(out.clone()).unwrap(), "GET /a?b=c HTTP/1.1\r\nhost: h:1\r\naccept: */*\r\nx: ü\ty\r\n\r\n");
        write(&mut out, "POST", "/", "h", [], Some("ä")).unwrap();
        assert_eq!(String::from_utf8(out.clone()).unwrap(), "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nä");
        write(&mut out, "PUT", "?a", "h", [], None).unwrap();
        assert_eq!(String::from_utf8(out.clone()).unwrap(), "PUT /?a HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(write(&mut out, "GET", "/", "h", [("x", "a\r\nevil: b")], None), None);
    }
}
