//! The seam: what a cluster that keeps v2's promises does, wherever its keys are.
//!
//! Above it is policy, which asks what *kind* of failure it was and never looks at a code, a status or a header. Below it
//! is all that one transport has to itself, in a folder of its own.

pub mod cluster;
pub mod http;
pub mod memory;
pub mod v3;

use crate::v2::failure::{Failed, NodeError};
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Watch};
use std::future::Future;

/// A cluster, as one client reaches it on one runtime.
pub trait Transport: Send + Sync + 'static {
    /// One attempt of a request at one member. Dropped, it is given up, and closes what it had open.
    fn call(&self, member: usize, request: &Request) -> impl Future<Output = Result<Reply, Failed>> + Send;

    /// The reply to a request, if it needs neither a wire nor a wait, so that no other thread is asked.
    fn at_once(&self, _: &Request) -> Option<Reply> {
        None
    }

    /// Watches at one member, and feeds what happens from the index `since` on, or without one from now on. Resolves when
    /// that comes to an end, with the reason. Dropped, it is given up.
    fn watch<F: Feed>(
        &self,
        member: usize,
        watch: &Watch,
        since: Option<u64>,
        feed: &mut F,
    ) -> impl Future<Output = Broken> + Send;
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// That of its last change.
    pub index: u64,
    /// Which store it is, if it says so: no two have the same name, but one that begins anew may keep it.
    pub store: Option<String>,
}

impl Position {
    /// Whether the store does not know of changes before this index that were seen.
    #[must_use]
    pub const fn is_behind(&self, next: u64) -> bool {
        self.index + 1 < next
    }

    /// What is told of a store that is here, though changes before the index `next` were seen, of the store `before` if
    /// its name is known.
    #[must_use]
    pub fn reply_of_replaced(&self, next: u64, before: Option<&str>) -> Reply {
        let (index, came_to) = (self.index, next.saturating_sub(1));
        let cause = match (before, &self.store) {
            (Some(before), Some(store)) if before != store => {
                format!("it is {store} at index {index}, and was {before} at index {came_to}")
            }
            _ => format!("it is at index {index}, and was at index {came_to}"),
        };
        Reply::of_replaced_store(index + 1, &cause)
    }
}

/// What a store is to a watch that comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The one that was watched before, or the first one.
    Same,
    /// It does not know of changes that were seen: the member lags, or the store went back.
    Behind,
    /// Another one.
    Other,
}

/// Takes what a watch finds: each change once, in order, none missing. While it waits, the watch reads nothing.
pub trait Feed: Send {
    /// The member keeps the watch: every change after this position will come, unless the store is not the one that
    /// was watched.
    fn registered(&mut self, position: &Position) -> impl Future<Output = Standing> + Send;

    /// A change, with the reply that tells of it.
    fn change(&mut self, index: u64, reply: Reply) -> impl Future<Output = ()> + Send;

    /// Below this index nothing is left to come.
    fn progress(&mut self, index: u64);
}

/// Why a watch at a member came to its end.
#[derive(Debug)]
pub enum Broken {
    /// The member failed, or the way there.
    Failed(Failed),
    /// What was asked for is no longer in the history: the store is at this index.
    Outdated(u64, Reply),
    /// The store is not what was watched before: it went back to an earlier state, or is another one. It is here.
    Replaced(Position),
    /// The change at this index is larger than the transport takes.
    TooLarge(u64, Box<NodeError>),
    /// Somebody between us and the member ended the watch in good order.
    Ended(Reply),
    /// The credentials are missing or do not suffice.
    Forbidden(Reply),
    /// etcd refuses the watch with another error.
    Refused(Reply),
    /// No etcd answers so.
    Unexpected(Reply),
}
