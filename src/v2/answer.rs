//! Replies with the headers that etcd's v2 API gives them, for who is the server itself.

use crate::v2::command::MethodNotAllowed;
use crate::v2::error::Error;
use crate::v2::reply::{Headers, Reply};

pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain; charset=utf-8";

/// Where a store stands, and whose it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub cluster: u64,
    pub index: u64,
    pub raft_index: u64,
    pub term: u64,
}

/// Of the keys.
#[must_use]
pub fn of_keys(status: u16, position: Position, body: Vec<u8>) -> Reply {
    let mut headers = of_kind(JSON);
    push_store(&mut headers, position.cluster, position.index);
    headers.push("x-raft-index", position.raft_index.to_string().as_bytes());
    headers.push("x-raft-term", position.term.to_string().as_bytes());
    complete(status, headers, body)
}

/// An error of the keys.
#[must_use]
pub fn of_error(cluster: u64, error: &Error) -> Reply {
    let mut headers = of_kind(JSON);
    push_store(&mut headers, cluster, error.index);
    complete(error.code.status(), headers, error.body())
}

/// Of anything else.
#[must_use]
pub fn plain(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
    complete(status, of_kind(kind), body.into())
}

/// Of the members.
#[must_use]
pub fn of_members(cluster: u64, body: String) -> Reply {
    let mut headers = of_kind(JSON);
    push_cluster(&mut headers, cluster);
    complete(200, headers, body.into_bytes())
}

/// An error of anything but keys (Go: `net/http`, Error).
#[must_use]
pub fn refusal(status: u16, text: &str) -> Reply {
    let mut headers = of_kind(TEXT);
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

fn of_kind(kind: &str) -> Headers {
    let mut headers = Headers::with_capacity(160);
    headers.push("content-type", kind.as_bytes());
    headers
}

fn push_store(headers: &mut Headers, cluster: u64, index: u64) {
    push_cluster(headers, cluster);
    headers.push("x-etcd-index", index.to_string().as_bytes());
}

fn push_cluster(headers: &mut Headers, cluster: u64) {
    headers.push("x-etcd-cluster-id", format!("{cluster:x}").as_bytes());
}

fn complete(status: u16, mut headers: Headers, body: Vec<u8>) -> Reply {
    headers.push("content-length", body.len().to_string().as_bytes());
    Reply { status, headers, body }
}
