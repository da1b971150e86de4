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
