//! One poll, and one stream: requests become events, or reasons why there is none.

use super::event::{self, Event, Meaning};
use super::lines::Lines;
use crate::client::Client;
use crate::transport::{Body, Opened, Transport};
use crate::v2::failure::{Cause, Failure};
use crate::v2::reply::{Headers, Reply};
use crate::v2::request::Request;
use std::time::SystemTime;

/// Why a reading of events ended.
pub enum Interruption {
    /// Ask again at once.
    Again,
    /// An endpoint failed.
    Failed(Failure),
    /// A reply that ends a poll without an event.
    Odd(Meaning, Reply),
}

impl Interruption {
    pub const fn is_outdated(&self) -> bool {
        matches!(self, Self::Odd(Meaning::Outdated(_), _))
    }
}

pub type Interrupted<V> = Result<V, Box<Interruption>>;

/// An event with the reply that brought it.
pub struct Found {
    pub event: Event,
    pub reply: Reply,
}

/// A stream of events later than `registered`.
pub struct Stream<B> {
    lines: Lines<B>,
    headers: Headers,
    pub registered: u64,
}

impl<B: Body> Stream<B> {
    pub fn new(opened: Opened<B>) -> Self {
        let registered = index_of(&opened.headers);
        Self { lines: Lines::new(opened.body), headers: opened.headers, registered }
    }

    /// The next event; `None` when the server ended the stream. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Option<Interrupted<Found>>, Cause> {
        let line = self.lines.next().await.map_err(Cause::Transport)?;
        Ok(line.map(|body| found(Reply { status: 200, headers: self.headers.clone(), body })))
    }
}

/// Sends a request, to the headers of its reply.
pub async fn open<T: Transport>(
    client: &Client<T>,
    endpoint: usize,
    request: &Request,
) -> Interrupted<Opened<T::Body>> {
    // Boxed: a watch mostly waits for an event, and there may be thousands that should not carry this meanwhile.
    let opened = Box::pin(client.open(endpoint, request)).await;
    let opened = opened.map_err(|error| failed(endpoint, Cause::Transport(error)))?;
    if opened.status < 400 {
        return Ok(opened);
    }
    let status = opened.status;
    let reply = opened.complete().await.map_err(|error| failed(endpoint, Cause::Transport(error)))?;
    if status >= 500 {
        return Err(failed(endpoint, Cause::Status(reply)));
    }
    Err(Interruption::Odd(event::read(status, &reply.body), reply).into())
}

/// A poll for the first event at or after the index `asked` for.
pub async fn poll<T: Transport>(
    client: &Client<T>,
    endpoint: usize,
    request: &Request,
    asked: Option<u64>,
) -> Interrupted<Found> {
    let opened = open(client, endpoint, request).await?;
    let reply = opened.complete().await.map_err(|error| failed(endpoint, Cause::Transport(error)))?;
    polled(reply, asked)
}

/// The event of a poll's reply. One before the index `asked` for is none that a server may send.
pub fn polled(reply: Reply, asked: Option<u64>) -> Interrupted<Found> {
    let found = found(reply)?;
    if asked.is_some_and(|asked| found.event.index < asked) {
        return Err(Interruption::Odd(Meaning::Unexpected, found.reply).into());
    }
    Ok(found)
}

fn found(reply: Reply) -> Interrupted<Found> {
    match event::read(reply.status, &reply.body) {
        Meaning::Event(event) => Ok(Found { event, reply }),
        // An etcd says where its store is.
        Meaning::Nothing if reply.headers.get(INDEX).is_none() => {
            Err(Interruption::Odd(Meaning::Unexpected, reply).into())
        }
        other => Err(Interruption::Odd(other, reply).into()),
    }
}

pub fn failed(endpoint: usize, cause: Cause) -> Box<Interruption> {
    Box::new(Interruption::Failed(Failure { endpoint, at: SystemTime::now(), cause }))
}

const INDEX: &str = "x-etcd-index";

/// Where the store was when a watch was registered.
pub fn index_of(headers: &Headers) -> u64 {
    headers.get(INDEX).and_then(|index| index.parse().ok()).unwrap_or(0)
}
