//! What is at a path and on the way to it, by what one transaction reads.

use crate::transport::v3::layout::{Layout, Place, after};
use crate::transport::v3::messages::{Compare, KeyValue, RangeRequest};
use crate::transport::v3::node::{Directory, File};
use crate::transport::v3::note::Note;
use crate::transport::v3::transaction::{Outcome, absent, leased, page, present, range, unchanged};
use crate::v2::error::{Code, Error};
use crate::v2::path::Path;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// Of so many keys below a directory without a marker one is no side key: those stay alone for a moment only.
pub const EVIDENCE: i64 = 16;

/// Keys on the way that there is no right to read or to write. They are taken to be those of a directory.
pub type Forbidden = HashSet<Bytes>;

/// What is at a path.
#[derive(Debug, Default)]
pub struct Here {
    pub revision: u64,
    pub file: Option<File>,
    pub directory: Option<Directory>,
    /// In a directory that is listed: the first page of its keys, and whether there are more.
    pub keys: Vec<KeyValue>,
    pub has_more: bool,
}

impl Here {
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.file.is_some() || self.directory.is_some()
    }

    /// Reads what is at a path; with a limit, also that much of what is in it if it is a directory.
    pub fn reads(layout: &Layout, path: &Path, list: Option<i64>) -> Vec<RangeRequest> {
        let path = path.as_str();
        let mut reads = Vec::with_capacity(4);
        if !path.is_empty() {
            reads.push(range(layout.file(path)));
            reads.push(range(layout.side(path)));
        }
        if let Some(limit) = list {
            reads.push(page(layout.marker(path), layout.end(path), limit));
        } else {
            reads.push(range(layout.marker(path)));
            reads.push(evidence(layout, path));
        }
        reads
    }

    /// What [`Self::reads`] has found.
    pub fn read(layout: &Layout, path: &Path, is_listed: bool, found: &mut Outcome) -> Self {
        let revision = found.revision();
        let (file, side) = if path.is_root() { (None, None) } else { (found.read(), found.read()) };
        let file = file.map(|kv| File::new(kv, side.as_ref()));
        let (keys, has_more) = if is_listed {
            found.page()
        } else {
            let mut keys: Vec<KeyValue> = found.read().into_iter().collect();
            keys.extend(found.page().0);
            (keys, false)
        };
        let directory = if path.is_root() {
            Some(Directory::default())
        } else if file.is_some() {
            None
        } else {
            directory(layout, path.as_str(), &keys)
        };
        Self { revision, file, directory, keys, has_more }
    }
}

/// Reads a few keys below a directory.
fn evidence(layout: &Layout, path: &str) -> RangeRequest {
    RangeRequest { keys_only: true, ..page(after(&layout.marker(path)), layout.end(path), EVIDENCE) }
}

/// The directory that keys at and below a path make.
fn directory(layout: &Layout, path: &str, keys: &[KeyValue]) -> Option<Directory> {
    let marker = layout.marker(path);
    match keys.iter().find(|kv| kv.key == marker) {
        Some(marker) => Some(Directory::marked(marker)),
        None => keys.iter().find(|kv| is_node(layout, kv)).map(Directory::implied_by),
    }
}

fn is_node(layout: &Layout, kv: &KeyValue) -> bool {
    matches!(layout.place(&kv.key), Some(Place::File(_) | Place::Marker(_)))
}

/// The directory in which something is, which has a marker.
#[derive(Debug, Clone, PartialEq)]
pub struct Enclosing {
    pub path: String,
    pub lease: i64,
    pub note: Note,
}

impl Enclosing {
    /// When it ends, in milliseconds since 1970.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        self.note.ends()
    }
}

/// What is on the way to a path: the directories above it.
#[derive(Debug, Default)]
pub struct Above {
    revision: u64,
    /// The first that is a file.
    file: Option<String>,
    /// Those without a marker, from the top.
    pub unmarked: Vec<String>,
    /// The deepest that has one.
    pub enclosing: Option<Enclosing>,
    /// How many of those without a marker have nothing that lies below them as far as this was read.
    unproven: usize,
}

impl Above {
    /// The directories above a path, from the top, without the root.
    pub fn directories(path: &Path) -> impl Iterator<Item = &str> {
        path.prefixes().filter(|prefix| !prefix.is_empty() && *prefix != path.as_str())
    }

    /// Their keys, the shallowest first.
    pub fn keys(layout: &Layout, path: &Path) -> Vec<Bytes> {
        Self::directories(path).flat_map(|above| [layout.file(above), layout.marker(above)]).collect()
    }

    pub fn reads(layout: &Layout, path: &Path, forbidden: &Forbidden) -> Vec<RangeRequest> {
        Self::keys(layout, path).into_iter().filter(|key| !forbidden.contains(key)).map(range).collect()
    }

    pub fn read(layout: &Layout, path: &Path, forbidden: &Forbidden, found: &mut Outcome) -> Self {
        let keys = Self::keys(layout, path).into_iter().filter(|key| !forbidden.contains(key));
        let found_keys: HashMap<Bytes, KeyValue> =
            keys.filter_map(|key| found.read().map(|kv| (key, kv))).collect();
        let mut above = Self { revision: found.revision(), ..Self::default() };
        for directory in Self::directories(path) {
            let marker = layout.marker(directory);
            if found_keys.contains_key(&layout.file(directory)) {
                above.file = Some(directory.to_owned());
                above.unproven = 0;
                break;
            }
            if let Some(kv) = found_keys.get(&marker) {
                let (path, lease, note) = (directory.to_owned(), kv.lease, Note::read(&kv.value));
                above.enclosing = Some(Enclosing { path, lease, note });
                above.unproven = 0;
            } else if !forbidden.contains(&marker) {
                above.unmarked.push(directory.to_owned());
                above.unproven += 1;
            }
        }
        above
    }

    /// Reads whether something lies below the directories that have no marker, as other clients of v3 leave them.
    #[must_use]
    pub fn evidence(&self, layout: &Layout) -> Vec<RangeRequest> {
        self.unproven().iter().map(|path| evidence(layout, path)).collect()
    }

    /// The first directory that is not there, by what [`Self::evidence`] has found: nothing lies below it.
    pub fn absent(&self, layout: &Layout, found: &mut Outcome) -> Option<&str> {
        let is_absent = |_: &&String| !found.page().0.iter().any(|kv| is_node(layout, kv));
        self.unproven().iter().find(is_absent).map(String::as_str)
    }

    fn unproven(&self) -> &[String] {
        &self.unmarked[self.unmarked.len() - self.unproven..]
    }

    /// The same for who has found nothing at this revision already.
    #[must_use]
    pub fn at_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// # Errors
    /// 104 when a directory on the way is a file.
    pub fn check(&self) -> Result<(), Error> {
        match &self.file {
            Some(file) => Err(Error::new(Code::NotADirectory, file.as_str(), self.revision)),
            None => Ok(()),
        }
    }

    /// Why there is nothing at the path: the first directory that is not there, or the path itself.
    #[must_use]
    pub fn missing(&self, path: &Path, absent: Option<&str>) -> Error {
        Error::new(Code::KeyNotFound, absent.unwrap_or_else(|| path.as_str()), self.revision)
    }

    /// What a write rests on that makes the directories which have no marker.
    #[must_use]
    pub fn compares(&self, layout: &Layout, forbidden: &Forbidden) -> Vec<Compare> {
        let keys = self.unmarked.iter().flat_map(|path| [layout.file(path), layout.marker(path)]);
        let mut compares: Vec<Compare> = keys.filter(|key| !forbidden.contains(key)).map(absent).collect();
        if let Some(Enclosing { path, lease, .. }) = &self.enclosing {
            let marker = layout.marker(path);
            if !forbidden.contains(&marker) {
                compares.extend([present(marker.clone()), leased(marker, *lease)]);
            }
        }
        compares
    }
}

/// A path, and all on the way to it.
#[derive(Debug)]
pub struct Found {
    pub here: Here,
    pub above: Above,
}

impl Found {
    /// What a write rests on that makes or replaces the node at the path.
    #[must_use]
    pub fn compares(&self, layout: &Layout, path: &Path, forbidden: &Forbidden) -> Vec<Compare> {
        let mut compares = self.above.compares(layout, forbidden);
        let (file, marker) = (layout.file(path.as_str()), layout.marker(path.as_str()));
        compares.push(match &self.here.file {
            Some(found) => unchanged(file, found.revision()),
            None => absent(file),
        });
        compares.push(absent(marker));
        compares
    }
}
