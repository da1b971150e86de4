//! A stream that remembers what HTTP/2 does not pass on.

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// What was seen of a stream.
#[derive(Debug, Default)]
pub struct Seen {
    failure: OnceLock<io::Error>,
    first_byte: OnceLock<u8>,
}

impl Seen {
    /// What ended the stream, in the words of the system or of TLS: h2 keeps the kind of it alone.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.get()
    }

    /// Whether the server's first byte is none that HTTP/2 can begin with: that of a length, of a short frame.
    pub fn is_other_protocol(&self) -> bool {
        self.first_byte.get().is_some_and(|&byte| byte != 0)
    }

    fn keep<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        result.map_err(|error| {
            let kind = error.kind();
            // The first one is the cause of those that follow.
            let _ = self.failure.set(error);
            kind.into()
        })
    }
}

/// A stream that is watched.
pub struct Witness<S> {
    stream: S,
    pub seen: Arc<Seen>,
}

impl<S> Witness<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, seen: Arc::default() }
    }
}

impl<S: Read + Unpin> Witness<S> {
    fn read_first(
        &mut self,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut first = [0];
        let room = buffer.remaining().min(first.len());
        let mut read = ReadBuf::new(&mut first[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(context, read.unfilled()))?;
        if let Some(&byte) = read.filled().first() {
            let _ = self.seen.first_byte.set(byte);
        }
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Read + Unpin> Read for Witness<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match self.seen.first_byte.get() {
            Some(_) => Pin::new(&mut self.stream).poll_read(context, buffer),
            None => self.read_first(context, buffer),
        };
        self.seen.keep(read)
    }
}

impl<S: Write + Unpin> Write for Witness<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.seen.keep(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.seen.keep(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.seen.keep(written)
    }
}
