//! A long poll, which the server keeps: for the first change at or after an index.

use crate::transport::http::exchange::{Body, Opened, header_text};
use crate::transport::http::watch::event::{self, Found};
use crate::transport::http::watch::kept::Kept;
use crate::transport::http::watch::store::{is_etcds, position_of};
use crate::transport::{Broken, Position};
use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::wire::fault;
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// A poll from the headers of its reply on. Nothing has come of an event until it has begun.
pub struct Poll<B> {
    /// The index that it asks for.
    pub asked: Option<u64>,
    /// Where the store was at its registration; `None` when the headers do not say.
    pub position: Option<Position>,
    opened: Opened<B>,
    /// What has come of the reply's body.
    kept: Kept,
    has_begun: bool,
    has_ended: bool,
}

impl<B: Body> Poll<B> {
    /// Of an event, at most so many bytes are kept.
    pub fn new(asked: Option<u64>, opened: Opened<B>, limit: usize) -> Self {
        let position = position_of(&opened.headers);
        Self { asked, position, opened, kept: Kept::new(limit), has_begun: false, has_ended: false }
    }

    /// Waits for the first bytes of the reply's body, or for its end. Safe to drop and call again.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn begin(&mut self) -> Result<(), Failed> {
        if !self.has_begun {
            let chunk = self.opened.body.chunk().await?;
            self.take(chunk)?;
        }
        Ok(())
    }

    /// Reads the rest, as long as bytes come: after none for `limit` the connection counts as dead.
    ///
    /// # Errors
    /// With the reason why there is no event.
    pub async fn finish(mut self, limit: Duration) -> Result<Found, Broken> {
        while !self.has_ended {
            let chunk = timeout(limit, self.opened.body.chunk()).await;
            let chunk = chunk.unwrap_or_else(|_| Err(fault::idle_timeout())).map_err(Broken::Failed)?;
            self.take(chunk).map_err(Broken::Failed)?;
        }
        let Opened { status, headers, .. } = self.opened;
        let is_etcds = is_etcds(&headers);
        let is_whole = self.kept.is_whole();
        let reply = Reply { status, headers: header_text(&headers), body: self.kept.into_text() };
        let found = Found { is_whole, ..event::read(reply, is_etcds)? };
        // One before the index that was asked for is none that a server may send.
        if self.asked.is_some_and(|asked| found.change.index < asked) {
            return Err(Broken::Unexpected(found.reply));
        }
        Ok(found)
    }

    fn take(&mut self, chunk: Option<Bytes>) -> Result<(), Failed> {
        self.has_begun = true;
        self.has_ended = chunk.is_none();
        chunk.map_or(Ok(()), |bytes| self.kept.push(&bytes))
    }
}
