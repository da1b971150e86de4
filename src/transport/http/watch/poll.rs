//! A long poll, which the server keeps: for the first change at or after an index.

use crate::transport::Broken;
use crate::transport::http::exchange::{Body, Opened, header_text};
use crate::transport::http::watch::event::{self, Found};
use crate::transport::http::watch::stream::index_of;
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
    pub registered: Option<u64>,
    opened: Opened<B>,
    /// What has come of the reply's body.
    read: Vec<u8>,
    has_ended: bool,
}

impl<B: Body> Poll<B> {
    pub fn new(asked: Option<u64>, opened: Opened<B>) -> Self {
        let registered = index_of(&opened.headers).filter(|&index| index > 0);
        Self { asked, registered, opened, read: Vec::new(), has_ended: false }
    }

    /// Waits for the first bytes of the reply's body, or for its end. Safe to drop and call again.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn begin(&mut self) -> Result<(), Failed> {
        if self.read.is_empty() && !self.has_ended {
            let chunk = self.opened.body.chunk().await?;
            self.take(chunk);
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
            self.take(chunk);
        }
        let Opened { status, headers, .. } = self.opened;
        let is_etcds = index_of(&headers).is_some();
        let found = event::read(Reply { status, headers: header_text(&headers), body: self.read }, is_etcds)?;
        // One before the index that was asked for is none that a server may send.
        if self.asked.is_some_and(|asked| found.change.index < asked) {
            return Err(Broken::Unexpected(found.reply));
        }
        Ok(found)
    }

    fn take(&mut self, chunk: Option<Bytes>) {
        match chunk {
            Some(bytes) => self.read.extend_from_slice(&bytes),
            None => self.has_ended = true,
        }
    }
}
