//! The v2 API over HTTP/1.1.

use crate::endpoint::Endpoint;
use crate::failure::TransportError;
use crate::reply::Headers;
use crate::request::Request;
use crate::transport::connection::{Connection, Need, Phase};
use crate::transport::fault::{self, Stage};
use crate::transport::message;
use crate::transport::pool::{Pool, parse_proxy};
use crate::transport::redirect::{Hop, RedirectPolicy};
use crate::transport::{Body, Opened, Transport};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};
use reqwest::{Client, Response};
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

pub use crate::transport::pool::PoolOptions;

/// How to speak HTTP to the endpoints of one client.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Headers of every request; they win over our own.
    pub headers: HeaderMap,
    /// Wins over an endpoint's own and over an `Authorization` among `headers`.
    pub authorization: Option<HeaderValue>,
    /// The largest reply taken, in bytes, after decompression.
    pub max_response_size: usize,
    pub redirects: RedirectPolicy,
    pub pool: PoolOptions,
}

/// The HTTP transport of one client. Belongs to the runtime it was first used on.
#[derive(Debug)]
pub struct Http {
    pool: Pool,
    options: Arc<HttpOptions>,
    /// The host names that may see credentials after a redirect.
    trusted: HashSet<String>,
}

/// The way to an endpoint.
struct Route {
    client: Client,
    proxy: Option<Url>,
}

impl Http {
    /// # Errors
    /// When the HTTP client cannot be built, which no option accepted so far causes.
    pub fn new(options: Arc<HttpOptions>, endpoints: &[Endpoint]) -> Result<Self, TransportError> {
        let pool = Pool::new(options.pool.clone(), endpoints)?;
        let trusted = endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect();
        Ok(Self { pool, options, trusted })
    }

    /// Chosen by the first URL; redirects stay on it.
    fn route(&self, request: &Request, url: &Url) -> Result<Route, TransportError> {
        match request.proxies.as_ref().and_then(|rules| rules.proxy_for(url)) {
            None => Ok(Route { client: self.pool.direct().clone(), proxy: None }),
            Some(proxy) => {
                let proxy = parse_proxy(proxy)?;
                Ok(Route { client: self.pool.through(&proxy)?, proxy: Some(proxy) })
            }
        }
    }

    /// Sends one request and reads its reply's headers; a redirect is the caller's business.
    ///
    /// A kept connection may have been closed by the server just now. A read then goes out again at once; a write does
    /// not, as nobody knows whether it took place (semantics.md, part 4).
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        route: &Route,
        hop: &Hop,
    ) -> Result<(Response, Arc<Connection>), TransportError> {
        loop {
            let connection = Arc::new(Connection::default());
            let message = message::message(&self.options, endpoint, request, hop, route.proxy.is_some());
            let sending = connection.observe(route.client.execute(message));
            let error = match bounded(sending, request.timeout, &connection).await? {
                Ok(response) => return Ok((response, connection)),
                Err(error) => error,
            };
            let peer = route.proxy.as_ref().unwrap_or(&hop.url);
            let error = fault::transport_error(&error, Stage::Request, &hop.url, peer, &connection);
            let is_stale = connection.phase() == Phase::Kept && fault::is_hang_up(&error);
            if !(is_stale && request.is_read()) {
                return Err(error);
            }
        }
    }
}

impl Transport for Http {
    type Body = HttpBody;

    async fn open(&self, endpoint: &Endpoint, request: &Request) -> Result<Opened<HttpBody>, TransportError> {
        let url = Url::parse(&(endpoint.server().to_owned() + &request.path_and_query()))
            .map_err(|error| fault::unsendable(endpoint, error))?;
        let route = self.route(request, &url)?;
        let mut place = if request.is_watch() { None } else { self.pool.place(endpoint).await };
        let mut need = Some(self.pool.need());
        let mut hop = Hop::first(url, request.method.clone());
        loop {
            let (mut response, connection) = self.exchange(endpoint, request, &route, &hop).await?;
            let status = response.status().as_u16();
            let headers = std::mem::take(response.headers_mut());
            let trusted = |name: &str| self.trusted.contains(name);
            let next = hop.next(status, &headers, self.options.redirects, trusted)?;
            let body = HttpBody {
                response,
                connection,
                url: hop.url.clone(),
                peer: route.proxy.clone(),
                // Only a watch that the server accepts may wait for what comes.
                idle: request.timeout.filter(|_| !request.is_watch() || status >= 300),
                limit: self.options.max_response_size,
                // Of a stream only the line that is being read takes memory.
                counted: (!request.is_stream()).then_some(0),
                may_end_in_reset: status >= 400 && !has_length(&headers),
                place: place.take(),
                need: need.take(),
            };
            let mut opened = Opened { status, headers: lines(&headers), body };
            match next {
                None => return Ok(opened),
                Some(next) => {
                    place = opened.body.place.take();
                    need = opened.body.need.take();
                    // Read to the end, so that the connection can be kept.
                    opened.complete().await?;
                    hop = next;
                }
            }
        }
    }
}

/// The body of a reply over HTTP.
#[derive(Debug)]
pub struct HttpBody {
    response: Response,
    connection: Arc<Connection>,
    url: Url,
    peer: Option<Url>,
    idle: Option<Duration>,
    limit: usize,
    counted: Option<usize>,
    /// Who refuses a request unread, as proxies do, makes the connection's end a reset (RFC 9112 9.6).
    may_end_in_reset: bool,
    place: Option<OwnedSemaphorePermit>,
    need: Option<Need>,
}

impl Body for HttpBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let next = match self.idle {
            Some(limit) => timeout(limit, self.response.chunk()).await.map_err(|_| fault::idle_timeout())?,
            None => self.response.chunk().await,
        };
        let next = next.map_err(|error| {
            let peer = self.peer.as_ref().unwrap_or(&self.url);
            fault::transport_error(&error, Stage::Body, &self.url, peer, &self.connection)
        });
        let chunk = match next {
            Err(error) if self.may_end_in_reset && fault::is_hang_up(&error) => None,
            next => next?,
        };
        if let (Some(counted), Some(chunk)) = (&mut self.counted, &chunk) {
            *counted += chunk.len();
            if *counted > self.limit {
                return Err(fault::reply_too_large(self.limit));
            }
        }
        if chunk.is_none() {
            // Lets the pool take the connection back first: whoever hears of the end may ask for one at once.
            tokio::task::yield_now().await;
        }
        Ok(chunk)
    }
}

/// Waits for the headers. Connecting may take `limit`, and from then on the server may be silent for `limit`.
async fn bounded<F: Future>(
    sending: F,
    limit: Option<Duration>,
    connection: &Connection,
) -> Result<F::Output, TransportError> {
    let Some(limit) = limit else { return Ok(sending.await) };
    tokio::pin!(sending);
    let mut deadline = Instant::now() + limit;
    loop {
        if let Ok(sent) = timeout_at(deadline, &mut sending).await {
            return Ok(sent);
        }
        match connection.phase() {
            Phase::Connecting => return Err(fault::connect_timeout()),
            Phase::Connected(at) if at + limit > deadline => deadline = at + limit,
            Phase::Connected(_) | Phase::Kept => return Err(fault::idle_timeout()),
        }
    }
}

/// Whether the end of a reply's body is told, and not that of its connection.
fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

fn lines(headers: &HeaderMap) -> Headers {
    let mut lines = Headers::default();
    for (name, value) in headers {
        lines.push(name.as_str(), value.as_bytes());
    }
    lines
}
