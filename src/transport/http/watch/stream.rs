//! A stream of changes.

use crate::transport::http::exchange::{Body, Opened};
use crate::transport::http::watch::event::{self, Found};
use crate::transport::http::watch::ndjson::Lines;
use crate::transport::http::watch::store::position_of;
use crate::transport::{Broken, Position};
use crate::v2::failure::Failed;
use crate::v2::reply::{Headers, Reply};
use crate::wire::headers::header_text;

/// A stream of changes later than its position.
pub struct Stream<B> {
    lines: Lines<B>,
    headers: Headers,
    pub position: Option<Position>,
}

impl<B: Body> Stream<B> {
    /// No longer lines than the limit are taken.
    pub fn new(opened: Opened<B>, limit: usize) -> Self {
        let position = position_of(&opened.headers);
        Self { lines: Lines::new(opened.body, limit), headers: header_text(&opened.headers), position }
    }

    /// Where the store was at the registration; 0 if nobody knows.
    pub fn registered(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.index)
    }

    /// The next change; `None` when the server ended the stream, or the change is too large. Safe to drop and call again.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next(&mut self) -> Result<Option<Result<Found, Broken>>, Failed> {
        let line = self.lines.next().await?;
        let reply = |body| Reply { status: 200, headers: self.headers.clone(), body };
        Ok(line.map(|body| event::read(reply(body), self.position.is_some())))
    }
}
