//! Replies as an etcd with one member gives them.

use crate::v2::command::MethodNotAllowed;
use crate::v2::error::Error;
use crate::v2::reply::{Headers, Reply};

pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The identity that etcd gives a cluster of one member by default.
const CLUSTER_ID: &str = "cdf818194e3a8c32";
/// The election that made the only member the leader.
const TERM: &str = "2";

/// Of the keys: `index` is the store's.
#[must_use]
pub fn of_keys(status: u16, index: u64, body: Vec<u8>) -> Reply {
    let mut headers = with_kind(JSON, Some(index));
    // One entry of the log is etcd's own: that of the election.
    headers.push("x-raft-index", (index + 1).to_string().as_bytes());
    headers.push("x-raft-term", TERM.as_bytes());
    complete(status, headers, body)
}

/// An error of the keys.
#[must_use]
pub fn of_error(error: &Error) -> Reply {
    complete(error.code.status(), with_kind(JSON, Some(error.index)), error.body())
}

/// Of anything else.
#[must_use]
pub fn plain(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
    complete(status, with_kind(kind, None), body.into())
}

/// Of the members.
#[must_use]
pub fn of_members(body: String) -> Reply {
    let mut headers = with_kind(JSON, None);
    headers.push("x-etcd-cluster-id", CLUSTER_ID.as_bytes());
    complete(200, headers, body.into_bytes())
}

/// An error of anything but keys (Go: `net/http`, Error).
#[must_use]
pub fn refusal(status: u16, text: &str) -> Reply {
    let mut headers = with_kind(TEXT, None);
    headers.push("x-content-type-options", b"nosniff");
    complete(status, headers, text.into())
}

/// The refusal of a method; `allowed` are those there are.
#[must_use]
pub fn method_not_allowed(allowed: &str) -> Reply {
    let mut reply = refusal(MethodNotAllowed::STATUS, MethodNotAllowed::BODY);
    reply.headers.push("allow", allowed.as_bytes());
    reply
}

/// Of what is asked by browsers, before they ask anything else.
#[must_use]
pub fn empty() -> Reply {
    complete(200, Headers::default(), Vec::new())
}

fn with_kind(kind: &str, index: Option<u64>) -> Headers {
    let mut headers = Headers::with_capacity(160);
    headers.push("content-type", kind.as_bytes());
    if let Some(index) = index {
        headers.push("x-etcd-cluster-id", CLUSTER_ID.as_bytes());
        headers.push("x-etcd-index", index.to_string().as_bytes());
    }
    headers
}

fn complete(status: u16, mut headers: Headers, body: Vec<u8>) -> Reply {
    headers.push("content-length", body.len().to_string().as_bytes());
    Reply { status, headers, body }
}
