//! A watch over HTTP that loses nothing.
//!
//! etcd keeps the last 1,000 events of the whole store. A long poll asks for the first event at or after an index and
//! finds it there, or waits; one poll gives one event. While events are rare that is all this does. When polls find
//! their event in the history already, a stream is opened beside them: it brings every event at once, but only from its
//! registration on, and the server may stop feeding it without a word (semantics.md 3.3). So polls close the gap
//! before the stream's first event, and a poll checks on a stream that is silent. docs/watcher.md tells the whole.

mod event;
mod kept;
mod ndjson;
mod poll;
pub mod store;
mod stream;
mod times;

use crate::transport::http::exchange::{Body, Exchange};
use crate::transport::{Broken, Feed, Position, Standing};
use crate::v2::failure::Failed;
use crate::v2::request::{Request, Target, Verb, Watch};
use crate::wire::fault;
use event::Found;
use poll::{Poll, open};
use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;
use store::{position, went_back};
use stream::Stream;
use times::{
    ASIDE, CALM, MAX_POLLS_BEHIND, POLLS_BEHIND, POLLS_BESIDE, SILENCE, STREAM_LAG, holding, opening,
    renewal, settling,
};
use tokio::time::{sleep, timeout};

/// Follows a watch at one member, see [`crate::transport::Transport::watch`].
pub async fn follow<E: Exchange, F: Feed>(
    exchange: &E,
    member: usize,
    watch: &Watch,
    since: Option<u64>,
    feed: &mut F,
) -> Broken {
    let name = watch.key.name();
    let mut follower = Follower { exchange, member, watch, feed, name, next: since, settled: 0, kept: None };
    loop {
        match follower.poll_and_stream().await {
            Ok(never) => match never {},
            Err(Interruption::Again) => {}
            Err(Interruption::Broken(reason)) => return *reason,
        }
    }
}

/// Why polling and streaming comes to an end.
enum Interruption {
    /// To begin again at once.
    Again,
    /// For good. Boxed: a watch mostly waits, and there may be thousands that should not carry it meanwhile.
    Broken(Box<Broken>),
}

impl From<Broken> for Interruption {
    fn from(reason: Broken) -> Self {
        Self::Broken(Box::new(reason))
    }
}

impl From<Failed> for Interruption {
    fn from(failed: Failed) -> Self {
        Broken::Failed(failed).into()
    }
}

struct Follower<'a, E: Exchange, F> {
    exchange: &'a E,
    member: usize,
    watch: &'a Watch,
    feed: &'a mut F,
    /// The key as events name it.
    name: String,
    /// The first index that was not told yet.
    next: Option<u64>,
    /// Below this index nothing is left to tell, though no event said so.
    settled: u64,
    /// A poll for what comes next that was open when nobody waited for it any longer. In a busy store it may be the only one
    /// that reaches back so far: a new one would be refused.
    kept: Option<Box<Poll<'a, E::Body>>>,
}

impl<'a, E: Exchange, F: Feed> Follower<'a, E, F> {
    /// Polls, and while that is too slow streams.
    async fn poll_and_stream(&mut self) -> Result<Infallible, Interruption> {
        let mut behind = 0;
        let mut enough = POLLS_BEHIND;
        loop {
            let (registered, found) = self.poll().await?;
            behind = if found.change.index < registered { behind + 1 } else { 0 };
            self.tell(found).await?;
            if behind >= enough {
                let is_of_use = Box::pin(self.stream()).await?;
                enough = if is_of_use { POLLS_BEHIND } else { MAX_POLLS_BEHIND.min(2 * enough) };
                behind = 0;
            }
        }
    }

    /// A long poll, to its event: with the index of the store at its registration.
    async fn poll(&mut self) -> Result<(u64, Found), Interruption> {
        let mut poll = match self.kept.take() {
            Some(kept) => kept,
            None => self.open_poll().await?,
        };
        loop {
            let is_behind = self.register(poll.position.as_ref()).await?;
            let position = poll.position.clone();
            // What a poll without an index misses while its headers are held, only one with an index can bring.
            let is_vague = poll.is_held() && poll.asked != self.next;
            let renewed = async {
                if !is_vague {
                    self.stay_quiet(position, is_behind).await?;
                }
                self.renew().await
            };
            let renewed = tokio::select! {
                biased;
                begun = poll.begin() => break begun?,
                renewed = renewed => renewed?,
            };
            if let Some(renewed) = renewed {
                poll = renewed;
            }
        }
        let asked = poll.asked;
        let registered = poll.position.as_ref().map_or(0, |position| position.index);
        let found = poll.finish(opening(self.watch)).await?;
        if asked.is_none() {
            // Whatever comes first is new, also if the headers say otherwise, as those of a test server may.
            self.next = self.next.min(Some(found.change.index));
        }
        Ok((registered, found))
    }

    /// Resolves when a poll that was registered there has been quiet for so long that it is to be replaced.
    async fn stay_quiet(&mut self, registered: Option<Position>, is_behind: bool) -> Result<(), Broken> {
        if let (true, Some(position), Some(next)) = (is_behind, &registered, self.next) {
            let watch = self.request(self.next, false);
            if went_back(self.exchange, self.member, &watch, next).await {
                return Err(Broken::Replaced(position.clone()));
            }
        }
        sleep(settling(self.watch)).await;
        self.settled = registered.map_or(0, |position| position.index) + 1;
        self.feed.progress(self.settled);
        sleep(renewal(self.watch)).await;
        Ok(())
    }

    /// A new poll in place of one that was quiet; `None` when only the open one reaches back far enough.
    async fn renew(&mut self) -> Result<Option<Box<Poll<'a, E::Body>>>, Broken> {
        loop {
            match self.open_poll().await {
                Err(Broken::Outdated(..)) if self.next >= Some(self.settled) => return Ok(None),
                Err(Broken::Outdated(..)) => self.next = Some(self.settled),
                opened => return Ok(Some(opened?)),
            }
        }
    }

    /// A poll for the first event that was not told yet, once its headers are here. Where somebody on the way holds them
    /// back the server is asked for something else, which is passed on: it lives, and its store is there.
    async fn open_poll(&mut self) -> Result<Box<Poll<'a, E::Body>>, Broken> {
        let (asked, limit) = (self.next, self.exchange.limit());
        let request = self.request(asked, false);
        let mut opening = open(self.exchange, self.member, request.clone());
        let position = async {
            sleep(holding(self.watch)).await;
            position(self.exchange, self.member, &request).await
        };
        // Boxed: a watch mostly waits, and there may be thousands that should not carry this meanwhile.
        tokio::select! {
            biased;
            opened = &mut opening => Ok(Box::new(Poll::opened(asked, opened?, limit))),
            position = Box::pin(position) => {
                Ok(Box::new(Poll::held(asked, position.map_err(Broken::Failed)?, opening, limit)))
            }
        }
    }

    /// The same, once its event begins to come. It is kept when this is dropped before.
    async fn begin_poll(&mut self) -> Result<Box<Poll<'a, E::Body>>, Broken> {
        loop {
            if let Some(kept) = &mut self.kept {
                kept.begin().await?;
            }
            if let Some(begun) = self.kept.take() {
                return Ok(begun);
            }
            self.kept = Some(self.open_poll().await?);
        }
    }

    /// Opens a stream, while polls go on: a proxy may hold its headers back until there is more. `None` if they find
    /// events before it is open.
    async fn open_stream(&mut self) -> Result<Option<Stream<E::Body>>, Interruption> {
        let mut stream = open(self.exchange, self.member, self.request(None, true));
        for _ in 0..POLLS_BESIDE {
            let poll = tokio::select! {
                biased;
                opened = &mut stream => return Ok(Some(Stream::new(opened?, self.exchange.limit()))),
                begun = self.begin_poll() => begun?,
                () = sleep(CALM) => return Ok(None),
            };
            self.register(poll.position.as_ref()).await?;
            self.tell(poll.finish(opening(self.watch)).await?).await?;
        }
        Ok(None)
    }

    /// Streams until events are rare again or the server lets the stream down. Whether it brought anything.
    async fn stream(&mut self) -> Result<bool, Interruption> {
        let Some(mut stream) = self.open_stream().await? else { return Ok(false) };
        self.register(stream.position.as_ref()).await?;
        if stream.registered() == 0 {
            // Nobody knows where its gap ends.
            return Ok(false);
        }
        let mut aside = Aside::default();
        self.close_gap(&mut stream, &mut aside).await?;
        let mut is_of_use = !aside.found.is_empty();
        for found in aside.found {
            self.tell(found).await?;
        }
        loop {
            match timeout(SILENCE, stream.next()).await {
                Ok(found) => {
                    let Some(found) = found? else { return Ok(is_of_use) };
                    self.tell(found?).await?;
                }
                Err(_) => {
                    if !self.check(&mut stream).await? {
                        return Ok(is_of_use);
                    }
                }
            }
            is_of_use = true;
        }
    }

    /// Fetches the events up to the stream's registration, while the stream's own are put aside.
    async fn close_gap(
        &mut self,
        stream: &mut Stream<E::Body>,
        aside: &mut Aside,
    ) -> Result<(), Interruption> {
        while self.next.is_some_and(|next| next <= stream.registered()) {
            // If nothing begins, no event lies in the gap or the connections are dead: a poll of its own finds out.
            let poll = beside(stream, aside, Some(CALM), self.begin_poll()).await??;
            let found = beside(stream, aside, None, poll.finish(opening(self.watch))).await??;
            if found.change.index > stream.registered() {
                // Between the last one told and the registration there is nothing.
                self.next = self.next.max(Some(stream.registered() + 1));
                return Ok(());
            }
            self.tell(found).await?;
        }
        Ok(())
    }

    /// Whether a silent stream is still to be trusted and needed: a poll for the next event must not be first with it.
    async fn check(&mut self, stream: &mut Stream<E::Body>) -> Result<bool, Interruption> {
        let poll = tokio::select! {
            biased;
            streamed = stream.next() => {
                let Some(found) = streamed? else { return Ok(false) };
                self.tell(found?).await?;
                return Ok(true);
            }
            begun = self.begin_poll() => begun?,
            () = sleep(CALM) => return Ok(false),
        };
        let polled = poll.finish(opening(self.watch)).await?;
        // The poll's is the first event there is. If the stream does not bring it too, it has lost it.
        let index = polled.change.index;
        self.tell(polled).await?;
        let Ok(streamed) = timeout(STREAM_LAG, stream.next()).await else { return Ok(false) };
        let Some(streamed) = streamed? else { return Ok(false) };
        let streamed = streamed?;
        if streamed.change.index > index {
            return Ok(false);
        }
        self.tell(streamed).await?;
        Ok(true)
    }

    /// Tells an event, unless it was told before or is none of this watch's.
    async fn tell(&mut self, Found { change, reply, is_whole }: Found) -> Result<(), Broken> {
        if self.next.is_some_and(|next| change.index < next) {
            return Ok(());
        }
        self.next = Some(change.index + 1);
        self.kept = None;
        if !change.concerns(&self.name) {
            self.feed.progress(change.index + 1);
        } else if is_whole {
            self.feed.change(change.index, reply).await;
        } else {
            let error = fault::event_too_large(change.index, self.exchange.limit());
            return Err(Broken::TooLarge(change.index, Box::new(error)));
        }
        Ok(())
    }

    /// Learns where the store is, if the headers of a reply say so. Whether it is behind what was seen.
    async fn register(&mut self, position: Option<&Position>) -> Result<bool, Broken> {
        let Some(position) = position else { return Ok(false) };
        let standing = self.feed.registered(position).await;
        if standing == Standing::Other {
            return Err(Broken::Replaced(position.clone()));
        }
        self.next.get_or_insert(position.index + 1);
        Ok(standing == Standing::Behind)
    }

    fn request(&self, index: Option<u64>, stream: bool) -> Request {
        let mut parameters = self.watch.parameters.clone();
        let index = index.map(|index| format!("waitIndex={index}"));
        let stream = stream.then(|| "stream=true".to_owned());
        for parameter in index.into_iter().chain(stream).chain(["wait=true".to_owned()]) {
            if !parameters.is_empty() {
                parameters.push('&');
            }
            parameters.push_str(&parameter);
        }
        Request {
            verb: Verb::Get,
            target: Target::Key(self.watch.key.clone()),
            parameters,
            value: None,
            waits: true,
            once: false,
            timeout: Some(opening(self.watch)),
        }
    }
}

/// What a stream brought before it was its turn.
#[derive(Default)]
struct Aside {
    found: Vec<Found>,
    bytes: usize,
}

/// Does some work while what a stream brings is put aside. Begins again when the stream ends, or brings nothing for so
/// long.
async fn beside<B: Body, F: Future>(
    stream: &mut Stream<B>,
    aside: &mut Aside,
    calm: Option<Duration>,
    work: F,
) -> Result<F::Output, Interruption> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            streamed = stream.next(), if aside.bytes < ASIDE => {
                let Some(found) = streamed? else { return Err(Interruption::Again) };
                let found = found?;
                aside.bytes += found.reply.size();
                aside.found.push(found);
            }
            () = sleep(calm.unwrap_or_default()), if calm.is_some() => return Err(Interruption::Again),
        }
    }
}
