//! One who waits for changes.

use crate::transport::Position;
use crate::transport::memory::hub::{Subscriber, WatchId};
use crate::transport::memory::reply;
use crate::v2::event::Event;
use crate::v2::render;
use crate::v2::reply::Reply;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// Puts changes where their reader finds them. The reader may be slow: they are shared, and none is dropped.
#[derive(Debug)]
pub struct Sink(pub UnboundedSender<Arc<Event>>);

impl Subscriber for Sink {
    fn notify(&self, event: &Arc<Event>) {
        // It fails only when the reader has gone, which then ends its watch.
        let _ = self.0.send(Arc::clone(event));
    }
}

/// Who keeps the watches.
pub trait Unwatch: Send + Sync {
    fn unwatch(&self, id: &WatchId);
}

/// A watch of the store. Dropped, it ends.
pub struct Subscription {
    pub(super) server: Arc<dyn Unwatch>,
    pub(super) id: Option<WatchId>,
    /// Where the store was at the registration.
    pub(super) index: u64,
    /// The index that was asked for; 0 for what comes next.
    pub(super) since: u64,
    pub(super) events: UnboundedReceiver<Arc<Event>>,
}

impl Subscription {
    /// Where the store was at the registration. It has no name: each is the only one of its own.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { index: self.index, store: None }
    }

    /// The index that was asked for; 0 for what comes next.
    #[must_use]
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// The next change; `None` when the watch has ended.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        self.events.recv().await
    }

    /// The reply that tells of a change: its headers are those of the registration.
    #[must_use]
    pub fn reply(&self, event: &Event) -> Reply {
        reply::of_keys(200, self.index, render::event(event))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.server.unwatch(&id);
        }
    }
}
