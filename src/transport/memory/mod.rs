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
use subscription::Subscription;
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

    async fn answer(&self, request: &Request) -> Reply {
        self.server.expire_all().await;
        match self.server.answer(request) {
            Answer::Reply(reply) => reply,
            Answer::Poll(mut poll) => {
                let _expiring = self.expiry.hold();
                match poll.next().await {
                    Some(event) => poll.reply(&event),
                    None => poll.ended(),
                }
            }
            // A stream never ends, and only a watch can read it as it goes on.
            Answer::Stream => std::future::pending().await,
        }
    }

    async fn feed<F: Feed>(&self, mut subscription: Subscription, feed: &mut F) -> Broken {
        let _expiring = self.expiry.hold();
        feed.registered(subscription.index()).await;
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
        let (delay, fault) = self.server.take_fault(&request.verb, &request.target);
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        match fault {
            None if self.server.is_connected() => Ok(self.answer(request).await),
            None => Err(Fault::Refused.failed()),
            Some(Fault::Lost) => {
                self.answer(request).await;
                Err(Fault::Lost.failed())
            }
            Some(fault) => Err(fault.failed()),
        }
    }

    async fn watch<F: Feed>(&self, _: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        let (delay, fault) = self.server.take_fault(&Verb::Get, &Target::Key(watch.key.clone()));
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        if let Some(fault) = fault {
            return Broken::Failed(fault.failed());
        }
        if !self.server.is_connected() {
            return Broken::Failed(Fault::Refused.failed());
        }
        self.server.expire_all().await;
        match self.server.subscribe(watch, since) {
            Ok(subscription) => self.feed(subscription, feed).await,
            Err(reason) => reason,
        }
    }
}
