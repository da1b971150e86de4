//! One exchange: a request goes out, the beginning of its reply comes back.

use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::Request;
use crate::wire::fault;
use crate::wire::headers::header_text;
use bytes::Bytes;
use http::HeaderMap;
use std::future::Future;
use std::time::Duration;

/// Sends requests to the members of a cluster.
pub trait Exchange: Send + Sync {
    type Body: Body;

    /// The largest body that is kept as a whole, in bytes.
    fn limit(&self) -> usize;

    /// Resolves as soon as the headers of the reply are here, whatever its status: of a watch, that is when the server has
    /// registered it, unless somebody on the way holds them back. It waits for them for so long at most. Dropping the
    /// future or the body gives the attempt up and closes what it had open.
    fn open(
        &self,
        member: usize,
        request: &Request,
        patience: Option<Duration>,
    ) -> impl Future<Output = Result<Opened<Self::Body>, Failed>> + Send;
}

/// What follows the headers of a reply.
pub trait Body: Send {
    /// The next bytes, or `None` at the end. Safe to drop and call again.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Failed>> + Send;

    /// Whether a JSON text of it may be given to JavaScript, which makes values of it.
    ///
    /// # Errors
    /// When it holds more of them than the transport takes.
    fn check(&self, _json: &[u8]) -> Result<(), Failed> {
        Ok(())
    }
}

/// A reply whose body is still to be read.
#[derive(Debug)]
pub struct Opened<B> {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: B,
}

impl<B: Body> Opened<B> {
    /// Reads the rest.
    ///
    /// # Errors
    /// When the reply is cut short, or its body has more bytes than the limit.
    pub async fn complete(&mut self, limit: usize) -> Result<Reply, Failed> {
        let mut body = Vec::new();
        while let Some(chunk) = self.body.chunk().await? {
            if chunk.len() > limit - body.len() {
                return Err(fault::reply_too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        self.body.check(&body)?;
        Ok(Reply { status: self.status, headers: header_text(&self.headers), body })
    }
}
