//! The nodes and where they are: directories hold numbers of nodes, so that no tree is too deep for the stack.

use crate::transport::memory::entry::{Children, Entry, Kind, NodeId};
use crate::transport::memory::removed::Removed;
use crate::v2::error::{Code, Error};
use crate::v2::path::Path;
use crate::v2::render::Listing;
use crate::v2::time::Timestamp;
use slab::Slab;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All nodes of a store, and when those with a TTL end.
#[derive(Debug)]
pub struct Tree {
    nodes: Slab<Entry>,
    expirations: BTreeSet<(Timestamp, NodeId)>,
}

impl Default for Tree {
    fn default() -> Self {
        let mut nodes = Slab::new();
        nodes.insert(Entry {
            name: "".into(),
            parent: NodeId::ROOT,
            kind: Kind::Directory(Children::new()),
            expires: None,
            modified_index: 0,
            created_index: 0,
        });
        Self { nodes, expirations: BTreeSet::new() }
    }
}

impl Tree {
    #[must_use]
    pub fn get(&self, id: NodeId) -> &Entry {
        &self.nodes[id.index()]
    }

    pub fn get_mut(&mut self, id: NodeId) -> &mut Entry {
        &mut self.nodes[id.index()]
    }

    /// The node at a path (etcd: `v2store/store.go`, internalGet).
    ///
    /// # Errors
    /// 104 when a file is on the way, which goes before 100 for what is not there.
    pub fn find(&self, path: &str, index: u64) -> Result<NodeId, Error> {
        let mut found = NodeId::ROOT;
        let mut walked = 0;
        for name in path.split('/').skip(1) {
            let children = self.get(found).children();
            let children = children.ok_or_else(|| Error::new(Code::NotADirectory, &path[..walked], index))?;
            walked += 1 + name.len();
            let child = children.get(name);
            found = *child.ok_or_else(|| Error::new(Code::KeyNotFound, &path[..walked], index))?;
        }
        Ok(found)
    }

    /// Whether there is a node at a path.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.find(path, 0).is_ok()
    }

    /// The directory at a path, made with all above it if it is missing (etcd: `v2store/store.go`, checkDir).
    ///
    /// # Errors
    /// 104 for the first file on the way. Then nothing was made.
    pub fn make_directories(&mut self, path: &str, index: u64) -> Result<NodeId, Error> {
        let mut found = NodeId::ROOT;
        let mut walked = 0;
        for name in path.split('/').skip(1) {
            walked += 1 + name.len();
            found = match self.child(found, name) {
                Some(child) if self.get(child).is_dir() => child,
                Some(_) => return Err(Error::new(Code::NotADirectory, &path[..walked], index)),
                None => self.insert(found, name, Kind::Directory(Children::new()), index + 1),
            };
        }
        Ok(found)
    }

    /// The node of a name in a directory.
    #[must_use]
    pub fn child(&self, directory: NodeId, name: &str) -> Option<NodeId> {
        self.get(directory).children()?.get(name).copied()
    }

    /// Adds a node to a directory, in which the name is free. Nothing is added to a file.
    pub fn insert(&mut self, directory: NodeId, name: &str, kind: Kind, index: u64) -> NodeId {
        let name = Arc::<str>::from(name);
        let entry = Entry {
            name: name.clone(),
            parent: directory,
            kind,
            expires: None,
            modified_index: index,
            created_index: index,
        };
        let id = NodeId::from_index(self.nodes.insert(entry));
        if let Kind::Directory(children) = &mut self.get_mut(directory).kind {
            children.insert(name, id);
        }
        id
    }

    /// Changes when a node ends.
    pub fn set_expiration(&mut self, id: NodeId, expires: Option<Timestamp>) {
        let before = std::mem::replace(&mut self.get_mut(id).expires, expires);
        if let Some(at) = before {
            self.expirations.remove(&(at, id));
        }
        if let Some(at) = expires {
            self.expirations.insert((at, id));
        }
    }

    /// The node that ends first, and when.
    #[must_use]
    pub fn first_to_expire(&self) -> Option<(Timestamp, NodeId)> {
        self.expirations.first().copied()
    }

    /// Walks up to the root.
    #[must_use]
    pub fn path(&self, id: NodeId) -> Path {
        let mut names = Vec::new();
        let mut at = id;
        while at != NodeId::ROOT {
            names.push(&*self.get(at).name);
            at = self.get(at).parent;
        }
        Path::from_names(names.into_iter().rev())
    }

    /// Takes a node out, with all that is in it.
    pub fn remove(&mut self, id: NodeId) -> Removed {
        let (parent, name) = (self.get(id).parent, self.get(id).name.clone());
        if let Kind::Directory(siblings) = &mut self.get_mut(parent).kind {
            siblings.remove(&name);
        }
        let mut removed = Removed::new(name);
        let mut ids = vec![id];
        let mut at = 0;
        while let Some(&id) = ids.get(at) {
            let entry = self.nodes.remove(id.index());
            if let Some(expires) = entry.expires {
                self.expirations.remove(&(expires, id));
            }
            if let Kind::Directory(children) = entry.kind {
                ids.extend(children.values());
                removed.push(at, children.into_keys());
            }
            at += 1;
        }
        removed
    }

    /// Visits all that is in a directory: each directory before what is in it, and names in order. The visitor is told
    /// how deep below a node is, its path and the node, and says whether to go into it.
    pub fn walk(&self, id: NodeId, path: &Path, mut visit: impl FnMut(usize, &str, &Entry) -> bool) {
        let mut path = path.as_str().to_owned();
        let mut open = Vec::from_iter(self.get(id).children().map(|children| (path.len(), children.iter())));
        while let Some((length, children)) = open.last_mut() {
            path.truncate(*length);
            let Some((name, &child)) = children.next() else {
                open.pop();
                continue;
            };
            path.push('/');
            path.push_str(name);
            let entry = self.get(child);
            if visit(open.len(), &path, entry) {
                open.extend(entry.children().map(|children| (path.len(), children.iter())));
            }
        }
    }

    /// Writes a node and what is in it, sorted and without what is hidden (etcd: `v2store/node_extern.go`,
    /// loadInternalNode).
    #[must_use]
    pub fn list(&self, id: NodeId, path: &Path, recursive: bool, now: Timestamp) -> Vec<u8> {
        let mut listing = Listing::default();
        listing.push(0, self.get(id).borrow(path.as_str(), now));
        self.walk(id, path, |depth, path, entry| {
            if !entry.is_hidden() {
                listing.push(depth, entry.borrow(path, now));
            }
            recursive && !entry.is_hidden()
        });
        listing.finish()
    }
}
