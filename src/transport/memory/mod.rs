//! etcd's v2 store in this process: a [`Store`](store::Store) takes commands and gives replies, errors and events, all
//! of them those of an etcd with one member. A [`Server`](server::Server) is that etcd, which clients share by its name.
//!
//! Nothing in the store waits or asks for the time: the server gives it the time with each command, and ends what has
//! expired. The store is not durable.

mod endpoints;
mod entry;
mod expiry;
pub mod faults;
mod history;
pub mod hub;
pub mod log;
mod removed;
mod reply;
pub mod server;
pub mod snapshot;
mod stats;
pub mod store;
mod subscription;
mod tree;

#[cfg(test)]
mod tests;

use crate::transport::{Broken, Feed, Transport};
use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Target, Verb, Watch};
use expiry::ExpiryDriver;
use faults::Fault;
use server::{Answer, Server};
use std::sync::Arc;
use std::time::Duration;
use subscription::Subscription;
use tokio::task::yield_now;
use tokio::time::sleep;

/// The way of one client to a store in this process. Its waiting requests and watches belong to one runtime.
pub struct Memory {
    server: Arc<Server>,
    expiry: ExpiryDriver,
}

impl Memory {
    #[must_use]
    pub fn new(server: Arc<Server>) -> Self {
        Self { expiry: ExpiryDriver::new(Arc::clone(&server)), server }
    }

    async fn answer(&self, request: &Request) -> Result<Reply, Failed> {
        self.server.expire_all().await;
        loop {
            let mut poll = match self.server.answer(request) {
                Answer::Reply(reply) => return Ok(reply),
                Answer::Poll(poll) => poll,
                // A stream never ends, and only a watch can read it as it goes on.
                Answer::Stream => std::future::pending().await,
            };
            let _expiring = self.expiry.hold();
            match poll.next().await {
                Some(event) => return Ok(poll.reply(&event)),
                None if !self.server.is_connected() => return Err(Fault::Lost.failed()),
                // The store was reset: what is awaited may come in the new one.
                None => {
                    if let Some(reply) = self.server.went_back(poll.since()) {
                        return Ok(reply);
                    }
                }
            }
        }
    }

    /// What is to happen to a request for a target, after the time that it is to take: that may be too long.
    async fn disturbance(&self, verb: &Verb, target: &Target, timeout: Option<Duration>) -> Option<Fault> {
        let (delay, fault) = self.server.take_fault(verb, target);
        if let Some(delay) = delay {
            let limit = timeout.filter(|limit| *limit < delay);
            sleep(limit.unwrap_or(delay)).await;
            if limit.is_some() {
                return Some(Fault::Timeout);
            }
        }
        fault.or_else(|| (!self.server.is_connected()).then_some(Fault::Refused))
    }

    async fn feed<F: Feed>(&self, mut subscription: Subscription, feed: &mut F) -> Broken {
        let _expiring = self.expiry.hold();
        feed.registered(&subscription.position()).await;
        while let Some(event) = subscription.next().await {
            feed.change(event.index(), subscription.reply(&event)).await;
        }
        self.server.broken()
    }
}

impl Transport for Memory {
    fn at_once(&self, request: &Request) -> Option<Reply> {
        if request.waits || !self.server.is_undisturbed() || !self.server.expire() {
            return None;
        }
        match self.server.answer(request) {
            Answer::Reply(reply) => {
                self.server.record(request);
                Some(reply)
            }
            Answer::Poll(_) | Answer::Stream => None,
        }
    }

    async fn call(&self, _: usize, request: &Request) -> Result<Reply, Failed> {
        self.server.record(request);
        match self.disturbance(&request.verb, &request.target, request.timeout).await {
            None => self.answer(request).await,
            Some(Fault::Lost) => {
                self.answer(request).await?;
                Err(Fault::Lost.failed())
            }
            Some(fault) => Err(fault.failed()),
        }
    }

    async fn watch<F: Feed>(&self, _: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        // Who was stopped meanwhile ends here, and takes no failure that was ordered for others since.
        yield_now().await;
        let target = Target::Key(watch.key.clone());
        if let Some(fault) = self.disturbance(&Verb::Get, &target, watch.timeout).await {
            return Broken::Failed(fault.failed());
        }
        self.server.expire_all().await;
        match self.server.subscribe(watch, since) {
            Ok(subscription) => self.feed(subscription, feed).await,
            Err(reason) => reason,
        }
    }
}
