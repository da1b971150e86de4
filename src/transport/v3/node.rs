//! Files and directories, put together from the keys that hold them.

use crate::transport::v3::messages::KeyValue;
use crate::transport::v3::note::Note;
use crate::transport::v3::transaction::unsigned;
use crate::v2::event::Node;
use crate::v2::path::Path;
use crate::v2::time::{Expiry, Timestamp};
use std::borrow::Cow;

/// A file, with what its side key says.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub kv: KeyValue,
    pub note: Note,
}

impl File {
    /// A side key counts only while the file is what it was when they were written together.
    #[must_use]
    pub fn new(kv: KeyValue, side: Option<&KeyValue>) -> Self {
        let note =
            side.filter(|side| side.mod_revision == kv.mod_revision).map(|side| Note::read(&side.value));
        Self { kv, note: note.unwrap_or_default() }
    }

    /// Bytes that are no UTF-8 are shown as U+FFFD.
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.kv.value)
    }

    /// The revision that has written the key.
    #[must_use]
    pub fn revision(&self) -> u64 {
        unsigned(self.kv.mod_revision)
    }

    #[must_use]
    pub fn modified_index(&self) -> u64 {
        self.note.modified.unwrap_or_else(|| self.revision())
    }

    #[must_use]
    pub fn created_index(&self) -> u64 {
        self.note.created.unwrap_or_else(|| self.modified_index())
    }

    /// The lease that is this file's alone, which has no use without it.
    #[must_use]
    pub fn own_lease(&self) -> Option<i64> {
        (self.note.owns_lease && self.kv.lease != 0).then_some(self.kv.lease)
    }

    #[must_use]
    pub fn node(&self, key: Path, expiry: Option<Expiry>) -> Node {
        Node {
            key,
            value: Some(self.value().into()),
            dir: false,
            expiry,
            modified_index: self.modified_index(),
            created_index: self.created_index(),
        }
    }

    /// As it is shown at a time.
    #[must_use]
    pub fn node_at(&self, key: Path, now: Timestamp) -> Node {
        self.node(key, self.note.expiry(now))
    }

    /// What a removal leaves of it.
    #[must_use]
    pub fn removed(&self, key: Path, revision: u64) -> Node {
        Node { value: None, modified_index: revision, ..self.node(key, None) }
    }
}

/// A directory. Its marker may be missing, where other clients of v3 have put keys below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    /// Its createdIndex, and its modifiedIndex: what happens in it does not change it.
    pub created: u64,
    /// The revision that has written the marker.
    pub marker: Option<u64>,
    pub lease: i64,
    pub note: Note,
}

impl Directory {
    #[must_use]
    pub fn marked(marker: &KeyValue) -> Self {
        Self {
            created: unsigned(marker.create_revision),
            marker: Some(unsigned(marker.mod_revision)),
            lease: marker.lease,
            note: Note::read(&marker.value),
        }
    }

    /// One that is there because a key lies below it.
    #[must_use]
    pub fn implied_by(key: &KeyValue) -> Self {
        Self { created: unsigned(key.create_revision), ..Self::default() }
    }

    /// See [`File::own_lease`].
    #[must_use]
    pub fn own_lease(&self) -> Option<i64> {
        (self.note.owns_lease && self.lease != 0).then_some(self.lease)
    }

    #[must_use]
    pub const fn node(&self, key: Path, expiry: Option<Expiry>) -> Node {
        Node {
            key,
            value: None,
            dir: true,
            expiry,
            modified_index: self.created,
            created_index: self.created,
        }
    }

    /// As it is shown at a time.
    #[must_use]
    pub fn node_at(&self, key: Path, now: Timestamp) -> Node {
        self.node(key, self.note.expiry(now))
    }

    /// What a removal leaves of it.
    #[must_use]
    pub fn removed(&self, key: Path, revision: u64) -> Node {
        Node { modified_index: revision, ..self.node(key, None) }
    }
}
