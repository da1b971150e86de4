//! One exchange: a request goes out, the beginning of its reply comes back.

use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::Request;
use crate::wire::headers::header_text;
use bytes::Bytes;
use http::HeaderMap;
use std::future::Future;

/// What is known of a reply's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// It is kept as a whole, so it must not be larger than the client takes.
    Limited,
    /// It goes on for ever, and is read piece by piece.
    Endless,
}

/// Sends requests to the members of a cluster.
pub trait Exchange: Send + Sync {
    type Body: Body;

    /// Resolves as soon as the headers of the reply are here, whatever its status: of a watch, that is when the server has
    /// registered it. Dropping the future or the body gives the attempt up and closes what it had open.
    fn open(
        &self,
        member: usize,
        request: &Request,
        length: Length,
    ) -> impl Future<Output = Result<Opened<Self::Body>, Failed>> + Send;
}

/// What follows the headers of a reply.
pub trait Body: Send {
    /// The next bytes, or `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Failed>> + Send;
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
    /// When the reply is cut short, or larger than the transport takes.
    pub async fn complete(mut self) -> Result<Reply, Failed> {
        let mut body = Vec::new();
        while let Some(chunk) = self.body.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: self.status, headers: header_text(&self.headers), body })
    }
}
