//! The v2 API over HTTP/1.1.

use crate::endpoint::Endpoint;
use crate::failure::TransportError;
use crate::reply::{Headers, Reply};
use crate::request::Request;
use crate::transport::Transport;
use crate::transport::connection::{Connection, Phase};
use crate::transport::fault::{self, Stage};
use crate::transport::pool::{Pool, parse_proxy};
use crate::transport::redirect::{Hop, RedirectPolicy};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Body, Client, Response};
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
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

    fn message(&self, endpoint: &Endpoint, request: &Request, hop: &Hop) -> reqwest::Request {
        let mut message = reqwest::Request::new(hop.method.clone(), hop.url.clone());
        *message.headers_mut() = self.headers(endpoint, hop);
        match &request.form {
            Some(form) if hop.with_form => {
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                message.headers_mut().insert(header::CONTENT_TYPE, kind);
                *message.body_mut() = Some(Body::from(form.clone()));
            }
            _ if matches!(hop.method, Method::GET | Method::HEAD) => {}
            _ => {
                message.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        message
    }

    fn headers(&self, endpoint: &Endpoint, hop: &Hop) -> HeaderMap {
        let mut headers = self.options.headers.clone();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if hop.is_redirected() {
            headers.remove(header::HOST);
        }
        if !hop.with_credentials {
            headers.remove(header::AUTHORIZATION);
            headers.remove(header::COOKIE);
        } else if let Some(authorization) = &self.options.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        } else if let Some(authorization) = endpoint.authorization() {
            headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        headers
    }

    /// Sends one request and reads its reply; a redirect is the caller's business.
    ///
    /// A kept connection may have been closed by the server just now. A read then goes out again at once; a write does
    /// not, as nobody knows whether it took place (semantics.md, part 4).
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        route: &Route,
        hop: &Hop,
    ) -> Result<(Reply, HeaderMap), TransportError> {
        loop {
            let connection = Arc::new(Connection::default());
            let exchanged = self.exchange_once(endpoint, request, route, hop, &connection).await;
            match exchanged {
                Err(error)
                    if request.is_read()
                        && connection.phase() == Phase::Kept
                        && fault::is_hang_up(&error) => {}
                exchanged => return exchanged,
            }
        }
    }

    async fn exchange_once(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        route: &Route,
        hop: &Hop,
        connection: &Arc<Connection>,
    ) -> Result<(Reply, HeaderMap), TransportError> {
        let peer = route.proxy.as_ref().unwrap_or(&hop.url);
        let failed =
            |error: &reqwest::Error, stage| fault::transport_error(error, stage, &hop.url, peer, connection);
        let sending = connection.observe(route.client.execute(self.message(endpoint, request, hop)));
        let mut response = bounded(sending, request.timeout, connection)
            .await?
            .map_err(|error| failed(&error, Stage::Request))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let idle = request.timeout.filter(|_| !request.is_watch());
        let mut body = Vec::new();
        while let Some(chunk) =
            next_chunk(&mut response, idle).await?.map_err(|error| failed(&error, Stage::Body))?
        {
            if body.len() + chunk.len() > self.options.max_response_size {
                return Err(fault::reply_too_large(self.options.max_response_size));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((Reply { status, headers: lines(&headers), body }, headers))
    }
}

impl Transport for Http {
    async fn send(&self, endpoint: &Endpoint, request: &Request) -> Result<Reply, TransportError> {
        let url = Url::parse(&(endpoint.server().to_owned() + &request.path_and_query()))
            .map_err(|error| fault::unsendable(endpoint, error))?;
        let route = self.route(request, &url)?;
        let _place = if request.is_watch() { None } else { self.pool.place(endpoint).await };
        let mut hop = Hop::first(url, request.method.clone());
        loop {
            let (reply, headers) = self.exchange(endpoint, request, &route, &hop).await?;
            let trusted = |name: &str| self.trusted.contains(name);
            match hop.next(reply.status, &headers, self.options.redirects, trusted)? {
                Some(next) => hop = next,
                None => return Ok(reply),
            }
        }
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

async fn next_chunk(
    response: &mut Response,
    limit: Option<Duration>,
) -> Result<reqwest::Result<Option<Bytes>>, TransportError> {
    match limit {
        Some(limit) => timeout(limit, response.chunk()).await.map_err(|_| fault::idle_timeout()),
        None => Ok(response.chunk().await),
    }
}

fn lines(headers: &HeaderMap) -> Headers {
    let mut lines = Headers::default();
    for (name, value) in headers {
        lines.push(name.as_str(), value.as_bytes());
    }
    lines
}
