//! Connections that speak HTTP/1.1.

use crate::wire::connector::{BoxError, BoxStream};
use crate::wire::yielding::Yielding;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};

/// An open connection, from the side of its requests.
pub type Sender = SendRequest<Full<Bytes>>;

/// How many bytes the names and values of a reply's headers may have altogether: Node's `maxHeaderSize`.
pub const MAX_HEAD: usize = 16 * 1024;

/// Makes a stream a connection, which the current runtime drives from then on.
///
/// # Errors
/// When the server closes the stream or sends something unasked.
pub async fn handshake(stream: BoxStream) -> Result<Sender, BoxError> {
    let (mut sender, connection) = builder().handshake(Yielding::new(stream)).await?;
    // Its errors reach the request that it carries.
    tokio::spawn(connection);
    // The connection runs once before its first request, so that what a server says unasked answers none.
    sender.ready().await?;
    Ok(sender)
}

/// What a reply's head may hold is limited by its reader, by Node's rule. What hyper is told is beyond that: so many
/// lines of a letter each, and the bytes that they take on the wire.
fn builder() -> Builder {
    let mut http1 = Builder::new();
    http1.max_headers(MAX_HEAD / 4).max_header_size(2 * MAX_HEAD);
    http1
}
