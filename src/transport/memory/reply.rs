//! Replies as an etcd with one member gives them.

use crate::v2::answer::{self, Position};
use crate::v2::error::Error;
use crate::v2::reply::Reply;

pub use crate::v2::answer::{JSON, TEXT, empty, method_not_allowed, plain, refusal};

/// The identity that etcd gives a cluster of one member by default.
const CLUSTER_ID: u64 = 0xcdf8_1819_4e3a_8c32;
/// The election that made the only member the leader.
const TERM: u64 = 2;

/// Of the keys: `index` is the store's.
#[must_use]
pub fn of_keys(status: u16, index: u64, body: Vec<u8>) -> Reply {
    // One entry of the log is etcd's own: that of the election.
    answer::of_keys(status, Position { cluster: CLUSTER_ID, index, raft_index: index + 1, term: TERM }, body)
}

/// An error of the keys.
#[must_use]
pub fn of_error(error: &Error) -> Reply {
    answer::of_error(CLUSTER_ID, error)
}

/// Of the members.
#[must_use]
pub fn of_members(body: String) -> Reply {
    answer::of_members(CLUSTER_ID, body)
}
