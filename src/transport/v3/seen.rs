//! What answers have said of the store.

use crate::transport::v3::messages::ResponseHeader;
use crate::transport::v3::transaction::unsigned;
use crate::v2::answer::Position;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// The last revision that was seen, and whose store it is.
#[derive(Debug, Default)]
pub struct Seen {
    cluster: AtomicU64,
    term: AtomicU64,
    revision: AtomicU64,
}

impl Seen {
    pub fn note(&self, header: &ResponseHeader) {
        self.cluster.store(header.cluster_id, Relaxed);
        self.term.store(header.raft_term, Relaxed);
        // Not the highest one: a store may go back to an earlier state.
        self.revision.store(unsigned(header.revision), Relaxed);
    }

    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Relaxed)
    }

    /// Of the cluster, 0 as long as nobody has said so.
    #[must_use]
    pub fn cluster(&self) -> u64 {
        self.cluster.load(Relaxed)
    }

    /// Where a store stands, by its revision alone.
    #[must_use]
    pub fn position(&self, revision: u64) -> Position {
        Position {
            cluster: self.cluster(),
            index: revision,
            raft_index: revision,
            term: self.term.load(Relaxed),
        }
    }
}

/// Where a store stands by its answer. v3 does not tell the log's index: the revision, which grows with each write as
/// well, takes its place.
#[must_use]
pub fn position(header: &ResponseHeader) -> Position {
    let revision = unsigned(header.revision);
    Position { cluster: header.cluster_id, index: revision, raft_index: revision, term: header.raft_term }
}
