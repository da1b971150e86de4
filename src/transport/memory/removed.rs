//! What was in a directory that ended: who watched any of it is told, also when asking later.

use std::ops::Range;
use std::sync::Arc;

/// The names below a node that was removed, the node's own first and those of one directory side by side and sorted.
#[derive(Debug)]
pub struct Removed(Vec<Name>);

#[derive(Debug)]
struct Name {
    name: Arc<str>,
    /// Where the names of what was in it are.
    children: Range<usize>,
}

impl Removed {
    #[must_use]
    pub fn new(name: Arc<str>) -> Self {
        Self(vec![Name { name, children: 0..0 }])
    }

    /// Adds all that was in the directory at a place. The places are in the order in which names are added.
    pub fn push(&mut self, place: usize, names: impl Iterator<Item = Arc<str>>) {
        let start = self.0.len();
        self.0.extend(names.map(|name| Name { name, children: 0..0 }));
        self.0[place].children = start..self.0.len();
    }

    /// Whether there was a node, by its path below the removed one: `/b/c`.
    #[must_use]
    pub fn contains(&self, below: &str) -> bool {
        let mut children = self.0[0].children.clone();
        for name in below.split('/').skip(1) {
            let siblings = &self.0[children];
            let Ok(place) = siblings.binary_search_by(|sibling| sibling.name.as_ref().cmp(name)) else {
                return false;
            };
            children = siblings[place].children.clone();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_found_and_nothing_else() {
        let mut removed = Removed::new("a".into());
        removed.push(0, ["b", "c"].into_iter().map(Arc::from));
        removed.push(1, ["d"].into_iter().map(Arc::from));
        for (below, there) in
            [("", true), ("/b", true), ("/b/d", true), ("/c", true), ("/d", false), ("/c/d", false)]
        {
            assert_eq!(removed.contains(below), there, "{below}");
        }
    }
}
