//! A body of JSON texts, a line each.

use crate::transport::http::exchange::Body;
use crate::v2::failure::{Failed, Kind, NodeError};

/// The longest line taken: an event holds two values, and etcd takes no value this large.
const MAX_LINE: usize = 256 * 1024 * 1024;

/// A body read by lines.
pub struct Lines<B> {
    body: B,
    read: Vec<u8>,
    searched: usize,
}

impl<B: Body> Lines<B> {
    pub const fn new(body: B) -> Self {
        Self { body, read: Vec::new(), searched: 0 }
    }

    /// The next line, or `None` at the end. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failed> {
        loop {
            if let Some(end) = self.read[self.searched..].iter().position(|&byte| byte == b'\n') {
                let rest = self.read.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.read, rest);
                line.pop();
                self.searched = 0;
                self.body.check(&line)?;
                return Ok(Some(line));
            }
            self.searched = self.read.len();
            match self.body.chunk().await? {
                Some(chunk) => self.read.extend_from_slice(&chunk),
                None => return Ok(None),
            }
            if self.read.len() > MAX_LINE {
                return Err(NodeError::new("A line of the stream is too long").failed(Kind::Other, true));
            }
        }
    }
}
