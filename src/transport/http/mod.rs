//! The v2 API over HTTP/1.1.

mod body;
mod decoding;
mod encode;
pub mod exchange;
mod line;
mod member;
pub mod options;
mod parameters;
pub mod redirect;
#[cfg(test)]
mod tests;
pub mod watch;

use crate::transport::{Broken, Feed, Transport};
use crate::v2::failure::{Failed, Kind};
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Watch};
use crate::wire::bounded::bounded;
use crate::wire::fault::{self, Fault, Stage};
use crate::wire::http1::MAX_HEAD;
use crate::wire::pool::{Lease, Pool};
use crate::wire::resolver::SystemResolver;
use crate::wire::way::Way;
use body::HttpBody;
use bytes::Bytes;
use decoding::Decoder;
use exchange::{Exchange, Opened};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use member::Member;
use parameters::Parameters;
use redirect::Hop;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub use options::HttpOptions;

/// The HTTP transport of one client. Belongs to the runtime it was first used on.
pub struct Http {
    pool: Pool,
    options: Arc<HttpOptions>,
    members: Vec<Member>,
    /// The host names that may see credentials after a redirect.
    trusted: HashSet<String>,
    /// How many bytes the line of a request may have.
    line_limit: usize,
}

impl Http {
    #[must_use]
    pub fn new(options: Arc<HttpOptions>) -> Self {
        Self {
            pool: Pool::new(&options.connector, options.keep_alive),
            members: options.endpoints.iter().map(|endpoint| Member::new(&options, endpoint)).collect(),
            trusted: options.endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect(),
            line_limit: line::limit(&options.endpoints),
            options,
        }
    }

    /// Where a request to a member goes first, and its form. Its proxy is chosen here; redirects stay on it.
    fn first_hop(&self, member: &Member, request: &Request) -> Result<(Hop, Option<Bytes>), Failed> {
        let Parameters { query, form } = request.into();
        let path = member.path(&request.target, &query)?;
        line::check(request, &path, &query, self.line_limit)?;
        let way = match self.options.proxies.on_the_way_to(&member.way.server)? {
            None => Arc::clone(&member.way),
            Some(proxy) => Arc::new(Way::new(&member.way.server, Some(proxy))),
        };
        Ok((Hop::first(request.verb.clone(), way, path), form))
    }

    fn headers(&self, member: usize, hop: &Hop) -> HeaderMap {
        match self.members[member].direct_headers(hop) {
            Some(headers) => headers.clone(),
            None => encode::headers(&self.options, &self.options.endpoints[member], hop),
        }
    }

    /// Sends one request and reads its reply's headers; a redirect is the caller's business.
    ///
    /// A kept connection may have been closed by the server just now. A read then goes out again at once; a write that
    /// has left does not, as nobody knows whether it took place (semantics.md, part 4).
    async fn exchange(
        &self,
        member: usize,
        request: &Request,
        form: Option<&Bytes>,
        hop: &Hop,
        patience: Option<Duration>,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        loop {
            let message = encode::message(self.headers(member, hop), form, hop)?;
            let kept = self.pool.kept(&hop.way, request.once).await;
            let is_kept = kept.is_some();
            let mut lease = match kept {
                Some(lease) => lease,
                // Boxed, as it is large and rare: the future of a request is moved and stored for every request.
                None => Box::pin(self.connect(request, &hop.way)).await?,
            };
            let sending = lease.connection.send(message);
            let mut error = match bounded(sending, patience).await.ok_or_else(fault::idle_timeout)? {
                Ok(response) if header_length(response.headers()) >= MAX_HEAD => {
                    return Err(fault::header_overflow());
                }
                Ok(response) => return Ok((response, lease)),
                Err(error) => error,
            };
            let unsent = error.take_message().is_some();
            let failed = Fault::Http(error.into_error(), Stage::Request).failed(&hop.way);
            let is_harmless = unsent || (request.verb.is_read() && failed.kind == Kind::Reset);
            if !(is_kept && is_harmless) {
                return Err(Failed { sent: !unsent, ..failed });
            }
        }
    }

    async fn connect(&self, request: &Request, way: &Arc<Way>) -> Result<Lease, Failed> {
        let resolver = SystemResolver::default();
        let found = Arc::clone(&resolver.found);
        let opened = bounded(self.pool.open(way, resolver), request.timeout).await;
        let opened = opened.ok_or_else(fault::connect_timeout)?;
        opened.map_err(|error| Fault::Connect(error, found.get().copied()).failed(way))
    }

    /// The reply of a hop, from its headers on.
    fn opened(
        &self,
        response: Response<Incoming>,
        mut lease: Lease,
        hop: &Hop,
        request: &Request,
    ) -> Opened<HttpBody> {
        let (mut head, incoming) = response.into_parts();
        let status = head.status.as_u16();
        lease.obey(&head.headers);
        let body = HttpBody {
            limit: self.options.max_response_size,
            incoming,
            lease: Some(lease),
            way: Arc::clone(&hop.way),
            // Only a watch that the server accepts may wait for what comes.
            idle: request.timeout.filter(|_| !request.waits || status >= 300),
            may_end_in_reset: status >= 400 && !has_length(&head.headers),
            decoder: if self.options.gzip { Decoder::for_reply(&mut head.headers) } else { None },
            permit: None,
        };
        Opened { status, headers: head.headers, body }
    }
}

impl Exchange for Http {
    type Body = HttpBody;

    fn limit(&self) -> usize {
        self.options.max_response_size
    }

    async fn open(
        &self,
        member: usize,
        request: &Request,
        patience: Option<Duration>,
    ) -> Result<Opened<HttpBody>, Failed> {
        let at = &self.members[member];
        let (mut hop, form) = self.first_hop(at, request)?;
        let permit = if request.waits { None } else { at.permit().await };
        loop {
            let (response, lease) = self.exchange(member, request, form.as_ref(), &hop, patience).await?;
            let trusted = |name: &str| self.trusted.contains(name);
            let status = response.status().as_u16();
            let next = hop.next(status, response.headers(), self.options.redirects, trusted)?;
            let mut opened = self.opened(response, lease, &hop, request);
            let Some(next) = next else {
                opened.body.permit = permit;
                return Ok(opened);
            };
            // Read to the end, so that the connection can be kept.
            opened.complete(self.limit()).await?;
            hop = next;
        }
    }
}

impl Transport for Http {
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        let mut opened = self.open(member, request, request.timeout).await?;
        let reply = if request.waits {
            // Boxed, as it is large and rare: every request would carry it.
            Box::pin(watch::store::complete(self, member, request, opened)).await?
        } else {
            opened.complete(self.limit()).await?
        };
        if reply.status < 500 || reply.is_refusal() { Ok(reply) } else { Err(Failed::unavailable(reply)) }
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        watch::follow(self, member, watch, since, feed).await
    }
}

/// As Node counts it, if one leaves the reason aside.
fn header_length(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Whether the end of a reply's body is told, and not that of its connection.
fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}
