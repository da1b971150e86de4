//! The decoded path of a node, as a store sees it.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// `/a/b`, without slashes to spare, and nothing at all for the root: etcd keeps its keys below `/1` and cuts that off
/// again, so that in replies the root has an empty name, which JSON then omits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<str>);

impl Path {
    /// Reads a decoded key as Go's `path.Clean` does: slashes collapse, `.` and `..` are resolved, and nothing is
    /// above the root.
    #[must_use]
    pub fn clean(key: &str) -> Self {
        let mut path = String::with_capacity(key.len() + 1);
        for name in key.split('/') {
            match name {
                "" | "." => {}
                ".." => path.truncate(path.rfind('/').unwrap_or(0)),
                _ => {
                    path.push('/');
                    path.push_str(name);
                }
            }
        }
        Self(path.into())
    }

    #[must_use]
    pub fn root() -> Self {
        Self("".into())
    }

    /// Puts names together, from the root on. None of them may be empty or hold a slash.
    #[must_use]
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = String::new();
        for name in names {
            path.push('/');
            path.push_str(name);
        }
        Self(path.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self([&self.0, "/", name].concat().into())
    }

    /// The names on the way from the root.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }

    /// What has to be walked to and what has to be found there; nothing for the root.
    #[must_use]
    pub fn split(&self) -> Option<(&str, &str)> {
        self.0.rsplit_once('/')
    }

    /// The path of every directory on the way, from the root to the path itself.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        let ends = self.0.match_indices('/').map(|(at, _)| at).chain([self.0.len()]);
        ends.map(|end| &self.0[..end])
    }

    /// What is left of the path below a directory, with its leading slash; `None` if the path is not below it.
    #[must_use]
    pub fn below<'a>(&'a self, directory: &str) -> Option<&'a str> {
        self.0.strip_prefix(directory).filter(|rest| rest.starts_with('/'))
    }
}

/// Paths sort as their texts do.
impl Borrow<str> for Path {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the last name begins that hides what is there from those who list or watch above (etcd:
/// `v2store/watcher_hub.go`, isHidden).
#[must_use]
pub fn last_hidden(path: &str) -> Option<usize> {
    path.rfind("/_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_cleaned_as_go_cleans_paths() {
        for (key, path) in [
            ("", ""),
            ("/", ""),
            ("a", "/a"),
            ("//a///b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../../a", "/a"),
            ("/..", ""),
            ("/a b/\0", "/a b/\0"),
        ] {
            assert_eq!(Path::clean(key).as_str(), path, "{key:?}");
        }
    }

    #[test]
    fn a_path_knows_what_is_above_it() {
        let path = Path::clean("/a/b/c");
        assert_eq!(path.prefixes().collect::<Vec<_>>(), ["", "/a", "/a/b", "/a/b/c"]);
        assert_eq!(path.names().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(path.split(), Some(("/a/b", "c")));
        assert_eq!(Path::root().prefixes().collect::<Vec<_>>(), [""]);
        assert_eq!(Path::root().names().count(), 0);
        assert_eq!(Path::root().split(), None);
    }

    #[test]
    fn below_means_whole_names() {
        let path = Path::clean("/ab/c");
        assert_eq!(path.below("/ab"), Some("/c"));
        assert_eq!(path.below(""), Some("/ab/c"));
        assert_eq!(path.below("/a"), None);
        assert_eq!(path.below("/ab/c"), None);
    }

    #[test]
    fn an_underscore_hides_at_the_start_of_a_name_only() {
        assert_eq!(last_hidden("/_a"), Some(0));
        assert_eq!(last_hidden("/_a/_b/c"), Some(3));
        assert_eq!(last_hidden("/a_b"), None);
    }

    proptest! {
        #[test]
        fn any_key_becomes_a_path_without_slashes_or_dots_to_spare(key in "(/|\\.|\\.\\.|[a-z_]|\\PC){0,16}") {
            let path = Path::clean(&key);
            prop_assert!(path.names().all(|name| !matches!(name, "" | "." | "..") && !name.contains('/')));
            prop_assert_eq!(&Path::clean(path.as_str()), &path);
            prop_assert_eq!(&Path::from_names(path.names()), &path);
            prop_assert_eq!(path.prefixes().count(), path.names().count() + 1);
            prop_assert_eq!(path.prefixes().last(), Some(path.as_str()));
            if let Some((above, name)) = path.split() {
                prop_assert_eq!(&Path::clean(above).child(name), &path);
                prop_assert_eq!(path.below(above), Some(&path.as_str()[above.len()..]));
            }
        }
    }
}
