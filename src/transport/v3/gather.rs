//! What a watch is told, made of the replies that concern it.

use crate::transport::v3::carrier::{Refusal, Told};
use crate::transport::v3::messages::{Event, KeyValue, WatchResponse};
use crate::transport::v3::status::Status;
use crate::wire::fault;

/// What an event takes beside its keys and values.
const EVENT_SIZE: usize = 256;

/// What a reply says.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// The watch is kept, from after this revision on if it has no start of its own.
    Registered(i64),
    Told(Told),
}

/// Puts replies together: etcd takes large ones apart, in the middle of a revision.
#[derive(Debug)]
pub struct Gatherer {
    /// Events of a revision of which more will come.
    held_back: Vec<Event>,
    size: usize,
    /// How much may be held back.
    limit: usize,
}

impl Gatherer {
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { held_back: Vec::new(), size: 0, limit }
    }

    /// # Errors
    /// When the watch has ended, or a revision is larger than the client takes.
    pub fn hear(&mut self, response: WatchResponse) -> Result<Option<Heard>, Refusal> {
        let revision = response.header.as_ref().map_or(0, |header| header.revision);
        if response.canceled {
            let compact_revision = response.compact_revision;
            if compact_revision > 0 {
                return Ok(Some(Heard::Told(Told::Compacted { compact_revision, revision })));
            }
            return Err(Status::of_cancellation(response.cancel_reason).into());
        }
        if response.created {
            return Ok(Some(Heard::Registered(revision)));
        }
        let events = self.whole_revisions(response.events, response.fragment)?;
        let told = if !events.is_empty() {
            Told::Events { revision, events }
        } else if !response.fragment {
            Told::Progress { revision }
        } else {
            return Ok(None);
        };
        Ok(Some(Heard::Told(told)))
    }

    /// What is complete with these events.
    fn whole_revisions(&mut self, new: Vec<Event>, more: bool) -> Result<Vec<Event>, Refusal> {
        let mut events = std::mem::take(&mut self.held_back);
        if events.is_empty() {
            events = new;
        } else {
            events.extend(new);
        }
        if more {
            let last = events.last().map(revision_of);
            let whole = events.iter().position(|event| Some(revision_of(event)) == last).unwrap_or(0);
            self.held_back = events.split_off(whole);
        }
        self.size = self.held_back.iter().map(size_of).sum();
        if self.size > self.limit {
            self.held_back = Vec::new();
            return Err(fault::reply_too_large(self.limit).into());
        }
        Ok(events)
    }
}

/// The revision that made an event.
#[must_use]
pub fn revision_of(event: &Event) -> i64 {
    event.kv.as_ref().map_or(0, |kv| kv.mod_revision)
}

/// About how much memory an event takes.
#[must_use]
pub fn size_of(event: &Event) -> usize {
    let size = |kv: &Option<KeyValue>| kv.as_ref().map_or(0, |kv| kv.key.len() + kv.value.len());
    EVENT_SIZE + size(&event.kv) + size(&event.prev_kv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::v3::messages::ResponseHeader;

    fn event(revision: i64, value: &'static [u8]) -> Event {
        let kv = KeyValue { mod_revision: revision, value: value.into(), ..KeyValue::default() };
        Event { kv: Some(kv), ..Event::default() }
    }

    fn reply(revisions: &[i64], fragment: bool) -> WatchResponse {
        WatchResponse {
            header: Some(ResponseHeader { revision: 9, ..ResponseHeader::default() }),
            events: revisions.iter().map(|&revision| event(revision, b"")).collect(),
            fragment,
            ..WatchResponse::default()
        }
    }

    fn revisions(heard: Option<Heard>) -> Vec<i64> {
        match heard {
            Some(Heard::Told(Told::Events { events, .. })) => events.iter().map(revision_of).collect(),
            None => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_revision_in_fragments_comes_as_a_whole() {
        let mut gatherer = Gatherer::new(1 << 20);
        assert_eq!(revisions(gatherer.hear(reply(&[1, 2, 3, 3], true)).unwrap()), [1, 2]);
        assert_eq!(revisions(gatherer.hear(reply(&[3], true)).unwrap()), [0; 0]);
        assert_eq!(revisions(gatherer.hear(reply(&[3, 4], true)).unwrap()), [3, 3, 3, 3]);
        assert_eq!(revisions(gatherer.hear(reply(&[4], false)).unwrap()), [4, 4]);
    }

    #[test]
    fn a_last_fragment_without_events_completes_those_before() {
        let mut gatherer = Gatherer::new(1 << 20);
        assert_eq!(revisions(gatherer.hear(reply(&[3], true)).unwrap()), [0; 0]);
        assert_eq!(revisions(gatherer.hear(reply(&[], false)).unwrap()), [3]);
    }

    #[test]
    fn a_revision_that_never_ends_is_refused() {
        let mut gatherer = Gatherer::new(3 * EVENT_SIZE);
        let refused = (0..10).find_map(|_| gatherer.hear(reply(&[3], true)).err());
        assert!(matches!(refused, Some(Refusal::Failed(_))));
    }

    #[test]
    fn nothing_new_is_progress_and_the_end_has_its_reason() {
        let mut gatherer = Gatherer::new(1 << 20);
        let progress = gatherer.hear(reply(&[], false)).unwrap();
        assert_eq!(progress, Some(Heard::Told(Told::Progress { revision: 9 })));
        let compacted = WatchResponse { canceled: true, compact_revision: 5, ..reply(&[], false) };
        let compacted = gatherer.hear(compacted).unwrap();
        let told = Told::Compacted { compact_revision: 5, revision: 9 };
        assert_eq!(compacted, Some(Heard::Told(told)));
        let reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied".to_owned();
        let refused =
            WatchResponse { canceled: true, created: true, cancel_reason: reason, ..reply(&[], false) };
        let refused = gatherer.hear(refused).unwrap_err();
        assert!(matches!(refused, Refusal::Status(status) if status.code == Status::PERMISSION_DENIED));
    }
}
