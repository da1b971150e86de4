//! The seam: a v2 request goes in, a v2 reply or a transport error comes out.
//!
//! Everything above knows endpoints, requests and replies; everything about HTTP stays below.

pub mod http;
pub mod memory;

use crate::v2::failure::TransportError;
use crate::v2::reply::{Headers, Reply};
use crate::v2::request::Request;
use crate::wire::endpoint::Endpoint;
use bytes::Bytes;
use std::future::Future;

/// Carries one attempt of a request to one endpoint.
pub trait Transport: Send + Sync {
    type Body: Body;

    /// Resolves with a reply as soon as its headers are here, whatever its status: of a watch, that is when the server
    /// has registered it. Dropping the future or the body gives the attempt up and closes what it had open.
    fn open(
        &self,
        endpoint: &Endpoint,
        request: &Request,
    ) -> impl Future<Output = Result<Opened<Self::Body>, TransportError>> + Send;

    /// Resolves with the complete reply.
    fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
    ) -> impl Future<Output = Result<Reply, TransportError>> + Send {
        async { self.open(endpoint, request).await?.complete().await }
    }
}

/// What follows the headers of a reply.
pub trait Body: Send {
    /// The next bytes, or `None` at the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, TransportError>> + Send;
}

/// A reply whose body is still to be read.
#[derive(Debug)]
pub struct Opened<B> {
    pub status: u16,
    pub headers: Headers,
    pub body: B,
}

impl<B: Body> Opened<B> {
    /// Reads the rest.
    ///
    /// # Errors
    /// When the reply is cut short, or larger than the transport takes.
    pub async fn complete(mut self) -> Result<Reply, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.body.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: self.status, headers: self.headers, body })
    }
}
