//! What happened to a node, and how a node looks from outside.

use crate::v2::path::Path;
use crate::v2::time::Expiry;
use std::sync::Arc;

/// What was done; the `action` of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Get,
    Create,
    Set,
    Update,
    Delete,
    CompareAndSwap,
    CompareAndDelete,
    Expire,
}

impl Action {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Create => "create",
            Self::Set => "set",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::CompareAndSwap => "compareAndSwap",
            Self::CompareAndDelete => "compareAndDelete",
            Self::Expire => "expire",
        }
    }
}

/// A node at a point in time, without what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub key: Path,
    /// A file's value. In events of removal the node has none, and is no directory if it was a file.
    pub value: Option<Arc<str>>,
    pub dir: bool,
    pub expiry: Option<Expiry>,
    pub modified_index: u64,
    pub created_index: u64,
}

/// The same, borrowed from where it is kept: what a listing is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRef<'a> {
    pub key: &'a str,
    pub value: Option<&'a str>,
    pub dir: bool,
    pub expiry: Option<Expiry>,
    pub modified_index: u64,
    pub created_index: u64,
}

impl Node {
    #[must_use]
    pub fn borrow(&self) -> NodeRef<'_> {
        NodeRef {
            key: self.key.as_str(),
            value: self.value.as_deref(),
            dir: self.dir,
            expiry: self.expiry,
            modified_index: self.modified_index,
            created_index: self.created_index,
        }
    }
}

/// A change, as the one who made it and all who watch are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub action: Action,
    pub node: Node,
    pub prev_node: Option<Node>,
}

impl Event {
    /// The index of the store that the change made.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.node.modified_index
    }

    /// The HTTP status of the reply to the one who made it: 201 when something new came to be
    /// (etcd: `v2store/event.go`, IsCreated).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.action {
            Action::Create => 201,
            Action::Set if self.prev_node.is_none() => 201,
            _ => 200,
        }
    }

    /// Whether a directory ended, and with it all that was below.
    #[must_use]
    pub fn removes_directory(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Expire)
            && self.prev_node.as_ref().is_some_and(|node| node.dir)
    }
}
