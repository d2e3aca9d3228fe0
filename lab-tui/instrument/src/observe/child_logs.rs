//! What a child process writes, line by line, into the store. It is read at once, so that a pipe never blocks a service.

use futures_util::StreamExt as _;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::store::Store;

/// A longer line is passed over up to its end.
const LONGEST_LINE: usize = 256 << 10;

/// Reads to the end of the stream. Each line goes into the store, and to `heard` while somebody listens there.
pub async fn read(service: String, stream: impl AsyncRead + Unpin, store: Store, heard: mpsc::Sender<String>) {
    let mut lines = FramedRead::new(stream, LinesCodec::new_with_max_length(LONGEST_LINE));
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => {
                store.add_log(&service, &line);
                // Only start-up listens; a full or closed channel is no reason to stop reading.
                let _ = heard.try_send(line);
            }
            Err(LinesCodecError::MaxLineLengthExceeded) => store.add_log(&service, "(a line of over 256 KiB was passed over)"),
            // Not text, or the pipe broke: the next read tells which.
            Err(LinesCodecError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {}
            Err(LinesCodecError::Io(_)) => return,
        }
    }
}
