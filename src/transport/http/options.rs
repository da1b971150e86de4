//! How to speak HTTP to the members of one cluster.

use crate::transport::http::redirect::RedirectPolicy;
use crate::wire::connector::ConnectorOptions;
use crate::wire::endpoint::Endpoint;
use crate::wire::proxy::Proxies;
use http::{HeaderMap, HeaderValue};

#[derive(Debug)]
pub struct HttpOptions {
    pub endpoints: Vec<Endpoint>,
    /// Headers of every request; they win over our own.
    pub headers: HeaderMap,
    /// Wins over an endpoint's own and over an `Authorization` among `headers`.
    pub authorization: Option<HeaderValue>,
    /// Ask for compressed replies.
    pub gzip: bool,
    /// The largest reply taken, in bytes, after decompression.
    pub max_response_size: usize,
    /// Requests that may be under way at once to one endpoint, those that wait not counted.
    pub max_sockets: usize,
    /// Whether a connection serves further requests.
    pub keep_alive: bool,
    pub redirects: RedirectPolicy,
    pub connector: ConnectorOptions,
    pub proxies: Proxies,
}
