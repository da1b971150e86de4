//! Events and listings as JSON, byte for byte as Go's `encoding/json` writes etcd's structures
//! (etcd: `v2store/node_extern.go` and `event.go`).
//!
//! Nothing here recurses, so a tree can be as deep as it likes.

use crate::v2::event::{Action, Event, NodeRef};
use serde::Serializer as _;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::fmt::Display;
use std::io::{self, Write};

const TAKEN: &str = "a Vec takes every write";

/// A reply's body for a change, or a line of a stream.
#[must_use]
pub fn event(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + event.node.value.as_ref().map_or(0, |value| value.len()));
    begin(&mut out, event.action);
    out.extend(b",\"node\":");
    whole(&mut out, event.node.borrow());
    if let Some(prev_node) = &event.prev_node {
        out.extend(b",\"prevNode\":");
        whole(&mut out, prev_node.borrow());
    }
    out.extend(b"}\n");
    out
}

/// The reply to a change with `noValueOnSuccess`: neither node, but only where something was written
/// (etcd: `v2http/client.go`, writeKeyEvent).
#[must_use]
pub fn event_without_value(change: &Event) -> Vec<u8> {
    match change.action {
        Action::Set | Action::CompareAndSwap | Action::Create | Action::Update => {
            let mut out = Vec::new();
            begin(&mut out, change.action);
            out.extend(b"}\n");
            out
        }
        _ => event(change),
    }
}

/// The reply to a `get`, written node by node.
#[derive(Debug)]
pub struct Listing {
    out: Vec<u8>,
    open: Vec<Open>,
}

/// A node of which the end is still to be written: in etcd's order its indices come after all that is below.
#[derive(Debug)]
struct Open {
    modified_index: u64,
    created_index: u64,
    has_nodes: bool,
}

impl Default for Listing {
    fn default() -> Self {
        let mut out = Vec::with_capacity(256);
        begin(&mut out, Action::Get);
        out.extend(b",\"node\":");
        Self { out, open: Vec::new() }
    }
}

impl Listing {
    /// Adds a node: what was asked for has depth 0 and comes first, and what is in a directory comes right after it.
    pub fn push(&mut self, depth: usize, node: NodeRef<'_>) {
        self.close_to(depth);
        if let Some(parent) = self.open.last_mut() {
            self.out.extend_from_slice(if parent.has_nodes { b"," } else { b",\"nodes\":[" });
            parent.has_nodes = true;
        }
        head(&mut self.out, node);
        let NodeRef { modified_index, created_index, .. } = node;
        self.open.push(Open { modified_index, created_index, has_nodes: false });
    }

    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.close_to(0);
        self.out.extend(b"}\n");
        self.out
    }

    fn close_to(&mut self, depth: usize) {
        for node in self.open.drain(depth.min(self.open.len())..).rev() {
            if node.has_nodes {
                self.out.push(b']');
            }
            tail(&mut self.out, node.modified_index, node.created_index);
        }
    }
}

fn begin(out: &mut Vec<u8>, action: Action) {
    out.extend(b"{\"action\":\"");
    out.extend(action.name().as_bytes());
    out.push(b'"');
}

fn whole(out: &mut Vec<u8>, node: NodeRef<'_>) {
    head(out, node);
    tail(out, node.modified_index, node.created_index);
}

/// All of a node that comes before its children. What is empty or 0 is left out, but for a value.
fn head(out: &mut Vec<u8>, node: NodeRef<'_>) {
    let mut separator = b'{';
    let mut field = |out: &mut Vec<u8>, name: &str| {
        out.push(std::mem::replace(&mut separator, b','));
        out.extend(name.as_bytes());
    };
    if !node.key.is_empty() {
        field(out, "\"key\":");
        string(out, node.key);
    }
    if let Some(value) = node.value {
        field(out, "\"value\":");
        string(out, value);
    }
    if node.dir {
        field(out, "\"dir\":true");
    }
    if let Some(expiry) = node.expiry {
        field(out, "\"expiration\":\"");
        display(out, expiry.at);
        out.push(b'"');
        if expiry.ttl != 0 {
            field(out, "\"ttl\":");
            display(out, expiry.ttl);
        }
    }
}

fn tail(out: &mut Vec<u8>, modified_index: u64, created_index: u64) {
    for (name, index) in [(",\"modifiedIndex\":", modified_index), (",\"createdIndex\":", created_index)] {
        if index != 0 {
            out.extend(name.as_bytes());
            display(out, index);
        }
    }
    out.push(b'}');
}

fn display(out: &mut Vec<u8>, value: impl Display) {
    write!(out, "{value}").expect(TAKEN);
}

/// Writes a text as Go does: what HTML or JavaScript could take for their own is escaped.
pub fn string(out: &mut Vec<u8>, text: &str) {
    Serializer::with_formatter(out, Go).serialize_str(text).expect(TAKEN);
}

struct Go;

impl Formatter for Go {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        // Most texts have none of it, and a look at the bytes is quicker than one at the characters.
        if rest.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2)) {
            while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
                let escaped = rest[at..].chars().next().unwrap_or_default();
                write!(out, "{}\\u{:04x}", &rest[..at], u32::from(escaped))?;
                rest = &rest[at + escaped.len_utf8()..];
            }
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::event::Node;
    use crate::v2::path::Path;
    use crate::v2::time::{Expiry, Timestamp};

    fn file(key: &str, value: &str) -> Node {
        Node {
            key: Path::clean(key),
            value: Some(value.into()),
            dir: false,
            expiry: None,
            modified_index: 5,
            created_index: 4,
        }
    }

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn an_event_has_its_fields_in_etcds_order() {
        let expiry = Some(Expiry { at: Timestamp(1_500_000_000), ttl: 2 });
        let set = Event {
            action: Action::Set,
            node: Node { expiry, ..file("/a", "1") },
            prev_node: Some(file("/a", "")),
        };
        assert_eq!(
            text(event(&set)),
            concat!(
                r#"{"action":"set","node":{"key":"/a","value":"1","expiration":"1970-01-01T00:00:01.5Z","ttl":2,"#,
                r#""modifiedIndex":5,"createdIndex":4},"#,
                r#""prevNode":{"key":"/a","value":"","modifiedIndex":5,"createdIndex":4}}"#,
                "\n"
            )
        );
        assert_eq!(text(event_without_value(&set)), "{\"action\":\"set\"}\n");
    }

    #[test]
    fn a_removal_is_answered_with_its_nodes_in_any_case() {
        let prev_node = Some(file("/a", "1"));
        let removal =
            Event { action: Action::Delete, node: Node { value: None, ..file("/a", "") }, prev_node };
        assert_eq!(event_without_value(&removal), event(&removal));
    }

    #[test]
    fn a_listing_nests_what_comes_after_its_directory() {
        let dir =
            |key| NodeRef { key, value: None, dir: true, expiry: None, modified_index: 1, created_index: 1 };
        let leaf = |key| NodeRef { value: Some(""), dir: false, ..dir(key) };
        let root = NodeRef { modified_index: 0, created_index: 0, ..dir("") };
        let mut listing = Listing::default();
        for (depth, node) in
            [(0, root), (1, dir("/a")), (2, leaf("/a/b")), (2, leaf("/a/c")), (1, leaf("/d"))]
        {
            listing.push(depth, node);
        }
        let indices = r#""modifiedIndex":1,"createdIndex":1"#;
        assert_eq!(
            text(listing.finish()),
            format!(
                concat!(
                    r#"{{"action":"get","node":{{"dir":true,"nodes":[{{"key":"/a","dir":true,"nodes":["#,
                    r#"{{"key":"/a/b","value":"",{0}}},{{"key":"/a/c","value":"",{0}}}],{0}}},"#,
                    r#"{{"key":"/d","value":"",{0}}}]}}}}"#,
                    "\n"
                ),
                indices
            )
        );
    }

    #[test]
    fn text_is_escaped_as_go_escapes_it() {
        let mut out = Vec::new();
        string(&mut out, "<&>\u{2028}\u{2029}\u{8}\u{c}\u{1}\u{7f}\"\\\n\t/é–😀");
        assert_eq!(
            text(out),
            "\"\\u003c\\u0026\\u003e\\u2028\\u2029\\b\\f\\u0001\u{7f}\\\"\\\\\\n\\t/é–😀\""
        );
    }
}
