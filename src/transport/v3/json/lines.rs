//! Replies to a watch: texts in JSON, a line each.

use crate::transport::v3::carrier::Refusal;
use crate::transport::v3::json::reply::{ErrorBody, not_etcd};
use crate::transport::v3::messages::WatchResponse;
use crate::transport::v3::status::Status;
use crate::wire::fault;
use bytes::{Bytes, BytesMut};
use memchr::memchr;
use serde::Deserialize;

/// Puts lines together.
#[derive(Debug)]
pub struct Lines {
    received: BytesMut,
    /// How far it was searched.
    searched: usize,
    limit: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Result(WatchResponse),
    Error(ErrorBody),
}

impl Lines {
    /// `limit` bounds a line.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { received: BytesMut::new(), searched: 0, limit }
    }

    /// # Errors
    /// When a line is longer than it may be.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.received.extend_from_slice(chunk);
        if self.received.len() > self.limit && self.end().is_none() {
            return Err(fault::reply_too_large(self.limit).into());
        }
        Ok(())
    }

    fn end(&mut self) -> Option<usize> {
        let found = memchr(b'\n', &self.received[self.searched..]).map(|at| self.searched + at);
        self.searched = found.unwrap_or(self.received.len());
        found
    }

    /// The next reply, if all of it is here.
    ///
    /// # Errors
    /// When it tells of an error, or is none of etcd's.
    pub fn next(&mut self, origin: &str) -> Result<Option<WatchResponse>, Refusal> {
        while let Some(end) = self.end() {
            let line: Bytes = self.received.split_to(end + 1).freeze();
            self.searched = 0;
            if line.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice(&line) {
                Ok(Line::Result(response)) => Ok(Some(response)),
                Ok(Line::Error(error)) => Err(Status::from(error).into()),
                Err(error) => Err(not_etcd(origin, error).into()),
            };
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CREATED: &str = r#"{"result":{"header":{"revision":"5"},"watch_id":"3","created":true}}"#;
    const CHANGED: &str = r#"{"result":{"header":{"revision":"6"},"events":[{"type":"DELETE","kv":{"key":"YQ==","mod_revision":"6"},"prev_kv":{"key":"YQ==","value":"aMOk"}}]}}"#;

    #[test]
    fn replies_are_read_with_what_json_has_no_type_for() {
        let mut lines = Lines::new(1000);
        lines.push(format!("{CREATED}\n\n{CHANGED}\n").as_bytes()).unwrap();
        let created = lines.next("o").unwrap().unwrap();
        assert_eq!((created.created, created.watch_id), (true, 3));
        let changed = lines.next("o").unwrap().unwrap();
        let event = &changed.events[0];
        assert_eq!((event.r#type, event.kv.as_ref().unwrap().mod_revision), (1, 6));
        assert_eq!(event.prev_kv.as_ref().unwrap().value, "h\u{e4}");
        assert!(lines.next("o").unwrap().is_none());
    }

    #[test]
    fn the_end_of_a_watch_is_a_status_in_old_words_and_new_ones() {
        for line in [
            r#"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"x"}}"#,
            r#"{"error":{"code":14,"message":"etcdserver: no leader","details":[]}}"#,
        ] {
            let mut lines = Lines::new(1000);
            lines.push(format!("{line}\n").as_bytes()).unwrap();
            let refused = lines.next("o").unwrap_err();
            assert!(matches!(refused, Refusal::Status(status) if status.code == 14), "{line}");
        }
    }

    #[test]
    fn a_line_that_never_ends_is_refused() {
        let mut lines = Lines::new(1000);
        assert!((0..100).any(|_| lines.push(&[b' '; 100]).is_err()));
    }

    proptest! {
        #[test]
        fn replies_are_found_however_they_are_cut(cut in 1_usize..50) {
            let text = format!("{CREATED}\n{CHANGED}\n{CREATED}\n");
            let mut lines = Lines::new(1000);
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(cut) {
                lines.push(piece).unwrap();
                while let Some(response) = lines.next("o").unwrap() {
                    found.push(response.created);
                }
            }
            prop_assert_eq!(found, [true, false, true]);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let mut lines = Lines::new(100);
            if lines.push(&bytes).is_ok() {
                while let Ok(Some(_)) = lines.next("o") {}
            }
        }
    }
}
