//! The tree that keys make, as the reply to a `get` lists it.

use crate::transport::v3::layout::{Layout, Place, after, sort_key};
use crate::transport::v3::messages::KeyValue;
use crate::transport::v3::node::{Directory, File};
use crate::v2::event::Node;
use crate::v2::path::Path;
use crate::v2::render::Listing;
use crate::v2::time::Timestamp;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};

/// What a name is.
enum Entry<'k> {
    Directory(Directory),
    File(&'k KeyValue),
}

/// Names below a directory in the order in which they are listed.
type Entries<'k> = BTreeMap<Box<[u8]>, (&'k str, Entry<'k>)>;

/// The body of a reply that lists a directory from the keys in it, which may be more than one level if they are.
#[must_use]
pub fn list(
    layout: &Layout,
    directory: &Node,
    keys: &[KeyValue],
    is_recursive: bool,
    now: Timestamp,
) -> Vec<u8> {
    let top = directory.key.as_str();
    let mut entries = Entries::new();
    let mut sides = HashMap::new();
    for kv in keys {
        match layout.place(&kv.key) {
            Some(Place::Side(path)) => {
                sides.insert(path, kv);
            }
            Some(Place::Marker(path)) => add(&mut entries, top, path, kv, true, is_recursive),
            Some(Place::File(path)) => add(&mut entries, top, path, kv, false, is_recursive),
            None => {}
        }
    }
    let mut listing = Listing::default();
    listing.push(0, directory.borrow());
    // Of a name that is a key and has keys below it, as only other clients of v3 make them, the key counts.
    let mut last_file: Option<&str> = None;
    for (path, entry) in entries.values() {
        if last_file.is_some_and(|file| path.strip_prefix(file).is_some_and(|rest| rest.starts_with('/'))) {
            continue;
        }
        let key = Path::clean(path);
        let depth = path[top.len()..].matches('/').count();
        match entry {
            Entry::Directory(directory) => listing.push(depth, directory.node_at(key, now).borrow()),
            Entry::File(kv) => {
                last_file = Some(path);
                let file = File::new((*kv).clone(), sides.get(path).copied());
                listing.push(depth, file.node_at(key, now).borrow());
            }
        }
    }
    listing.finish()
}

/// Adds what a key stands for, and the directories that have no marker on the way to it. Hidden names are not listed.
fn add<'k>(
    entries: &mut Entries<'k>,
    top: &str,
    path: &'k str,
    kv: &'k KeyValue,
    is_marker: bool,
    is_recursive: bool,
) {
    let Some(below) = path.strip_prefix(top).filter(|rest| rest.starts_with('/')) else { return };
    let mut end = top.len();
    for name in below.split('/').skip(1) {
        if name.starts_with('_') {
            return;
        }
        end += 1 + name.len();
        let is_last = end == path.len();
        let entry = match (is_last, is_marker) {
            (true, true) => Entry::Directory(Directory::marked(kv)),
            (true, false) => Entry::File(kv),
            (false, _) => Entry::Directory(Directory::implied_by(kv)),
        };
        let prefix = &path[..end];
        if is_last && !matches!(entries.get(&sort_key(prefix)), Some((_, Entry::File(_)))) {
            entries.insert(sort_key(prefix), (prefix, entry));
        } else {
            entries.entry(sort_key(prefix)).or_insert((prefix, entry));
        }
        if !is_recursive {
            return;
        }
    }
}

/// Where to go on after a page that was not the last: behind its last key or, for a list of one level, behind the directory
/// in which that is.
#[must_use]
pub fn next_page(layout: &Layout, directory: &str, last: &[u8], is_recursive: bool) -> Bytes {
    let behind = after(last);
    if is_recursive {
        return behind;
    }
    let start = layout.marker(directory);
    let name = last.strip_prefix(&start[..]).unwrap_or_default();
    match name.iter().position(|&byte| byte == b'/') {
        Some(at) => [&start[..], &name[..at], b"0"].concat().into(),
        None => behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kv(key: &str, revision: i64) -> KeyValue {
        let (key, value) = key.split_once('=').unwrap_or((key, ""));
        KeyValue {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: Bytes::copy_from_slice(value.as_bytes()),
            create_revision: revision,
            mod_revision: revision,
            ..KeyValue::default()
        }
    }

    fn listed(directory: &str, keys: &[&str], is_recursive: bool) -> String {
        let keys: Vec<KeyValue> = keys.iter().zip(1..).map(|(key, revision)| kv(key, revision)).collect();
        let node = Directory::default().node(Path::clean(directory), None);
        let body = list(&Layout::default(), &node, &keys, is_recursive, Timestamp(0));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        shown(&body["node"])
    }

    fn shown(node: &serde_json::Value) -> String {
        let nodes: Vec<String> = node["nodes"].as_array().into_iter().flatten().map(shown).collect();
        let name = node["key"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let value = node["value"].as_str().map(|value| format!("={value}")).unwrap_or_default();
        if nodes.is_empty() { format!("{name}{value}") } else { format!("{name}({})", nodes.join(" ")) }
    }

    #[test]
    fn names_of_each_level_are_sorted_whatever_they_go_on_with() {
        let keys = ["/a/", "/a/b-x=1", "/a/b/", "/a/b/c=2", "/a/b0=3"];
        assert_eq!(listed("/a", &keys, true), "a(b(c=2) b-x=1 b0=3)");
        assert_eq!(listed("/a", &keys, false), "a(b b-x=1 b0=3)");
    }

    #[test]
    fn hidden_names_and_side_keys_are_not_listed() {
        let keys = ["/_h=1", "/a/_h/x=1", "/a/b=2", "/a/b//=note", "/a//=turn"];
        assert_eq!(listed("", &keys, true), "(a(b=2))");
    }

    #[test]
    fn a_directory_without_a_marker_is_where_a_key_lies_below_it() {
        let keys = ["/x/y/z=1", "/x/y/z2=2"];
        assert_eq!(listed("", &keys, true), "(x(y(z=1 z2=2)))");
        assert_eq!(listed("", &keys, false), "(x)");
    }

    #[test]
    fn of_a_key_that_has_keys_below_it_the_key_counts() {
        assert_eq!(listed("", &["/x=1", "/x/y=2", "/x-z=3"], true), "(x=1 x-z=3)");
    }

    #[test]
    fn the_next_page_of_one_level_begins_behind_a_directory() {
        let layout = Layout::new("/n");
        let next = |last: &str, is_recursive| next_page(&layout, "/a", last.as_bytes(), is_recursive);
        assert_eq!(next("/n/a/b/c/d", false), "/n/a/b0");
        assert_eq!(next("/n/a/b", false), "/n/a/b\0");
        assert_eq!(next("/n/a/b/", false), "/n/a/b0");
        assert_eq!(next("/n/a/b/c/d", true), "/n/a/b/c/d\0");
        assert_eq!(next_page(&layout, "", b"/n/b/c", false), "/n/b0");
    }
}
