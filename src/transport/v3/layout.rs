//! Where the nodes of v2's tree are among the keys of etcd v3.
//!
//! A file is a plain key by its path, so that other v3 clients read and write it. A directory is a *marker*, its path
//! with a slash behind it. What v2 knows of a node and v3 does not is in its *side key*, the path with two slashes behind it,
//! which no v2 key can have: slashes collapse. All of a directory lies between its marker and its path with a `0` behind
//! it, as `0` follows `/`.

use bytes::Bytes;

/// The keyspace below a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    prefix: String,
}

/// What a key is to the tree, with the path of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'k> {
    File(&'k str),
    Marker(&'k str),
    Side(&'k str),
}

impl Layout {
    /// Below a namespace, which may end with a slash.
    #[must_use]
    pub fn new(namespace: &str) -> Self {
        Self { prefix: namespace.trim_end_matches('/').to_owned() }
    }

    /// The key of a file.
    #[must_use]
    pub fn file(&self, path: &str) -> Bytes {
        self.key(path, "")
    }

    /// The key that says that there is a directory. All that is in the directory follows it.
    #[must_use]
    pub fn marker(&self, path: &str) -> Bytes {
        self.key(path, "/")
    }

    /// The key beside a node.
    #[must_use]
    pub fn side(&self, path: &str) -> Bytes {
        self.key(path, "//")
    }

    /// The first key behind all that is in a directory.
    #[must_use]
    pub fn end(&self, path: &str) -> Bytes {
        self.key(path, "0")
    }

    /// What a key is; `None` for one that no path of v2's can name.
    #[must_use]
    pub fn place<'k>(&self, key: &'k [u8]) -> Option<Place<'k>> {
        let key = std::str::from_utf8(key.strip_prefix(self.prefix.as_bytes())?).ok()?;
        let (path, place): (_, fn(&'k str) -> Place<'k>) =
            match (key.strip_suffix("//"), key.strip_suffix('/')) {
                (Some(path), _) => (path, Place::Side),
                (None, Some(path)) => (path, Place::Marker),
                (None, None) => (key, Place::File),
            };
        let is_node = is_clean(path) && !(path.is_empty() && place(path) != Place::Side(""));
        is_node.then(|| place(path))
    }

    fn key(&self, path: &str, suffix: &str) -> Bytes {
        [&self.prefix, path, suffix].concat().into()
    }
}

/// The first key behind another one.
#[must_use]
pub fn after(key: &[u8]) -> Bytes {
    [key, b"\0"].concat().into()
}

/// A path for an order in which the names of one directory are side by side, and what is in a directory is right behind it:
/// slashes come before all that a name can hold.
#[must_use]
pub fn sort_key(path: &str) -> Box<[u8]> {
    path.bytes().map(|byte| if byte == b'/' { 0 } else { byte }).collect()
}

/// Whether [`crate::v2::path::Path::clean`] would leave a path as it is.
fn is_clean(path: &str) -> bool {
    let mut names = path.split('/');
    names.next() == Some("") && names.all(|name| !matches!(name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::path::Path;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_key_is_known_again() {
        for namespace in ["", "/app", "app/"] {
            let layout = Layout::new(namespace);
            assert_eq!(layout.place(&layout.file("/a/b")), Some(Place::File("/a/b")));
            assert_eq!(layout.place(&layout.marker("/a/b")), Some(Place::Marker("/a/b")));
            assert_eq!(layout.place(&layout.side("/a/b")), Some(Place::Side("/a/b")));
            assert_eq!(layout.place(&layout.side("")), Some(Place::Side("")));
        }
    }

    #[test]
    fn a_namespace_may_end_with_a_slash() {
        assert_eq!(Layout::new("/app/").file("/a"), "/app/a");
        assert_eq!(Layout::new("/").file("/a"), "/a");
    }

    #[test]
    fn keys_that_no_path_can_name_are_none_of_ours() {
        let layout = Layout::new("/app");
        for key in [
            "/app",
            "/app/",
            "/apple",
            "/ap",
            "x",
            "/app//a",
            "/app/a//b",
            "/app/a/./b",
            "/app/..",
            "/app/a///",
        ] {
            assert_eq!(layout.place(key.as_bytes()), None, "{key}");
        }
        assert_eq!(layout.place(b"/app/\xff"), None);
    }

    #[test]
    fn all_of_a_directory_and_nothing_else_is_in_its_range() {
        let layout = Layout::default();
        let range = layout.marker("/a")..layout.end("/a");
        for key in ["/a/", "/a//", "/a/b", "/a/\u{10ffff}"] {
            assert!(range.contains(&Bytes::from_static(key.as_bytes())), "{key}");
        }
        for key in ["/a", "/a-b", "/a.c", "/a0", "/b"] {
            assert!(!range.contains(&Bytes::from_static(key.as_bytes())), "{key}");
        }
    }

    proptest! {
        #[test]
        fn every_path_of_v2_has_its_own_key(key in "[/a.\u{e4}]{0,12}") {
            let path = Path::clean(&key);
            let layout = Layout::new("/n");
            let path = path.as_str();
            let [file, marker, side] = [layout.file(path), layout.marker(path), layout.side(path)];
            if !path.is_empty() {
                prop_assert_eq!(layout.place(&file), Some(Place::File(path)));
                prop_assert_eq!(layout.place(&marker), Some(Place::Marker(path)));
            }
            prop_assert_eq!(layout.place(&side), Some(Place::Side(path)));
        }

        #[test]
        fn what_is_a_place_is_a_path_of_v2(key in "[/a.]{0,8}") {
            if let Some(Place::File(path) | Place::Marker(path) | Place::Side(path)) = Layout::default().place(key.as_bytes()) {
                let cleaned = Path::clean(path);
                prop_assert_eq!(cleaned.as_str(), path);
            }
        }
    }
}
