//! The seam: a v2 request goes in, a v2 reply or a transport error comes out.
//!
//! Everything above knows endpoints, requests and replies; everything about HTTP stays below.

mod certificate;
mod connection;
mod fault;
pub mod http;
mod pool;
pub mod redirect;
pub mod tls;
mod verifier;

use crate::endpoint::Endpoint;
use crate::failure::TransportError;
use crate::reply::Reply;
use crate::request::Request;
use std::future::Future;

/// Carries one attempt of a request to one endpoint.
pub trait Transport: Send + Sync {
    /// Resolves with the complete reply, whatever its status. Dropping the future gives the attempt up and closes
    /// what it had open.
    fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
    ) -> impl Future<Output = Result<Reply, TransportError>> + Send;
}
