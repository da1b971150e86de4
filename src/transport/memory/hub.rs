//! Who waits for changes, by the path that is watched: a change asks for its own path and those above it, however many
//! watch elsewhere (etcd: `v2store/watcher_hub.go`).

use crate::v2::command::Watch;
use crate::v2::event::Event;
use crate::v2::path::{Path, last_hidden};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Takes events for one watch. When the watch has ended, in whatever way, the subscriber is dropped.
pub trait Subscriber {
    /// Called under the store's lock: it must neither wait nor call the store.
    fn notify(&self, event: &Arc<Event>);
}

/// Names a registered watch, to end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchId {
    path: Path,
    number: u64,
}

#[derive(Debug)]
struct Registration<S> {
    number: u64,
    recursive: bool,
    stream: bool,
    since: u64,
    subscriber: S,
}

impl<S: Subscriber> Registration<S> {
    /// Gives it an event, and says whether it is to stay.
    fn hear(&self, event: &Arc<Event>) -> bool {
        if event.index() < self.since {
            return true;
        }
        self.subscriber.notify(event);
        self.stream
    }
}

/// All registered watches.
#[derive(Debug)]
pub struct Hub<S> {
    watches: BTreeMap<Path, Vec<Registration<S>>>,
    count: usize,
    last_number: u64,
}

impl<S> Default for Hub<S> {
    fn default() -> Self {
        Self { watches: BTreeMap::new(), count: 0, last_number: 0 }
    }
}

impl<S: Subscriber> Hub<S> {
    /// How many watches there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Registers a watch for events from an index on.
    pub fn register(&mut self, watch: &Watch, since: u64, subscriber: S) -> WatchId {
        self.last_number += 1;
        let number = self.last_number;
        let Watch { recursive, stream, .. } = *watch;
        let registration = Registration { number, recursive, stream, since, subscriber };
        // Most paths have one watch, for which a vector would make room for four.
        let registrations = self.watches.entry(watch.key.clone()).or_insert_with(|| Vec::with_capacity(1));
        registrations.push(registration);
        self.count += 1;
        WatchId { path: watch.key.clone(), number }
    }

    /// Ends a watch, if it has not ended yet.
    pub fn remove(&mut self, id: &WatchId) {
        self.keep(id.path.as_str(), |registration| registration.number != id.number);
    }

    /// Tells all who watch the node of an event or a directory above it, and those who watch something that ends with
    /// it. `is_there` says what is in a directory that ends.
    pub fn notify(&mut self, event: &Arc<Event>, is_there: impl Fn(&str) -> bool) {
        if self.is_empty() {
            return;
        }
        let key = event.node.key.clone();
        let last_hidden = last_hidden(key.as_str());
        for path in key.prefixes() {
            let hidden = last_hidden.is_some_and(|at| at >= path.len());
            let is_node = path.len() == key.as_str().len();
            self.keep(path, |registration| {
                let concerned = is_node || (registration.recursive && !hidden);
                !concerned || registration.hear(event)
            });
        }
        if event.removes_directory() {
            for path in self.below(&key).filter(|path| is_there(path.as_str())).collect::<Vec<_>>() {
                self.keep(path.as_str(), |registration| registration.hear(event));
            }
        }
    }

    /// The watched paths below a directory.
    fn below(&self, directory: &Path) -> impl Iterator<Item = Path> {
        let start = directory.child("");
        let prefix = start.clone();
        let paths = self.watches.range(start..).map(|(path, _)| path);
        paths.take_while(move |path| path.as_str().starts_with(prefix.as_str())).cloned()
    }

    /// Drops the watches of a path that are not to stay.
    fn keep(&mut self, path: &str, stays: impl FnMut(&Registration<S>) -> bool) {
        let Some(registrations) = self.watches.get_mut(path) else { return };
        let before = registrations.len();
        registrations.retain(stays);
        self.count -= before - registrations.len();
        if registrations.is_empty() {
            self.watches.remove(path);
        }
    }
}
