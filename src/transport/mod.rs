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

/// Takes what a watch finds: each change once, in order, none missing. While it waits, the watch reads nothing.
pub trait Feed: Send {
    /// The member keeps the watch: every change after this index will come.
    fn registered(&mut self, index: u64) -> impl Future<Output = ()> + Send;

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
