//! A stream of changes.

use crate::transport::Broken;
use crate::transport::http::exchange::{Body, Opened};
use crate::transport::http::watch::event::{self, Found};
use crate::transport::http::watch::ndjson::Lines;
use crate::v2::failure::Failed;
use crate::v2::reply::{Headers, Reply};
use crate::wire::headers::header_text;
use http::HeaderMap;

/// A stream of changes later than `registered`.
pub struct Stream<B> {
    lines: Lines<B>,
    headers: Headers,
    pub registered: u64,
}

impl<B: Body> Stream<B> {
    /// No longer lines than the limit are taken.
    pub fn new(opened: Opened<B>, limit: usize) -> Self {
        let registered = index_of(&opened.headers).unwrap_or(0);
        Self { lines: Lines::new(opened.body, limit), headers: header_text(&opened.headers), registered }
    }

    /// The next change; `None` when the server ended the stream, or the change is too large. Safe to drop and call again.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next(&mut self) -> Result<Option<Result<Found, Broken>>, Failed> {
        let line = self.lines.next().await?;
        let reply = |body| Reply { status: 200, headers: self.headers.clone(), body };
        Ok(line.map(|body| event::read(reply(body), self.registered > 0)))
    }
}

/// Where the store was when a watch was registered.
#[must_use]
pub fn index_of(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-etcd-index")?.to_str().ok()?.parse().ok()
}
