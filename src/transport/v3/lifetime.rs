//! How long nodes live: TTLs are leases, one for each node or the one of a directory above it.

use crate::transport::v3::look::Enclosing;
use crate::transport::v3::note::Note;

/// The longest that etcd leases for, in seconds (etcd: `lease/lessor.go`, MaxLeaseTTL).
const MAX_TTL: u64 = 9_000_000_000;

/// The lease that a node gets, and when it is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Life {
    /// 0 for none.
    pub lease: i64,
    /// Whether the lease is this node's own.
    pub is_own: bool,
    /// In milliseconds since 1970.
    pub expires: Option<i64>,
    pub ttl: Option<u64>,
}

/// Where a lease comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From the directory above, or nowhere.
    Shared(Life),
    /// From etcd, for so many seconds; the rest is known.
    Granted(i64, Life),
}

/// What a node with a TTL, or without one, needs: it ends with the directory that it is in at the latest.
#[must_use]
pub fn source(ttl: Option<u64>, enclosing: Option<&Enclosing>, now: i64) -> Source {
    let above = enclosing.filter(|enclosing| enclosing.lease != 0);
    let shared = above.map_or(0, |enclosing| enclosing.lease);
    let Some(seconds) = ttl else { return Source::Shared(Life { lease: shared, ..Life::default() }) };
    let expires = now.saturating_add(milliseconds(seconds));
    let life = Life { lease: shared, is_own: false, expires: Some(expires), ttl };
    match above.and_then(Enclosing::ends) {
        Some(ends) if ends <= expires => Source::Shared(life),
        _ => Source::Granted(seconds.clamp(1, MAX_TTL).cast_signed(), life),
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}

impl Life {
    /// A note that says so, beside what else it says.
    #[must_use]
    pub fn noted(self, note: Note) -> Note {
        Note { expires: self.expires, ttl: self.ttl, owns_lease: self.is_own, ..note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(lease: i64, ends: i64) -> Enclosing {
        let note = Note { expires: Some(ends), ..Note::default() };
        Enclosing { path: "/d".into(), lease, note }
    }

    #[test]
    fn a_node_ends_with_its_directory_at_the_latest() {
        let above = directory(7, 10_000);
        let own = |ttl| matches!(source(Some(ttl), Some(&above), 0), Source::Granted(..));
        assert_eq!([own(9), own(10), own(11)], [true, false, false]);
        let Source::Shared(life) = source(None, Some(&above), 0) else { panic!("granted") };
        assert_eq!((life.lease, life.expires), (7, None));
        let Source::Shared(life) = source(Some(60), Some(&above), 0) else { panic!("granted") };
        assert_eq!((life.lease, life.is_own, life.expires), (7, false, Some(60_000)));
    }

    #[test]
    fn without_a_directory_that_ends_a_ttl_is_a_lease_of_its_own() {
        assert_eq!(source(None, None, 0), Source::Shared(Life::default()));
        assert!(matches!(
            source(Some(5), Some(&Enclosing { lease: 0, ..directory(0, 0) }), 0),
            Source::Granted(5, _)
        ));
        assert!(matches!(source(Some(0), None, 0), Source::Granted(1, _)));
        assert!(matches!(
            source(Some(u64::MAX), None, 0),
            Source::Granted(9_000_000_000, Life { expires: Some(i64::MAX), .. })
        ));
    }
}
