//! The v2 API over HTTP/1.1.

mod decoding;
mod encode;
pub mod redirect;

use crate::transport::http::decoding::Decoder;
use crate::transport::http::redirect::{Hop, RedirectPolicy};
use crate::transport::{Body, Opened, Transport};
use crate::v2::failure::TransportError;
use crate::v2::reply::Headers;
use crate::v2::request::Request;
use crate::wire::connector::Way;
use crate::wire::endpoint::Endpoint;
use crate::wire::fault::{self, Fault, Stage};
use crate::wire::pool::{Lease, Pool, parse_proxy};
use crate::wire::resolver::SystemResolver;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::Url;

pub use crate::wire::pool::PoolOptions;

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
pub struct Http {
    pool: Pool,
    options: Arc<HttpOptions>,
    /// The direct ways to the endpoints, by their servers: made once, used by almost every request.
    ways: HashMap<String, Arc<Way>>,
    /// The host names that may see credentials after a redirect.
    trusted: HashSet<String>,
}

impl Http {
    /// # Errors
    /// When an endpoint's server is no URL, which [`Endpoint`] has made sure of.
    pub fn new(options: Arc<HttpOptions>, endpoints: &[Endpoint]) -> Result<Self, TransportError> {
        let pool = Pool::new(&options.pool, endpoints);
        let way = |endpoint: &Endpoint| {
            let server = endpoint.server();
            let url = Url::parse(server).map_err(|error| fault::unsendable(server, error))?;
            Ok((server.to_owned(), Arc::new(Way::new(&url, None))))
        };
        let ways = endpoints.iter().map(way).collect::<Result<_, _>>()?;
        let trusted = endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect();
        Ok(Self { pool, options, ways, trusted })
    }

    /// The direct way to an endpoint, and a request's URL there.
    fn target(&self, endpoint: &Endpoint, request: &Request) -> Result<(Arc<Way>, Url), TransportError> {
        let server = endpoint.server();
        let way =
            self.ways.get(server).ok_or_else(|| fault::unsendable(server, "no endpoint of the client"))?;
        let url = encode::url(&way.server, request).map_err(|error| fault::unsendable(server, error))?;
        Ok((Arc::clone(way), url))
    }

    /// Sends one request and reads its reply's headers; a redirect is the caller's business.
    ///
    /// A kept connection may have been closed by the server just now. A read then goes out again at once; a write that
    /// has left does not, as nobody knows whether it took place (semantics.md, part 4).
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        hop: &Hop,
        way: &Arc<Way>,
    ) -> Result<(Response<Incoming>, Lease), TransportError> {
        let failed = |fault| fault::transport_error(&fault, &hop.url, way);
        loop {
            let headers = encode::headers(&self.options, endpoint, hop, way);
            let message = encode::message(headers, request, hop, way)?;
            let kept = self.pool.kept(way);
            let is_kept = kept.is_some();
            let mut lease = match kept {
                Some(lease) => lease,
                // Boxed, as it is large and rare: the future of a request is moved and stored for every request.
                None => Box::pin(self.open(request, hop, way)).await?,
            };
            let sending = lease.sender.try_send_request(message);
            let mut error = match bounded(sending, request.timeout).await.ok_or_else(fault::idle_timeout)? {
                Ok(response) => return Ok((response, lease)),
                Err(error) => error,
            };
            let unsent = error.take_message().is_some();
            let error = failed(Fault::Http(error.into_error(), Stage::Request));
            let is_harmless = unsent || (request.is_read() && fault::is_hang_up(&error));
            if !(is_kept && is_harmless) {
                return Err(TransportError { sent: !unsent, ..error });
            }
        }
    }

    async fn open(&self, request: &Request, hop: &Hop, way: &Arc<Way>) -> Result<Lease, TransportError> {
        let resolver = SystemResolver::default();
        let found = Arc::clone(&resolver.found);
        let opened = bounded(self.pool.open(way, resolver), request.timeout).await;
        opened.ok_or_else(fault::connect_timeout)?.map_err(|error| {
            fault::transport_error(&Fault::Connect(error, found.get().copied()), &hop.url, way)
        })
    }
}

impl Transport for Http {
    type Body = HttpBody;

    async fn open(&self, endpoint: &Endpoint, request: &Request) -> Result<Opened<HttpBody>, TransportError> {
        let (direct, url) = self.target(endpoint, request)?;
        // Chosen by the first URL; redirects stay on it.
        let proxy = request.proxies.as_ref().and_then(|rules| rules.proxy_for(&url));
        let proxy = proxy.map(parse_proxy).transpose()?;
        let mut way = if proxy.is_none() { direct } else { Arc::new(Way::new(&url, proxy.clone())) };
        let mut place = if request.is_watch() { None } else { self.pool.place(endpoint).await };
        let mut hop = Hop::first(url, request.method.clone());
        loop {
            let (response, lease) = self.exchange(endpoint, request, &hop, &way).await?;
            let (mut head, incoming) = response.into_parts();
            let decoder = if self.options.pool.gzip { Decoder::for_reply(&mut head.headers) } else { None };
            let status = head.status.as_u16();
            let trusted = |name: &str| self.trusted.contains(name);
            let next = hop.next(status, &head.headers, self.options.redirects, trusted)?;
            let body = HttpBody {
                incoming,
                lease: Some(lease),
                decoder,
                url: Arc::clone(&hop.url),
                way: Arc::clone(&way),
                // Only a watch that the server accepts may wait for what comes.
                idle: request.timeout.filter(|_| !request.is_watch() || status >= 300),
                limit: self.options.max_response_size,
                // Of a stream only the line that is being read takes memory.
                counted: (!request.is_stream()).then_some(0),
                may_end_in_reset: status >= 400 && !has_length(&head.headers),
                place: place.take(),
            };
            let mut opened = Opened { status, headers: lines(&head.headers), body };
            match next {
                None => return Ok(opened),
                Some(next) => {
                    place = opened.body.place.take();
                    // Read to the end, so that the connection can be kept.
                    opened.complete().await?;
                    way = Arc::new(Way::new(&next.url, proxy.clone()));
                    hop = next;
                }
            }
        }
    }
}

/// The body of a reply over HTTP.
#[derive(Debug)]
pub struct HttpBody {
    incoming: Incoming,
    lease: Option<Lease>,
    decoder: Option<Decoder>,
    url: Arc<Url>,
    way: Arc<Way>,
    idle: Option<Duration>,
    limit: usize,
    counted: Option<usize>,
    /// Who refuses a request unread, as proxies do, makes the connection's end a reset (RFC 9112 9.6).
    may_end_in_reset: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl HttpBody {
    fn failed(&self, fault: Fault) -> TransportError {
        fault::transport_error(&fault, &self.url, &self.way)
    }

    /// The next bytes as received; trailers are nobody's business.
    async fn received(&mut self) -> Result<Option<Bytes>, TransportError> {
        while let Some(frame) = self.incoming.frame().await {
            let frame = match frame.map_err(|error| self.failed(Fault::Http(error, Stage::Body))) {
                Err(error) if self.may_end_in_reset && fault::is_hang_up(&error) => return Ok(None),
                frame => frame?,
            };
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    fn decoded(
        &mut self,
        work: impl FnOnce(&mut Decoder) -> io::Result<Bytes>,
    ) -> Result<Option<Bytes>, TransportError> {
        let Some(decoder) = &mut self.decoder else { return Ok(None) };
        work(decoder).map(Some).map_err(|error| self.failed(Fault::Decode(error)))
    }

    fn count(&mut self, bytes: &Bytes) -> Result<(), TransportError> {
        let Some(counted) = &mut self.counted else { return Ok(()) };
        *counted += bytes.len();
        if *counted > self.limit { Err(fault::reply_too_large(self.limit)) } else { Ok(()) }
    }
}

impl Body for HttpBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            let limit = self.idle;
            let received = bounded(self.received(), limit).await.ok_or_else(fault::idle_timeout)??;
            let is_end = received.is_none();
            let bytes = match received {
                Some(bytes) => self.decoded(|decoder| decoder.decode(&bytes))?.unwrap_or(bytes),
                None => {
                    if let Some(lease) = self.lease.take() {
                        // The connection has a turn first, to see whether the server says more than it was asked.
                        tokio::task::yield_now().await;
                        lease.give_back();
                    }
                    self.decoded(Decoder::finish)?.unwrap_or_default()
                }
            };
            self.count(&bytes)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            if is_end {
                return Ok(None);
            }
        }
    }
}

/// Waits for at most `limit`; `None` when that was not enough.
async fn bounded<F: Future>(work: F, limit: Option<Duration>) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

/// Whether the end of a reply's body is told, and not that of its connection.
fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

fn lines(headers: &HeaderMap) -> Headers {
    let length = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2).sum();
    let mut lines = Headers::with_capacity(length);
    for (name, value) in headers {
        lines.push(name.as_str(), value.as_bytes());
    }
    lines
}
