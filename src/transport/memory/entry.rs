//! A node as it is kept.

use crate::v2::event::{Node, NodeRef};
use crate::v2::path::Path;
use crate::v2::time::{Expiry, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of a node. It is used again when the node has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub const ROOT: Self = Self(0);

    pub(super) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("memory ends before the numbers do"))
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The nodes of a directory by name.
pub type Children = BTreeMap<Arc<str>, NodeId>;

/// What a node holds.
#[derive(Debug)]
pub enum Kind {
    File(Arc<str>),
    Directory(Children),
}

/// A node as it is kept.
#[derive(Debug)]
pub struct Entry {
    pub(super) name: Arc<str>,
    pub(super) parent: NodeId,
    pub kind: Kind,
    pub(super) expires: Option<Timestamp>,
    pub modified_index: u64,
    pub created_index: u64,
}

impl Entry {
    #[must_use]
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Directory(_))
    }

    /// A file's value; nothing for a directory.
    #[must_use]
    pub const fn value(&self) -> Option<&Arc<str>> {
        match &self.kind {
            Kind::File(value) => Some(value),
            Kind::Directory(_) => None,
        }
    }

    /// What is in a directory; nothing for a file.
    #[must_use]
    pub const fn children(&self) -> Option<&Children> {
        match &self.kind {
            Kind::Directory(children) => Some(children),
            Kind::File(_) => None,
        }
    }

    /// Whether it is a directory without anything in it, hidden or not.
    #[must_use]
    pub fn is_empty_dir(&self) -> bool {
        self.children().is_some_and(Children::is_empty)
    }

    /// The end of its life, as seen at a time.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Option<Expiry> {
        self.expires.map(|at| Expiry::seen(at, now))
    }

    /// How it looks from outside, without what is in it.
    #[must_use]
    pub fn node(&self, key: Path, now: Timestamp) -> Node {
        Node {
            key,
            value: self.value().cloned(),
            dir: self.is_dir(),
            expiry: self.expiry(now),
            modified_index: self.modified_index,
            created_index: self.created_index,
        }
    }

    /// Whether listings of the directory it is in leave it out.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.name.starts_with('_')
    }

    /// The same as [`Entry::node`], without a copy.
    #[must_use]
    pub fn borrow<'a>(&'a self, key: &'a str, now: Timestamp) -> NodeRef<'a> {
        NodeRef {
            key,
            value: self.value().map(AsRef::as_ref),
            dir: self.is_dir(),
            expiry: self.expiry(now),
            modified_index: self.modified_index,
            created_index: self.created_index,
        }
    }
}
