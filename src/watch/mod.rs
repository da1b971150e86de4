//! A watch that loses nothing.
//!
//! etcd keeps the last 1,000 events of the whole store. A long poll asks for the first event at or after an index and
//! finds it there, or waits; one poll gives one event. While events are rare that is all this does. When polls find
//! their event in the history already, a stream is opened beside them: it brings every event at once, but only from its
//! registration on, and the server may stop feeding it without a word (semantics.md 3.3). So polls close the gap
//! before the stream's first event, and a poll checks on a stream that is silent. docs/watcher.md tells the whole.

pub mod event;
mod lines;
mod reading;
#[cfg(test)]
mod tests;

use crate::client::Client;
use crate::transport::{Opened, Transport};
use crate::v2::failure::{Cause, Failure};
use crate::v2::key::Key;
use crate::v2::reply::{Headers, Reply};
use crate::v2::request::{Request, Target};
use crate::wire::proxy::ProxyRules;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use event::Meaning;
use percent_encoding::percent_decode_str;
use reading::{Found, Interrupted, Interruption, Stream, failed, index_of, open, poll, polled};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Waits between attempts to reconnect.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const MAX_WAIT: Duration = Duration::from_secs(30);
/// While a server only refuses connections, asking costs it nothing, and it may be back any moment.
const MAX_WAIT_REFUSED: Duration = Duration::from_millis(700);
/// How many polls in a row must find their event in the history, with later ones behind it, before a stream is opened.
const POLLS_BEHIND: u32 = 2;
/// A stream that is silent for so long is checked by a poll.
const SILENCE: Duration = Duration::from_millis(5);
/// How much later than a poll the stream may bring the same event.
const STREAM_LAG: Duration = Duration::from_millis(10);
/// Without an event for so long, polls are enough.
const CALM: Duration = Duration::from_secs(1);
/// A poll that is open for so long has found nothing in the history: an event in it would have come right behind
/// the headers.
const SETTLED: Duration = Duration::from_secs(5);

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    pub key: Key,
    /// Encoded, without `wait`, `waitIndex` and `stream`.
    pub query: String,
    /// The first index of interest; `None` for the one after the registration.
    pub index: Option<u64>,
    /// Bounds connecting, and the wait for the headers.
    pub timeout: Option<Duration>,
    /// Within this time a connection that died without a word is noticed.
    pub liveness: Duration,
    pub proxies: Option<ProxyRules>,
}

/// What a watch tells.
#[derive(Debug)]
pub enum Notice {
    /// Every event from this index on will be told.
    Registered(u64),
    /// An event.
    Change(Reply),
    /// Events are gone from the server's history; the watch goes on with those from now on.
    Resync(Reply),
    /// Somebody ended the poll without an event; the watch goes on.
    Nothing(Reply),
    /// Every endpoint failed; the watch tries again after a wait.
    Disconnected(Vec<Failure>),
    /// A reply that no etcd gives to a watch, or one that it refuses it with; the watch tries again after a wait.
    Unexpected(Reply),
}

/// Whom a watch tells. While `notify` waits, the watch reads nothing.
pub trait Observer: Send + Sync {
    fn notify(&self, notice: Notice) -> impl Future<Output = ()> + Send;
}

/// An open watch.
pub struct Watching<T: Transport, O> {
    client: Arc<Client<T>>,
    watch: Watch,
    observer: O,
    /// The key as events name it.
    path: String,
    /// The first index that was not told yet.
    next: Option<u64>,
    /// Below this index nothing is left to tell, though no event said so.
    settled: u64,
    route: VecDeque<usize>,
    /// Of the endpoints that failed since the last one that did not.
    failures: Vec<Failure>,
    /// Of the outage that lasts.
    waits: Option<ExponentialBackoff>,
}

impl Watch {
    /// How long a poll may take to connect, and again to its headers.
    fn opening(&self) -> Duration {
        let limit = self.liveness / 4;
        self.timeout.map_or(limit, |timeout| timeout.min(limit))
    }

    /// After how long an open poll has found nothing in the history.
    fn settling(&self) -> Duration {
        SETTLED.min(self.liveness / 4)
    }

    /// How long a poll that has settled stays open before a new one replaces it: the history moves on with events of
    /// other keys, and a connection can die without a word. Random, so that many watches do not renew at once.
    fn renewal(&self) -> Duration {
        self.liveness.mul_f64(0.125 + 0.125 * fastrand::f64())
    }
}

impl<T: Transport, O: Observer> Watching<T, O> {
    pub fn new(client: Arc<Client<T>>, watch: Watch, observer: O) -> Self {
        let route = client.members().route().into();
        let path = percent_decode_str(watch.key.path()).decode_utf8_lossy().into_owned();
        let next = watch.index;
        Self { client, watch, observer, path, next, settled: 0, route, failures: Vec::new(), waits: None }
    }

    /// Watches until it is dropped.
    pub async fn run(mut self) {
        while self.route.is_empty() {
            self.disconnected().await;
        }
        loop {
            let interruption = match self.follow().await {
                Ok(never) => match never {},
                Err(interruption) => interruption,
            };
            match *interruption {
                Interruption::Again => {}
                Interruption::Failed(failure) => {
                    self.failures.push(failure);
                    self.route.rotate_left(1);
                    if self.failures.len() >= self.route.len() {
                        self.disconnected().await;
                    }
                }
                Interruption::Odd(meaning, reply) => {
                    self.failures.clear();
                    self.odd(meaning, reply).await;
                }
            }
        }
    }

    async fn disconnected(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        let refused = |failure: &Failure| matches!(&failure.cause, Cause::Transport(error) if error.code() == Some("ECONNREFUSED"));
        let max = if failures.iter().all(refused) { MAX_WAIT_REFUSED } else { MAX_WAIT };
        self.observer.notify(Notice::Disconnected(failures)).await;
        self.pause(max).await;
    }

    async fn odd(&mut self, meaning: Meaning, reply: Reply) {
        match meaning {
            Meaning::Outdated(_) if self.next.is_some_and(|next| next < self.settled) => {
                self.next = Some(self.settled);
            }
            Meaning::Outdated(index) => {
                let is_named_again = self.next.replace(index) == Some(index);
                self.observer.notify(Notice::Resync(reply)).await;
                if is_named_again {
                    self.pause(MAX_WAIT_REFUSED).await;
                }
            }
            Meaning::Nothing => {
                self.observer.notify(Notice::Nothing(reply)).await;
                self.pause(MAX_WAIT_REFUSED).await;
            }
            Meaning::Unauthorized => {
                self.observer.notify(Notice::Unexpected(reply)).await;
                sleep(MAX_WAIT).await;
            }
            Meaning::Event(_) | Meaning::Unexpected => {
                self.observer.notify(Notice::Unexpected(reply)).await;
                self.pause(MAX_WAIT).await;
            }
        }
    }

    /// An event, or a poll that lasts: headers alone come from broken servers, too.
    fn recovered(&mut self) {
        self.failures.clear();
        self.waits = None;
    }

    /// None after what had worked: a lost connection says little about the next one, and the history is short.
    async fn pause(&mut self, max: Duration) {
        match &mut self.waits {
            Some(waits) => sleep(waits.next().unwrap_or(MAX_WAIT).min(max)).await,
            None => self.waits = Some(waits()),
        }
    }

    /// Polls, and while that is too slow streams.
    async fn follow(&mut self) -> Interrupted<std::convert::Infallible> {
        let mut behind = 0;
        loop {
            let (registered, found) = self.poll().await?;
            behind = if found.event.index < registered { behind + 1 } else { 0 };
            self.tell(found).await;
            if behind >= POLLS_BEHIND {
                Box::pin(self.stream()).await?;
                behind = 0;
            }
        }
    }

    /// A long poll, to its event: with the index of the store at its registration.
    async fn poll(&mut self) -> Interrupted<(u64, Found)> {
        let asked = self.next;
        let opened = open(&self.client, self.endpoint(), &self.request(asked, false)).await?;
        let mut registered = self.register(&opened.headers).await;
        let mut reply = Box::pin(opened.complete());
        let reply = loop {
            if let Ok(reply) = timeout(self.watch.settling(), &mut reply).await {
                break reply;
            }
            self.settled = registered + 1;
            self.recovered();
            if let Ok(reply) = timeout(self.watch.renewal(), &mut reply).await {
                break reply;
            }
            tokio::select! {
                biased;
                reply = &mut reply => break reply,
                renewed = self.renew() => if let Some(renewed) = renewed? {
                    registered = self.register(&renewed.headers).await;
                    reply = Box::pin(renewed.complete());
                },
            }
        };
        let reply = reply.map_err(|error| self.failed(Cause::Transport(error)))?;
        let found = polled(reply, asked)?;
        if asked.is_none() {
            // Whatever comes first is new, also if the headers say otherwise, as those of a test server may.
            self.next = self.next.min(Some(found.event.index));
        }
        Ok((registered, found))
    }

    /// A new poll instead of one that has settled; `None` when only the open one reaches back far enough.
    async fn renew(&mut self) -> Interrupted<Option<Opened<T::Body>>> {
        loop {
            match open(&self.client, self.endpoint(), &self.request(self.next, false)).await {
                Err(interruption) if interruption.is_outdated() => {
                    if self.next >= Some(self.settled) {
                        return Ok(None);
                    }
                    self.next = Some(self.settled);
                }
                opened => return opened.map(Some),
            }
        }
    }

    /// Streams until events are rare again or the server lets the stream down.
    async fn stream(&mut self) -> Interrupted<()> {
        let mut stream = Stream::new(open(&self.client, self.endpoint(), &self.request(None, true)).await?);
        if stream.registered == 0 {
            // Nobody knows where its gap ends.
            return Ok(());
        }
        let mut waiting = VecDeque::new();
        self.close_gap(&mut stream, &mut waiting).await?;
        for found in waiting {
            self.tell(found).await;
        }
        loop {
            match timeout(SILENCE, stream.next()).await {
                Ok(found) => {
                    let Some(found) = found.map_err(|cause| self.failed(cause))? else { return Ok(()) };
                    self.tell(found?).await;
                }
                Err(_) => {
                    if !self.check(&mut stream).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Fetches the events up to the stream's registration, while the stream's own are put aside.
    async fn close_gap(
        &mut self,
        stream: &mut Stream<T::Body>,
        waiting: &mut VecDeque<Found>,
    ) -> Interrupted<()> {
        while self.next.is_some_and(|next| next <= stream.registered) {
            let client = Arc::clone(&self.client);
            let request = self.request(self.next, false);
            let poll = poll(&client, self.endpoint(), &request, self.next);
            tokio::pin!(poll);
            let found = loop {
                tokio::select! {
                    biased;
                    polled = &mut poll => break polled?,
                    streamed = stream.next() => match streamed.map_err(|cause| self.failed(cause))? {
                        Some(found) => waiting.push_back(found?),
                        None => return Err(Interruption::Again.into()),
                    },
                    // No event lies in the gap, or the connections are dead: a poll of its own finds out.
                    () = sleep(CALM) => return Err(Interruption::Again.into()),
                }
            };
            if found.event.index > stream.registered {
                // Between the last one told and the registration there is nothing.
                self.next = self.next.max(Some(stream.registered + 1));
                return Ok(());
            }
            self.tell(found).await;
        }
        Ok(())
    }

    /// Whether a silent stream is still to be trusted and needed: a poll for the next event must not be first with it.
    async fn check(&mut self, stream: &mut Stream<T::Body>) -> Interrupted<bool> {
        let client = Arc::clone(&self.client);
        let request = self.request(self.next, false);
        let poll = poll(&client, self.endpoint(), &request, self.next);
        tokio::pin!(poll);
        let polled = tokio::select! {
            biased;
            streamed = stream.next() => {
                let Some(found) = streamed.map_err(|cause| self.failed(cause))? else { return Ok(false) };
                self.tell(found?).await;
                return Ok(true);
            }
            polled = &mut poll => polled?,
            () = sleep(CALM) => return Ok(false),
        };
        // The poll's is the first event there is. If the stream does not bring it too, it has lost it.
        let index = polled.event.index;
        self.tell(polled).await;
        let Ok(streamed) = timeout(STREAM_LAG, stream.next()).await else { return Ok(false) };
        let Some(streamed) = streamed.map_err(|cause| self.failed(cause))? else { return Ok(false) };
        let streamed = streamed?;
        if streamed.event.index > index {
            return Ok(false);
        }
        self.tell(streamed).await;
        Ok(true)
    }

    /// Tells an event, unless it was told before or is none of this watch's.
    async fn tell(&mut self, found: Found) {
        if self.next.is_some_and(|next| found.event.index < next) {
            return;
        }
        self.next = Some(found.event.index + 1);
        self.recovered();
        if found.event.concerns(&self.path) {
            self.observer.notify(Notice::Change(found.reply)).await;
        }
    }

    /// Learns where the store is from the headers of a poll.
    async fn register(&mut self, headers: &Headers) -> u64 {
        let registered = index_of(headers);
        if self.next.is_none() && registered > 0 {
            self.next = Some(registered + 1);
            self.observer.notify(Notice::Registered(registered + 1)).await;
        }
        registered
    }

    fn endpoint(&self) -> usize {
        self.route.front().copied().unwrap_or_default()
    }

    fn failed(&self, cause: Cause) -> Box<Interruption> {
        failed(self.endpoint(), cause)
    }

    fn request(&self, index: Option<u64>, stream: bool) -> Request {
        let mut query = self.watch.query.clone();
        let index = index.map(|index| format!("waitIndex={index}"));
        let stream = stream.then(|| "stream=true".to_owned());
        for parameter in index.into_iter().chain(stream).chain(["wait=true".to_owned()]) {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&parameter);
        }
        Request {
            method: http::Method::GET,
            target: Target::Key(self.watch.key.clone()),
            query,
            form: None,
            timeout: Some(self.watch.opening()),
            proxies: self.watch.proxies.clone(),
        }
    }
}

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(MAX_WAIT)
        .with_jitter()
        .without_max_times()
        .build()
}
