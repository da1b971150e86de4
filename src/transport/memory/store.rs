//! etcd's v2 store: its order of checks is kept, so that of two things that are wrong the same one is told
//! (etcd: `v2store/store.go`).

use crate::transport::memory::entry::{Children, Kind, NodeId};
use crate::transport::memory::history::{History, Past};
use crate::transport::memory::hub::{Hub, Subscriber, WatchId};
use crate::transport::memory::stats::Stats;
use crate::transport::memory::tree::Tree;
use crate::v2::command::{Change, Condition, Content, Get, Lifetime, Watch, Write};
use crate::v2::error::{Code, Error};
use crate::v2::event::{Action, Event, Node};
use crate::v2::path::Path;
use crate::v2::render;
use crate::v2::time::Timestamp;
use std::sync::Arc;

/// Where the index of an etcd with one member stands when it is ready: it has written about itself.
pub const FIRST_INDEX: u64 = 3;

/// etcd takes an expiration before the year 2000 for a mistake when it makes a node.
const FIRST_EXPIRATION: Timestamp = Timestamp(946_684_800_000_000_000);

/// A reply: `index` is its X-Etcd-Index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub index: u64,
    pub body: Vec<u8>,
}

/// A watch that was taken: `index` is the X-Etcd-Index of its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    pub index: u64,
    /// What ends it. A poll that history answered has ended already.
    pub id: Option<WatchId>,
}

/// A store and those who watch it, each through an `S`.
#[derive(Debug)]
pub struct Store<S> {
    pub(super) tree: Tree,
    history: History,
    hub: Hub<S>,
    stats: Stats,
    index: u64,
}

impl<S> Default for Store<S> {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            history: History::default(),
            hub: Hub::default(),
            stats: Stats::default(),
            index: FIRST_INDEX,
        }
    }
}

impl<S: Subscriber> Store<S> {
    /// The index of the last change.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The body of `/v2/stats/store`.
    ///
    /// # Errors
    /// None: numbers can always be written.
    pub fn stats(&self) -> serde_json::Result<Vec<u8>> {
        let watchers = self.hub.len() as u64;
        serde_json::to_vec(&Stats { watchers, ..self.stats.clone() })
    }

    /// Reads. What is listed is always sorted; etcd's order without `sorted` is random.
    ///
    /// # Errors
    /// 100 and 104.
    pub fn get(&mut self, get: &Get, now: Timestamp) -> Result<Answer, Error> {
        let found = self.tree.find(get.key.as_str(), self.index);
        self.stats.count_get(found.is_ok());
        let body = self.tree.list(found?, &get.key, get.recursive, now);
        Ok(Answer { status: 200, index: self.index, body })
    }

    /// Writes, and tells those who watch.
    ///
    /// # Errors
    /// What etcd refuses. Then nothing has changed.
    pub fn write(&mut self, write: &Write, now: Timestamp) -> Result<Answer, Error> {
        let changed = self.change(&write.key, &write.change, now);
        self.stats.count_change(&write.change, changed.as_ref().err());
        let event = changed?;
        let render = if write.no_value_on_success { render::event_without_value } else { render::event };
        Ok(Answer { status: event.status(), index: self.index, body: render(&event) })
    }

    /// Watches. Those who stream are told every change since then, each once and in order; etcd forgets some
    /// (semantics.md 3.3). A poll is told one change, the one that etcd would tell.
    ///
    /// # Errors
    /// 401 when a part of what was asked for is no longer known.
    pub fn watch(&mut self, watch: &Watch, subscriber: S) -> Result<Watching, Error> {
        let index = self.index;
        let since = if watch.since == 0 { index + 1 } else { watch.since };
        let mut past = self.history.since(since, index)?;
        if watch.stream {
            past.filter(|past| past.is_heard_by(watch)).for_each(|past| subscriber.notify(&past.event));
        } else if let Some(past) = past.find(|past| past.answers(watch)) {
            subscriber.notify(&past.event);
            return Ok(Watching { index, id: None });
        }
        let id = self.hub.register(watch, since, subscriber);
        Ok(Watching { index, id: Some(id) })
    }

    /// Ends a watch, if it has not ended yet.
    pub fn unwatch(&mut self, id: &WatchId) {
        self.hub.remove(id);
    }

    /// When the next node ends.
    #[must_use]
    pub fn next_expiration(&self) -> Option<Timestamp> {
        self.tree.first_to_expire().map(|(at, _)| at)
    }

    /// Ends the nodes whose time is over, in the order of their times and not more than a limit. Returns how many
    /// ended; as many as the limit means that there may be more.
    pub fn expire(&mut self, now: Timestamp, limit: usize) -> usize {
        for expired in 0..limit {
            let Some((at, id)) = self.tree.first_to_expire().filter(|(at, _)| *at <= now) else {
                return expired;
            };
            let key = self.tree.path(id);
            // The node is shown as it was when its time was over, however late this is.
            self.end(id, &key, Action::Expire, at);
            self.stats.expire_count += 1;
        }
        limit
    }

    /// Forgets all events but the last one, so that those who watch from a past index on are refused with 401. From the
    /// present index on, which that refusal names, they can.
    pub fn compact(&mut self) {
        self.history.clear_to(self.index.saturating_sub(1));
    }

    /// Ends all watches: their subscribers are dropped.
    pub fn unwatch_all(&mut self) {
        self.hub = Hub::default();
    }

    /// Begins anew: no node, no event, the first index, and no watch, whose subscribers are dropped.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn change(&mut self, key: &Path, change: &Change, now: Timestamp) -> Result<Arc<Event>, Error> {
        match change {
            Change::Set { content, lifetime } => self.set(key, content, *lifetime, now),
            Change::Create { content, ttl } => {
                self.place(key, content, Action::Create, expiration(*ttl, now), now).map(|it| self.tell(it))
            }
            Change::CreateInOrder { content, ttl } => {
                let key = key.child(&format!("{:020}", self.index + 1));
                self.place(&key, content, Action::Create, expiration(*ttl, now), now).map(|it| self.tell(it))
            }
            Change::Update { value, lifetime } => self.update(key, value, *lifetime, now),
            Change::CompareAndSwap { condition, value, lifetime } => {
                self.compare_and_swap(key, condition, value, *lifetime, now)
            }
            Change::Delete { dir, recursive } => self.delete(key, *dir, *recursive, now),
            Change::CompareAndDelete { condition } => self.compare_and_delete(key, condition, now),
        }
    }

    fn set(
        &mut self,
        key: &Path,
        content: &Content,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Arc<Event>, Error> {
        let expires = expiration(lifetime.ttl, now);
        let found = match self.tree.find(key.as_str(), self.index) {
            Err(error) if lifetime.refresh || error.code != Code::KeyNotFound => return Err(error),
            found => found.ok(),
        };
        if !lifetime.refresh {
            return self.place(key, content, Action::Set, expires, now).map(|event| self.tell(event));
        }
        let value = found.and_then(|id| self.tree.get(id).value().cloned());
        let kept = value.filter(|_| *content != Content::Directory).map(Content::File);
        let event = self.place(key, kept.as_ref().unwrap_or(content), Action::Set, expires, now)?;
        Ok(self.record(event))
    }

    /// Makes a node in place of a file, or where nothing is (etcd: internalCreate).
    pub(super) fn place(
        &mut self,
        key: &Path,
        content: &Content,
        action: Action,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Event, Error> {
        let Some((directory, name)) = key.split() else { return Err(self.error(Code::RootReadOnly, "/")) };
        let directory = self.tree.make_directories(directory, self.index)?;
        let existing = self.tree.child(directory, name);
        let mut prev_node = None;
        if let Some(id) = existing {
            if action != Action::Set {
                return Err(self.error(Code::KeyExists, key.as_str()));
            }
            if self.tree.get(id).is_dir() {
                return Err(self.error(Code::NotAFile, key.as_str()));
            }
            prev_node = Some(self.tree.get(id).node(key.clone(), now));
            self.tree.remove(id);
        }
        let kind = match content {
            Content::File(value) => Kind::File(value.clone()),
            Content::Directory => Kind::Directory(Children::new()),
        };
        self.index += 1;
        let id = self.tree.insert(directory, name, kind, self.index);
        self.tree.set_expiration(id, expires.filter(|at| *at >= FIRST_EXPIRATION));
        Ok(Event { action, node: self.tree.get(id).node(key.clone(), now), prev_node })
    }

    fn update(
        &mut self,
        key: &Path,
        value: &Arc<str>,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Arc<Event>, Error> {
        if key.is_root() {
            return Err(self.error(Code::RootReadOnly, "/"));
        }
        let id = self.tree.find(key.as_str(), self.index)?;
        if self.tree.get(id).is_dir() && !value.is_empty() {
            return Err(self.error(Code::NotAFile, key.as_str()));
        }
        Ok(self.rewrite(id, key, Action::Update, value, lifetime, now))
    }

    fn compare_and_swap(
        &mut self,
        key: &Path,
        condition: &Condition,
        value: &Arc<str>,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Arc<Event>, Error> {
        if key.is_root() {
            return Err(self.error(Code::RootReadOnly, "/"));
        }
        let id = self.compare(key, condition)?;
        Ok(self.rewrite(id, key, Action::CompareAndSwap, value, lifetime, now))
    }

    fn compare_and_delete(
        &mut self,
        key: &Path,
        condition: &Condition,
        now: Timestamp,
    ) -> Result<Arc<Event>, Error> {
        let id = self.compare(key, condition)?;
        Ok(self.end(id, key, Action::CompareAndDelete, now))
    }

    fn delete(
        &mut self,
        key: &Path,
        dir: bool,
        recursive: bool,
        now: Timestamp,
    ) -> Result<Arc<Event>, Error> {
        if key.is_root() {
            return Err(self.error(Code::RootReadOnly, "/"));
        }
        let id = self.tree.find(key.as_str(), self.index)?;
        let entry = self.tree.get(id);
        if entry.is_dir() && !dir {
            return Err(self.error(Code::NotAFile, key.as_str()));
        }
        if entry.is_dir() && !entry.is_empty_dir() && !recursive {
            return Err(self.error(Code::DirectoryNotEmpty, key.as_str()));
        }
        Ok(self.end(id, key, Action::Delete, now))
    }

    /// The file at a path, if it fulfils a condition.
    fn compare(&self, key: &Path, condition: &Condition) -> Result<NodeId, Error> {
        let id = self.tree.find(key.as_str(), self.index)?;
        let entry = self.tree.get(id);
        let Some(value) = entry.value() else { return Err(self.error(Code::NotAFile, key.as_str())) };
        match condition.failure(value, entry.modified_index) {
            Some(cause) => Err(self.error(Code::CompareFailed, &cause)),
            None => Ok(id),
        }
    }

    /// Changes the value of a file, and the end of any node. A directory keeps its index, as in etcd, though the event
    /// has one.
    fn rewrite(
        &mut self,
        id: NodeId,
        key: &Path,
        action: Action,
        value: &Arc<str>,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Arc<Event> {
        let prev_node = Some(self.tree.get(id).node(key.clone(), now));
        self.index += 1;
        let entry = self.tree.get_mut(id);
        if let Kind::File(kept) = &mut entry.kind {
            if !lifetime.refresh {
                kept.clone_from(value);
            }
            entry.modified_index = self.index;
        }
        self.tree.set_expiration(id, expiration(lifetime.ttl, now));
        let node = Node { modified_index: self.index, ..self.tree.get(id).node(key.clone(), now) };
        let event = Event { action, node, prev_node };
        if lifetime.refresh { self.record(event) } else { self.tell(event) }
    }

    /// Ends a node, with all that is in it.
    pub(super) fn end(&mut self, id: NodeId, key: &Path, action: Action, now: Timestamp) -> Arc<Event> {
        self.index += 1;
        let prev_node = self.tree.get(id).node(key.clone(), now);
        let node = Node { value: None, expiry: None, modified_index: self.index, ..prev_node.clone() };
        let event = Arc::new(Event { action, node, prev_node: Some(prev_node) });
        self.hub.notify(&event, |path| self.tree.contains(path));
        let removed = Some(self.tree.remove(id)).filter(|_| event.node.dir);
        self.history.push(Past { event: event.clone(), refresh: false, removed });
        event
    }

    /// Puts a change into history and tells those who watch.
    pub(super) fn tell(&mut self, event: Event) -> Arc<Event> {
        let event = Arc::new(event);
        self.hub.notify(&event, |_| false);
        self.history.push(Past { event: event.clone(), refresh: false, removed: None });
        event
    }

    /// Puts a refresh into history.
    fn record(&mut self, event: Event) -> Arc<Event> {
        let event = Arc::new(event);
        self.history.push(Past { event: event.clone(), refresh: true, removed: None });
        event
    }

    fn error(&self, code: Code, cause: &str) -> Error {
        Error::new(code, cause, self.index)
    }
}

/// When a TTL ends. etcd takes the very start of 1970 for none.
fn expiration(ttl: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    ttl.map(|seconds| now.after(seconds)).filter(|at| at.0 != 0)
}
