//! What a side key or a marker says of its node, as short JSON.

use crate::v2::event::Action;
use crate::v2::time::{Expiry, Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

const NANOS_PER_MILLISECOND: i64 = 1_000_000;

/// How a node came to be as it is, in the revision that wrote the note. Without it, it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Done {
    Create,
    Update,
    CompareAndSwap,
    Delete,
    CompareAndDelete,
    /// Only the time of its end has changed: nobody is told.
    Refresh,
    /// The directory was made on the way to something else, which alone is told.
    Implied,
    /// Somebody has put something into the directory in order.
    Post,
}

impl Done {
    /// What those who watch are told.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Create => Some(Action::Create),
            Self::Update => Some(Action::Update),
            Self::CompareAndSwap => Some(Action::CompareAndSwap),
            Self::Delete => Some(Action::Delete),
            Self::CompareAndDelete => Some(Action::CompareAndDelete),
            Self::Refresh | Self::Implied | Self::Post => None,
        }
    }
}

/// What v3 does not know of a node. What is none of ours says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// The createdIndex, where the revision that wrote the node is not it.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// The modifiedIndex, where the node was written for its lease alone.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub modified: Option<u64>,
    /// When the node ends, in milliseconds since 1970.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// How many seconds that was ahead.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// When a directory ends because one above it does, which is shown as the end of that one alone.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    pub bound: Option<i64>,
    /// Whether the lease holds this node alone, and in a directory's what is in it.
    #[serde(rename = "o", skip_serializing_if = "is_false")]
    pub owns_lease: bool,
    /// Whether what is no more was a directory without a marker.
    #[serde(rename = "d", skip_serializing_if = "is_false")]
    pub was_directory: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Note {
    /// Whether those who watch are not told what the note was written for.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.done.is_some_and(|done| done.action().is_none())
    }

    #[must_use]
    pub fn of(done: Done) -> Self {
        Self { done: Some(done), ..Self::default() }
    }

    #[must_use]
    pub fn read(value: &[u8]) -> Self {
        serde_json::from_slice(value).unwrap_or_default()
    }

    /// Nothing at all for a note that says nothing.
    #[must_use]
    pub fn write(&self) -> Bytes {
        if self.says_nothing() {
            return Bytes::new();
        }
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    #[must_use]
    pub fn says_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The end of the node as it is shown at a time.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Option<Expiry> {
        let at = timestamp(self.expires?);
        Some(Expiry { at, ttl: at.seconds_from(now).max(0) })
    }

    /// The same as it was when it was written.
    #[must_use]
    pub fn expiry_when_written(&self) -> Option<Expiry> {
        let at = timestamp(self.expires?);
        Some(Expiry { at, ttl: self.ttl.unwrap_or_default().try_into().unwrap_or(i64::MAX) })
    }

    /// When the note was written, if it says so.
    #[must_use]
    pub fn written_at(&self) -> Option<Timestamp> {
        let ahead = i64::try_from(self.ttl?).ok()?.checked_mul(1000)?;
        Some(timestamp(self.expires?.checked_sub(ahead)?))
    }

    /// When a directory, or one above it, ends.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        match (self.expires, self.bound) {
            (Some(own), Some(bound)) => Some(own.min(bound)),
            (own, bound) => own.or(bound),
        }
    }
}

/// Now, in milliseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    Timestamp::now().0 / NANOS_PER_MILLISECOND
}

const fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp(milliseconds.saturating_mul(NANOS_PER_MILLISECOND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_again() {
        let note = Note {
            created: Some(7),
            expires: Some(60_000),
            ttl: Some(60),
            owns_lease: true,
            ..Note::of(Done::CompareAndSwap)
        };
        assert_eq!(note.write(), r#"{"a":"compareAndSwap","c":7,"e":60000,"t":60,"o":true}"#);
        assert_eq!(Note::read(&note.write()), note);
    }

    #[test]
    fn what_is_none_of_ours_says_nothing() {
        for value in [&b""[..], b"text", b"\xff", b"[]", b"{\"a\":5}", b"{\"e\":\"soon\"}", b"{\"x\":1}"] {
            assert!(Note::read(value).says_nothing());
        }
        assert_eq!(Note::default().write(), "");
    }

    #[test]
    fn what_is_left_is_never_less_than_nothing() {
        let note = Note { expires: Some(5_000), ttl: Some(4), ..Note::default() };
        let left = |milliseconds| note.expiry(timestamp(milliseconds)).unwrap().ttl;
        assert_eq!([left(0), left(4_999), left(5_000), left(9_000)], [5, 1, 0, 0]);
        assert_eq!(note.expiry_when_written().unwrap().ttl, 4);
        assert_eq!(note.written_at(), Some(timestamp(1_000)));
    }

    #[test]
    fn times_beyond_reach_are_the_last_there_is() {
        let note = Note { expires: Some(i64::MAX), ttl: Some(u64::MAX), ..Note::default() };
        assert_eq!(note.expiry(Timestamp(0)).unwrap().at, Timestamp(i64::MAX));
        assert_eq!(note.written_at(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_note_of_which_all_can_be_asked(
            bytes: Vec<u8>,
            text in "\\{(\"[aceotbd]\":(-?[0-9]{1,20}|true|\"set\"),?){0,4}\\}",
            now: i64,
        ) {
            for value in [bytes, text.into_bytes()] {
                let note = Note::read(&value);
                prop_assert!(note.expiry(Timestamp(now)).is_none_or(|expiry| expiry.ttl >= 0));
                let _ = (note.expiry_when_written(), note.written_at(), note.ends(), note.is_silent());
                prop_assert_eq!(Note::read(&note.write()), note);
            }
        }
    }
}
