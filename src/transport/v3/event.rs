//! What happened to nodes, told from what happened to keys in one revision.

use crate::transport::v3::layout::{Layout, Place};
use crate::transport::v3::messages::{self, EventType, KeyValue};
use crate::transport::v3::node::{Directory, File};
use crate::transport::v3::note::{Done, Note};
use crate::transport::v3::transaction::unsigned;
use crate::v2::event::{Action, Event, Node};
use crate::v2::path::Path;
use crate::v2::time::{Expiry, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A key that was put or deleted, and what it was before.
struct Change<'e> {
    /// What it is now, if it was put.
    put: Option<&'e KeyValue>,
    before: Option<&'e KeyValue>,
}

/// The changes of one revision, by the paths of their nodes.
pub struct Revision<'e> {
    number: u64,
    now: Timestamp,
    files: BTreeMap<&'e str, Change<'e>>,
    markers: BTreeMap<&'e str, Change<'e>>,
    sides: HashMap<&'e str, Change<'e>>,
}

impl<'e> Revision<'e> {
    /// `events` are all of the same revision.
    #[must_use]
    pub fn new(layout: &Layout, events: &'e [messages::Event], now: Timestamp) -> Self {
        let first = events.iter().find_map(|event| event.kv.as_ref());
        let number = first.map_or(0, |kv| unsigned(kv.mod_revision));
        let (files, markers, sides) = Default::default();
        let mut revision = Self { number, now, files, markers, sides };
        for event in events {
            let Some(kv) = &event.kv else { continue };
            let is_put = event.r#type == i32::from(EventType::Put);
            let change = Change { put: is_put.then_some(kv), before: event.prev_kv.as_ref() };
            match layout.place(&kv.key) {
                Some(Place::File(path)) => drop(revision.files.insert(path, change)),
                Some(Place::Marker(path)) => drop(revision.markers.insert(path, change)),
                Some(Place::Side(path)) => drop(revision.sides.insert(path, change)),
                None => {}
            }
        }
        revision
    }

    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whether the marker of a directory was put, or deleted; nothing if neither.
    #[must_use]
    pub fn marker(&self, path: &str) -> Option<bool> {
        self.markers.get(path).map(|change| change.put.is_some())
    }

    /// Whether a node was removed without a word about who did it: perhaps one above it was.
    #[must_use]
    pub fn may_be_removed_above(&self, path: &str) -> bool {
        let is_removed = |changes: &BTreeMap<&str, Change<'_>>| {
            changes.get(path).is_some_and(|change| change.put.is_none())
        };
        self.said(path).is_none() && (is_removed(&self.files) || is_removed(&self.markers))
    }

    /// What v2 tells, in the order of the keys. Of a write through v2's model it is one event.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events = BTreeMap::new();
        let made: BTreeSet<&str> = self.made().collect();
        for path in &made {
            let inside = format!("{path}/");
            // The directories on the way are not told.
            let is_implicit =
                made.range(inside.as_str()..).next().is_some_and(|next| next.starts_with(&inside));
            let event = match self.files.get(path) {
                Some(Change { put: Some(kv), before }) => self.file_put(path, kv, *before),
                _ if is_implicit => None,
                _ => self.markers.get(path).and_then(|change| self.directory_put(path, change)),
            };
            events.extend(event.map(|event| (*path, event)));
        }
        let gone: BTreeSet<&str> = self.gone().collect();
        let is_top =
            |path: &str| !Path::clean(path).prefixes().any(|above| above != path && gone.contains(above));
        for path in gone.iter().filter(|path| is_top(path) && !made.contains(*path)) {
            events.insert(*path, self.directory_gone(path));
        }
        for (path, change) in self.files.iter().filter(|(_, change)| change.put.is_none()) {
            if is_top(path) && !gone.contains(path) && !made.contains(path) {
                events.insert(*path, self.file_gone(path, change.before));
            }
        }
        events.into_values().collect()
    }

    /// The nodes that were put, but for those of which nobody is told.
    fn made(&self) -> impl Iterator<Item = &'e str> {
        let files =
            self.files.iter().filter_map(|(path, change)| Some((*path, self.note(path, change.put?))));
        let markers =
            self.markers.iter().filter_map(|(path, change)| Some((*path, Note::read(&change.put?.value))));
        files.chain(markers).filter(|(_, note)| !note.is_silent()).map(|(path, _)| path)
    }

    /// The directories that were removed.
    fn gone(&self) -> impl Iterator<Item = &'e str> {
        let markers = self.markers.iter().filter(|(_, change)| change.put.is_none()).map(|(path, _)| *path);
        let unmarked =
            self.sides.keys().filter(|path| self.said(path).is_some_and(|note| note.was_directory));
        markers.chain(unmarked.copied())
    }

    /// What a side key that was put says of a removal.
    fn said(&self, path: &str) -> Option<Note> {
        let note = Note::read(&self.sides.get(path)?.put?.value);
        matches!(note.done, Some(Done::Delete | Done::CompareAndDelete)).then_some(note)
    }

    /// What the side key that was put with a file says of it.
    fn note(&self, path: &str, kv: &KeyValue) -> Note {
        File::new(kv.clone(), self.sides.get(path).and_then(|side| side.put)).note
    }

    /// What a file was before.
    fn file_before(&self, path: &str, before: &KeyValue) -> File {
        File::new(before.clone(), self.sides.get(path).and_then(|side| side.before))
    }

    fn file_put(&self, path: &str, kv: &KeyValue, before: Option<&KeyValue>) -> Option<Event> {
        let note = self.note(path, kv);
        let action = match note.done {
            None => Action::Set,
            Some(done) => done.action()?,
        };
        let now = note.written_at().unwrap_or(self.now);
        let key = Path::clean(path);
        let prev_node = before
            .filter(|_| action != Action::Create)
            .map(|before| self.file_before(path, before).node_at(key.clone(), now));
        let file = File { kv: kv.clone(), note };
        let expiry = file.note.expiry_when_written();
        Some(Event { action, node: file.node(key, expiry), prev_node })
    }

    fn directory_put(&self, path: &str, change: &Change<'_>) -> Option<Event> {
        let directory = Directory::marked(change.put?);
        let action = match directory.note.done {
            None => Action::Set,
            Some(done) => done.action()?,
        };
        let key = Path::clean(path);
        let file = self.files.get(path).and_then(|file| file.before);
        let prev_node = match (change.before, file) {
            (Some(before), _) => Some(Directory::marked(before).node_at(key.clone(), self.now)),
            (None, Some(file)) => Some(self.file_before(path, file).node_at(key.clone(), self.now)),
            (None, None) => None,
        };
        let expiry = directory.note.expiry_when_written();
        let node = Node { modified_index: self.number, ..directory.node(key, expiry) };
        Some(Event { action, node, prev_node })
    }

    fn file_gone(&self, path: &str, before: Option<&KeyValue>) -> Event {
        let key = Path::clean(path);
        let said = self.said(path);
        let before = before.map(|before| self.file_before(path, before));
        let action = removal(said.as_ref(), before.as_ref().map_or(0, |file| file.kv.lease));
        let created = said.and_then(|note| note.created);
        let node = before.as_ref().map_or_else(
            || nameless(key.clone(), self.number, created),
            |file| file.removed(key.clone(), self.number),
        );
        let shown = |file: File| {
            let expiry = last_expiry(&file.note, action, self.now);
            file.node(key.clone(), expiry)
        };
        Event { action, node, prev_node: before.map(shown) }
    }

    fn directory_gone(&self, path: &str) -> Event {
        let said = self.said(path);
        let marker = self.markers.get(path).and_then(|change| change.before);
        let created = said.as_ref().and_then(|note| note.created);
        let directory = marker.map_or_else(
            || Directory { created: created.unwrap_or_default(), ..Directory::default() },
            Directory::marked,
        );
        directory_removed(&directory, said.as_ref(), Path::clean(path), self.number, self.now)
    }
}

/// The end of a directory, by what its side key says of it.
#[must_use]
pub fn directory_removed(
    directory: &Directory,
    said: Option<&Note>,
    key: Path,
    revision: u64,
    now: Timestamp,
) -> Event {
    let action = removal(said, directory.lease);
    let node = directory.removed(key.clone(), revision);
    let prev_node = directory.node(key, last_expiry(&directory.note, action, now));
    Event { action, node, prev_node: Some(prev_node) }
}

/// What ended a node that had a lease, or 0: without a word it was the lease.
fn removal(said: Option<&Note>, lease: i64) -> Action {
    match said.and_then(|note| note.done).and_then(Done::action) {
        Some(action) => action,
        None if lease != 0 => Action::Expire,
        None => Action::Delete,
    }
}

/// When the time of a node is over nothing is left of it, however late that is noticed.
fn last_expiry(note: &Note, action: Action, now: Timestamp) -> Option<Expiry> {
    let expiry = note.expiry(now)?;
    Some(if action == Action::Expire { Expiry { ttl: 0, ..expiry } } else { expiry })
}

/// A removed file of which nothing is known any more.
fn nameless(key: Path, revision: u64, created: Option<u64>) -> Node {
    Node {
        key,
        value: None,
        dir: false,
        expiry: None,
        modified_index: revision,
        created_index: created.unwrap_or(revision),
    }
}

#[cfg(test)]
mod tests;
