//! A watch that goes on: at one member after the other, from the first change that was not told yet.
//!
//! A member's feed brings each change once and in order; what can end it is told here, and a new one begins where it ended.

#[cfg(test)]
mod tests;

use crate::client::Client;
use crate::transport::{Broken, Feed, Position, Standing, Transport};
use crate::v2::failure::{Cause, Failed, Failure, Kind, NodeError};
use crate::v2::reply::Reply;
use crate::v2::request::Watch;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Waits between attempts to reconnect.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const MAX_WAIT: Duration = Duration::from_secs(30);
/// While a server only refuses connections, asking costs it nothing, and it may be back any moment.
const MAX_WAIT_REFUSED: Duration = Duration::from_millis(700);

/// What a watch tells.
#[derive(Debug)]
pub enum Notice {
    /// Every change from this index on will be told.
    Registered(u64),
    /// A change.
    Change(Reply),
    /// Changes are lost: they are gone from the server's history, or its store was replaced. The watch goes on with those
    /// from now on.
    Resync(Reply),
    /// The change at this index is too large to be told; the watch goes on behind it.
    TooLarge(u64, Box<NodeError>),
    /// Somebody ended the watch without a change; it goes on.
    Ended(Reply),
    /// Every member failed; the watch tries again after a wait.
    Disconnected(Vec<Failure>),
    /// etcd refuses the watch, which tries again after a wait.
    Refused(Reply),
    /// A reply that no etcd gives to a watch, or one that says that it is forbidden; the watch tries again after a wait.
    Unexpected(Reply),
    /// No member can be sent the watch, which ends.
    Unsendable(Box<NodeError>),
}

impl Notice {
    /// How many bytes it holds, about.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Registered(_) | Self::TooLarge(..) | Self::Unsendable(_) => 0,
            Self::Change(reply)
            | Self::Resync(reply)
            | Self::Ended(reply)
            | Self::Refused(reply)
            | Self::Unexpected(reply) => reply.size(),
            Self::Disconnected(failures) => failures.iter().map(|failure| failure.failed.size()).sum(),
        }
    }
}

/// Whom a watch tells. While `tell` waits, the watch reads nothing.
pub trait Listener: Send + Sync {
    fn tell(&self, notice: Notice) -> impl Future<Output = ()> + Send;
}

/// An open watch.
pub struct Watching<T, L> {
    client: Arc<Client<T>>,
    watch: Watch,
    route: VecDeque<usize>,
    told: Told<T, L>,
}

impl<T: Transport, L: Listener> Watching<T, L> {
    /// `since` is the first index of interest; without it, it is the one after the registration.
    pub fn new(client: Arc<Client<T>>, watch: Watch, since: Option<u64>, listener: L) -> Self {
        let route = client.members().route().into();
        let told = Told::new(Arc::clone(&client), since, listener);
        Self { client, watch, route, told }
    }

    /// Watches until it is dropped, or cannot be sent.
    pub async fn run(mut self) {
        while self.route.is_empty() {
            self.told.disconnected().await;
        }
        loop {
            let member = self.route[0];
            self.told.member = member;
            let transport = self.client.transport();
            let reason = transport.watch(member, &self.watch, self.told.next, &mut self.told).await;
            if let Broken::Failed(Failed { kind: Kind::Unsendable, cause: Cause::Error(error), .. }) = reason
            {
                return self.told.listener.tell(Notice::Unsendable(error)).await;
            }
            self.client.members().record_outcome(member, !matches!(reason, Broken::Failed(_)));
            match reason {
                Broken::Failed(failed) => {
                    self.told.failures.push(Failure::now(member, failed));
                    self.route.rotate_left(1);
                    if self.told.failures.len() >= self.route.len() {
                        self.told.disconnected().await;
                    }
                }
                reason => {
                    self.told.failures.clear();
                    self.told.answered(reason).await;
                }
            }
        }
    }
}

/// What was told, and what comes next.
struct Told<T, L> {
    client: Arc<Client<T>>,
    listener: L,
    /// Which member is watched.
    member: usize,
    /// The first index that was not told yet.
    next: Option<u64>,
    /// Below this index nothing is left to tell, though no change said so.
    settled: u64,
    /// The name of the store, as far as known.
    store: Option<String>,
    /// Of the members that failed since the last one that did not.
    failures: Vec<Failure>,
    /// Of the outage that lasts.
    waits: Option<ExponentialBackoff>,
}

impl<T: Transport, L: Listener> Told<T, L> {
    fn new(client: Arc<Client<T>>, next: Option<u64>, listener: L) -> Self {
        Self { client, listener, member: 0, next, settled: 0, store: None, failures: Vec::new(), waits: None }
    }

    async fn disconnected(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        let all_refused = failures.iter().all(|failure| failure.failed.kind == Kind::Refused);
        self.listener.tell(Notice::Disconnected(failures)).await;
        self.pause(if all_refused { MAX_WAIT_REFUSED } else { MAX_WAIT }).await;
    }

    /// The member answered, but not with a change.
    async fn answered(&mut self, reason: Broken) {
        match reason {
            Broken::Outdated(..) if self.next.is_some_and(|next| next < self.settled) => {
                self.next = Some(self.settled);
            }
            Broken::Outdated(index, reply) => {
                let is_named_again = self.next.replace(index) == Some(index);
                self.listener.tell(Notice::Resync(reply)).await;
                if is_named_again {
                    self.pause(MAX_WAIT_REFUSED).await;
                }
            }
            Broken::Replaced(position) => {
                let reply = position.reply_of_replaced(self.next.unwrap_or_default(), self.store.as_deref());
                self.next = Some(position.index + 1);
                self.settled = 0;
                self.store = position.store;
                self.listener.tell(Notice::Resync(reply)).await;
                self.pause(MAX_WAIT_REFUSED).await;
            }
            Broken::TooLarge(index, error) => {
                self.next = Some(index + 1);
                self.recovered();
                self.listener.tell(Notice::TooLarge(index, error)).await;
            }
            Broken::Ended(reply) => {
                self.listener.tell(Notice::Ended(reply)).await;
                self.pause(MAX_WAIT_REFUSED).await;
            }
            Broken::Forbidden(reply) => {
                self.listener.tell(Notice::Unexpected(reply)).await;
                sleep(MAX_WAIT).await;
            }
            Broken::Refused(reply) => {
                self.listener.tell(Notice::Refused(reply)).await;
                self.pause(MAX_WAIT).await;
            }
            Broken::Unexpected(reply) => {
                self.listener.tell(Notice::Unexpected(reply)).await;
                self.pause(MAX_WAIT).await;
            }
            Broken::Failed(_) => {}
        }
    }

    /// A change, or a watch that lasts: a registration alone comes from broken servers, too.
    fn recovered(&mut self) {
        self.failures.clear();
        self.waits = None;
    }

    /// The first outage after something that worked has no wait: a lost connection says little about the next one, and the
    /// history is short.
    async fn pause(&mut self, max: Duration) {
        match &mut self.waits {
            Some(waits) => sleep(waits.next().unwrap_or(MAX_WAIT).min(max)).await,
            None => self.waits = Some(waits()),
        }
    }
}

impl<T: Transport, L: Listener> Feed for Told<T, L> {
    async fn registered(&mut self, position: &Position) -> Standing {
        self.client.members().record_outcome(self.member, true);
        if self.store.is_none() {
            self.store.clone_from(&position.store);
        } else if position.store.is_some() && position.store != self.store {
            return Standing::Other;
        }
        match self.next {
            Some(next) if position.is_behind(next) => Standing::Behind,
            Some(_) => Standing::Same,
            None => {
                self.next = Some(position.index + 1);
                self.listener.tell(Notice::Registered(position.index + 1)).await;
                Standing::Same
            }
        }
    }

    async fn change(&mut self, index: u64, reply: Reply) {
        self.next = Some(index + 1);
        self.recovered();
        self.listener.tell(Notice::Change(reply)).await;
    }

    fn progress(&mut self, index: u64) {
        self.settled = self.settled.max(index);
        self.recovered();
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
