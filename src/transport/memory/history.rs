//! The last events, for those who watch from a past index on.

use crate::transport::memory::removed::Removed;
use crate::v2::command::Watch;
use crate::v2::error::{Code, Error};
use crate::v2::event::Event;
use crate::v2::path::last_hidden;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many events etcd keeps (etcd: `v2store/store.go`, newStore).
pub const CAPACITY: u64 = 1000;

/// A change that took place.
#[derive(Debug)]
pub struct Past {
    pub event: Arc<Event>,
    /// Whether only a TTL was renewed: it takes its place among the events, but nobody is told.
    pub refresh: bool,
    /// For a directory that ended, what was in it.
    pub removed: Option<Removed>,
}

/// The last changes. Each index of a store is one of them.
#[derive(Debug, Default)]
pub struct History {
    past: VecDeque<Past>,
    /// The last index whose change is no longer known.
    cleared: u64,
}

impl History {
    pub fn push(&mut self, past: Past) {
        self.clear_to(past.event.index().saturating_sub(CAPACITY));
        self.past.push_back(past);
    }

    /// Forgets what happened up to an index.
    pub fn clear_to(&mut self, index: u64) {
        self.cleared = self.cleared.max(index);
        while self.past.front().is_some_and(|past| past.event.index() <= self.cleared) {
            self.past.pop_front();
        }
    }

    /// What happened since an index.
    ///
    /// # Errors
    /// 401 when some of it is no longer known. `index` is the store's.
    pub fn since(&self, since: u64, index: u64) -> Result<impl Iterator<Item = &Past>, Error> {
        if since <= self.cleared {
            let cause = format!("the requested history has been cleared [{}/{since}]", self.cleared + 1);
            return Err(Error::new(Code::IndexCleared, cause, index));
        }
        let start = self.past.partition_point(|past| past.event.index() < since);
        Ok(self.past.iter().skip(start).filter(|past| !past.refresh))
    }
}

impl Past {
    /// Whether a poll for a past index is answered with it. That is not quite what a poll that waits is told: hidden
    /// nodes count, and so does any key that begins like a directory that ended (etcd: `v2store/event_history.go`,
    /// scan; semantics.md 3.3).
    #[must_use]
    pub fn answers(&self, watch: &Watch) -> bool {
        let (key, path) = (&self.event.node.key, watch.key.as_str());
        *key == watch.key
            || (watch.recursive && key.below(path).is_some())
            || (self.event.removes_directory() && path.starts_with(key.as_str()))
    }

    /// Whether a watch of long standing was told of it.
    #[must_use]
    pub fn is_heard_by(&self, watch: &Watch) -> bool {
        let key = &self.event.node.key;
        *key == watch.key
            || (watch.recursive
                && key.below(watch.key.as_str()).is_some_and(|rest| last_hidden(rest).is_none()))
            || self.took_away(watch)
    }

    fn took_away(&self, watch: &Watch) -> bool {
        let below = watch.key.below(self.event.node.key.as_str());
        below.zip(self.removed.as_ref()).is_some_and(|(below, removed)| removed.contains(below))
    }
}
