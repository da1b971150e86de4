//! A stream that lets others run.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// How much is read in a row.
const AT_ONCE: usize = 128 * 1024;

/// Pauses a reader for whom more and more comes, so that the thread sees to timers and other connections in between.
/// What comes can take long to read: a chunk's size is read byte by byte, and may begin with any number of zeros.
pub struct Yielding<S> {
    stream: S,
    left: usize,
}

impl<S> Yielding<S> {
    pub const fn new(stream: S) -> Self {
        Self { stream, left: AT_ONCE }
    }
}

impl<S: Read + Unpin> Read for Yielding<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.left = AT_ONCE;
            // Polled once, it wakes this task after all others, and after the timers.
            if pin!(tokio::task::yield_now()).poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        let room = buffer.remaining();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.left = if read.is_pending() { AT_ONCE } else { self.left.saturating_sub(room) };
        read
    }
}

impl<S: Write + Unpin> Write for Yielding<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
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
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }
}
