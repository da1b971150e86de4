//! Connections that speak HTTP/1.1.

use crate::wire::connector::{BoxError, BoxStream};
use crate::wire::yielding::Yielding;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use std::future::Future;
use tokio::task::AbortHandle;

/// How many bytes the names and values of a reply's headers may have altogether: Node's `maxHeaderSize`.
pub const MAX_HEAD: usize = 16 * 1024;

/// An open connection, which the runtime that it was opened on drives.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Connection {
    /// Makes a stream a connection.
    ///
    /// # Errors
    /// When the server closes the stream or sends something unasked.
    pub async fn handshake(stream: BoxStream) -> Result<Self, BoxError> {
        let (mut sender, connection) = builder().handshake(Yielding::new(stream)).await?;
        // Its errors reach the request that it carries.
        let driver = tokio::spawn(connection).abort_handle();
        // The connection runs once before its first request, so that what a server says unasked answers none.
        sender.ready().await?;
        Ok(Self { sender, driver })
    }

    /// Sends a request and resolves with the beginning of its reply, or an error: with the request, if none of it was sent.
    pub fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>>> + use<> {
        self.sender.try_send_request(request)
    }

    /// Whether it can carry a request now: the one before was sent and answered to its end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }
}

/// Between two requests a connection takes its leave. In the middle of one it closes at once, since what is still to be
/// written a server may never read.
impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_ready() {
            self.driver.abort();
        }
    }
}

/// How many lines a reply's head may have: so many does Node keep. hyper makes room for them with each reply, 32 bytes
/// each and twice. With 4,096 lines, as many as fit into [`MAX_HEAD`], the allocator takes 4,500 instructions more for
/// that.
const MAX_LINES: usize = 2000;

/// What a reply's head may hold is limited by its reader, by Node's rule. What hyper is told is beyond that.
fn builder() -> Builder {
    let mut http1 = Builder::new();
    http1.max_headers(MAX_LINES).max_header_size(2 * MAX_HEAD);
    http1
}
