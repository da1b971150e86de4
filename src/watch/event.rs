//! What a watch's reply says.

use serde::Deserialize;

/// The part of a reply's body that a watch needs.
#[derive(Debug, Deserialize)]
struct Body {
    node: Option<Node>,
    #[serde(rename = "errorCode")]
    error_code: Option<f64>,
    /// The store's index, in errors.
    index: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Node {
    key: Option<String>,
    #[serde(rename = "modifiedIndex")]
    modified_index: Option<u64>,
}

/// What a reply to a watch is.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An event with this index.
    Event(Event),
    /// Error 401: what was asked for is no longer in the history; the store is at this index.
    Outdated(u64),
    /// Error 110: the credentials are missing or do not suffice.
    Unauthorized,
    /// A success without an event: somebody between us and the server ended the poll.
    Nothing,
    /// No reply that a watch can get.
    Unexpected,
}

/// One change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub index: u64,
    key: String,
}

/// Reads a reply to a watch.
#[must_use]
pub fn read(status: u16, body: &[u8]) -> Meaning {
    if body.is_empty() && (200..300).contains(&status) {
        return Meaning::Nothing;
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return Meaning::Unexpected };
    match (body.error_code, body.index, body.node) {
        (Some(401.0), Some(index), _) => Meaning::Outdated(index),
        (Some(110.0), ..) => Meaning::Unauthorized,
        (None, _, Some(Node { key, modified_index: Some(index) })) => {
            Meaning::Event(Event { index, key: key.unwrap_or_default() })
        }
        _ => Meaning::Unexpected,
    }
}

impl Event {
    /// Whether a live watch of `watched` would see this event. The history also returns what the server does not
    /// send live: hidden keys below the watched one, and the removal of `/a/b` to a watch of `/a/bcd` (semantics.md
    /// 3.3). Leaving these out makes no difference between what came live and what was made up for.
    #[must_use]
    pub fn concerns(&self, watched: &str) -> bool {
        let key = self.key.trim_end_matches('/');
        let watched = watched.trim_end_matches('/');
        if let Some(below) = key.strip_prefix(watched) {
            return !(below.starts_with('/') && below.contains("/_"));
        }
        // Anything else the server has its reasons for, such as a proxy that changes keys.
        watched.strip_prefix(key).is_none_or(|below| below.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(key: &str) -> Event {
        Event { index: 1, key: key.into() }
    }

    #[test]
    fn replies_are_told_apart() {
        let set = br#"{"action":"set","node":{"key":"/a","value":"1","modifiedIndex":7,"createdIndex":7}}"#;
        assert_eq!(read(200, set), Meaning::Event(Event { index: 7, ..event("/a") }));
        let outdated = br#"{"errorCode":401,"message":"","cause":"[91/86]","index":1090}"#;
        assert_eq!(read(400, outdated), Meaning::Outdated(1090));
        assert_eq!(read(401, br#"{"errorCode":110,"index":0}"#), Meaning::Unauthorized);
        assert_eq!(read(200, b""), Meaning::Nothing);
        for odd in [&b""[..], b"{}", b"<html>", b"[1]", br#"{"node":{}}"#, br#"{"errorCode":100,"index":1}"#]
        {
            assert_eq!(read(404, odd), Meaning::Unexpected);
        }
    }

    #[test]
    fn a_watch_sees_its_tree_and_the_removal_of_what_holds_it() {
        assert!(event("/a").concerns("/a"));
        assert!(event("/a/b").concerns("/a"));
        assert!(event("/a/b").concerns("/"));
        assert!(event("/a").concerns("/a/b"));
    }

    #[test]
    fn the_removal_of_a_directory_whose_name_only_begins_alike_is_left_out() {
        assert!(!event("/w/d").concerns("/w/dfoo"));
    }

    #[test]
    fn hidden_keys_are_seen_only_by_who_watches_them() {
        assert!(!event("/_b").concerns("/"));
        assert!(!event("/a/_b").concerns("/a"));
        assert!(!event("/a/_b/c").concerns("/a"));
        assert!(event("/a/_b/c").concerns("/a/_b"));
    }

    #[test]
    fn what_has_another_name_than_the_one_asked_for_is_the_servers_business() {
        assert!(event("/prefix/a").concerns("/a"));
        assert!(event("/other").concerns("/a"));
    }
}
