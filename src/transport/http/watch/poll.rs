//! A long poll, which the server keeps: for the first change at or after an index.

use crate::transport::http::exchange::{Body, Exchange, Opened};
use crate::transport::http::watch::event::{self, Found};
use crate::transport::http::watch::kept::Kept;
use crate::transport::http::watch::store::{is_etcds, position_of};
use crate::transport::{Broken, Position};
use crate::v2::failure::Failed;
use crate::v2::reply::{Headers, Reply};
use crate::v2::request::Request;
use crate::wire::fault;
use crate::wire::headers::header_text;
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// The beginning of a reply that is awaited. Boxed: a watch mostly waits, and there may be thousands that should not carry
/// it meanwhile.
pub type Opening<'a, B> = Pin<Box<dyn Future<Output = Result<Opened<B>, Broken>> + Send + 'a>>;

/// Sends a request, to the headers of its reply, however long they take.
pub fn open<'a, E: Exchange>(exchange: &'a E, member: usize, request: Request) -> Opening<'a, E::Body> {
    Box::pin(async move {
        let mut opened = exchange.open(member, &request, None).await.map_err(Broken::Failed)?;
        if opened.status < 400 {
            return Ok(opened);
        }
        let is_etcds = is_etcds(&opened.headers);
        let reply = opened.complete(exchange.limit()).await.map_err(Broken::Failed)?;
        if reply.status >= 500 {
            return Err(Broken::Failed(Failed::unavailable(reply)));
        }
        // A refusal that tells of a change is none.
        event::read(reply, is_etcds).and_then(|found| Err(Broken::Unexpected(found.reply)))
    })
}

/// A poll that the server keeps. Nothing has come of an event until it has begun.
pub struct Poll<'a, B> {
    /// The index that it asks for.
    pub asked: Option<u64>,
    /// Where the store was at its registration, or once it was sent; `None` when nobody says.
    pub position: Option<Position>,
    headers: HeadersOf<'a, B>,
    /// What has come of the reply's body.
    kept: Kept,
    has_begun: bool,
    has_ended: bool,
}

/// The headers of a reply, and what follows them.
enum HeadersOf<'a, B> {
    /// Somebody on the way holds them back, as a proxy that buffers.
    Held(Opening<'a, B>),
    Here(Here<B>),
}

/// A reply whose headers are here, as text: what hyper gives holds the buffer that they were read into, for as long as the
/// server keeps the poll.
struct Here<B> {
    status: u16,
    headers: Headers,
    is_etcds: bool,
    body: B,
}

impl<B> From<Opened<B>> for Here<B> {
    fn from(Opened { status, headers, body }: Opened<B>) -> Self {
        Self { status, is_etcds: is_etcds(&headers), headers: header_text(&headers), body }
    }
}

impl<'a, B: Body> Poll<'a, B> {
    /// With the headers of its reply. Of an event, at most so many bytes are kept.
    pub fn opened(asked: Option<u64>, opened: Opened<B>, limit: usize) -> Self {
        Self::new(asked, position_of(&opened.headers), HeadersOf::Here(opened.into()), limit)
    }

    /// Without headers yet, from a server that lives: the store is there.
    pub fn held(
        asked: Option<u64>,
        position: Option<Position>,
        opening: Opening<'a, B>,
        limit: usize,
    ) -> Self {
        Self::new(asked, position, HeadersOf::Held(opening), limit)
    }

    const fn new(
        asked: Option<u64>,
        position: Option<Position>,
        headers: HeadersOf<'a, B>,
        limit: usize,
    ) -> Self {
        Self { asked, position, headers, kept: Kept::new(limit), has_begun: false, has_ended: false }
    }

    /// Whether its headers are held back.
    pub const fn is_held(&self) -> bool {
        matches!(self.headers, HeadersOf::Held(_))
    }

    /// Waits for the first bytes of the reply's body, or for its end. Safe to drop and call again.
    ///
    /// # Errors
    /// When the connection fails, or etcd refuses.
    pub async fn begin(&mut self) -> Result<(), Broken> {
        while !self.has_begun {
            match &mut self.headers {
                HeadersOf::Held(opening) => {
                    let opened = opening.await?;
                    self.position = position_of(&opened.headers).or_else(|| self.position.take());
                    self.headers = HeadersOf::Here(opened.into());
                }
                HeadersOf::Here(here) => {
                    let chunk = here.body.chunk().await.map_err(Broken::Failed)?;
                    self.take(chunk)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the rest, as long as bytes come: after none for `limit` the connection counts as dead.
    ///
    /// # Errors
    /// With the reason why there is no event.
    pub async fn finish(mut self, limit: Duration) -> Result<Found, Broken> {
        let Here { status, headers, is_etcds, mut body } = match self.headers {
            HeadersOf::Held(opening) => opening.await?.into(),
            HeadersOf::Here(here) => here,
        };
        while !self.has_ended {
            let chunk = timeout(limit, body.chunk()).await.unwrap_or_else(|_| Err(fault::idle_timeout()));
            match chunk.map_err(Broken::Failed)? {
                Some(bytes) => self.kept.push(&bytes).map_err(Broken::Failed)?,
                None => break,
            }
        }
        let is_whole = self.kept.is_whole();
        let text = self.kept.into_text();
        body.check(&text).map_err(Broken::Failed)?;
        let reply = Reply { status, headers, body: text };
        let found = Found { is_whole, ..event::read(reply, is_etcds)? };
        // One before the index that was asked for is none that a server may send.
        if self.asked.is_some_and(|asked| found.change.index < asked) {
            return Err(Broken::Unexpected(found.reply));
        }
        Ok(found)
    }

    fn take(&mut self, chunk: Option<Bytes>) -> Result<(), Broken> {
        self.has_begun = true;
        self.has_ended = chunk.is_none();
        chunk.map_or(Ok(()), |bytes| self.kept.push(&bytes)).map_err(Broken::Failed)
    }
}
