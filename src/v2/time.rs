//! Points in time and what is left of a TTL, as etcd counts and prints them.

use std::fmt;
use std::time::SystemTime;
use time::OffsetDateTime;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Nanoseconds since 1970, as etcd keeps them, and with the reach of its numbers: 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    #[must_use]
    pub fn now() -> Self {
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since(SystemTime::now()).as_nanos()).unwrap_or(i64::MAX))
    }

    /// So many seconds later. A TTL of centuries wraps around as it does in etcd (`v2http/client.go`,
    /// parseKeyRequest).
    #[must_use]
    pub const fn after(self, seconds: u64) -> Self {
        Self(self.0.wrapping_add(seconds.cast_signed().wrapping_mul(NANOS_PER_SECOND)))
    }

    /// Seconds from another time to this one; one that has begun counts (etcd: `v2store/node.go`, expirationAndTTL).
    #[must_use]
    pub const fn seconds_from(self, now: Self) -> i64 {
        let left = self.0.saturating_sub(now.0);
        left / NANOS_PER_SECOND + (left % NANOS_PER_SECOND > 0) as i64
    }
}

/// Go's RFC3339Nano: no zeros at the end of the fraction, and no fraction when nothing is left of it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp_nanos(self.0.into()).map_err(|_| fmt::Error)?;
        let (date, (hour, minute, second, nanos)) = (at.date(), at.to_hms_nano());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanos > 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// The end of a node's life as a reply shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    pub at: Timestamp,
    /// Seconds that were left when somebody looked.
    pub ttl: i64,
}

impl Expiry {
    #[must_use]
    pub const fn seen(at: Timestamp, now: Timestamp) -> Self {
        Self { at, ttl: at.seconds_from(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;

    #[test]
    fn a_time_is_printed_as_go_prints_it() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_000_000_000, "1970-01-01T00:00:01Z"),
            (1_120_000_000, "1970-01-01T00:00:01.12Z"),
            (5_795_692_777_672_184_858, "2153-08-28T18:39:37.672184858Z"),
            (-7_427_319_259_022_519_388, "1734-08-21T15:45:40.977480612Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
        ] {
            assert_eq!(Timestamp(nanos).to_string(), text);
        }
    }

    #[test]
    fn a_second_that_has_begun_counts() {
        let left = |nanos| Timestamp(nanos).seconds_from(Timestamp(0));
        assert_eq!([left(1), left(1_000_000_000), left(1_000_000_001)], [1, 1, 2]);
        assert_eq!([left(0), left(-1), left(-1_500_000_000)], [0, 0, -1]);
    }

    #[test]
    fn a_ttl_of_centuries_wraps_around_as_in_etcd() {
        let now = Timestamp(1_795_000_000_000_000_000);
        assert_eq!(now.after(60).seconds_from(now), 60);
        assert_eq!(now.after(u64::MAX).seconds_from(now), -1);
        assert!(now.after(9_223_372_037) < now);
    }

    proptest! {
        #[test]
        fn any_time_is_printed_so_that_it_can_be_read(nanos: i64, seconds: u64) {
            let text = Timestamp(nanos).to_string();
            let read = OffsetDateTime::parse(&text, &Rfc3339).unwrap();
            prop_assert_eq!(read.unix_timestamp_nanos(), i128::from(nanos));
            let _ = Timestamp(nanos).after(seconds).seconds_from(Timestamp(nanos));
        }
    }
}
