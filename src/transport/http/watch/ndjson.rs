//! A body of JSON texts, a line each.

use crate::transport::http::exchange::Body;
use crate::v2::failure::Failed;

/// A body read by lines.
pub struct Lines<B> {
    body: B,
    read: Vec<u8>,
    searched: usize,
    /// The longest line taken.
    limit: usize,
}

impl<B: Body> Lines<B> {
    pub const fn new(body: B, limit: usize) -> Self {
        Self { body, read: Vec::new(), searched: 0, limit }
    }

    /// The next line, or `None` at the end, which is also where one is too long. Safe to drop and call again.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Failed> {
        loop {
            if let Some(end) = self.read[self.searched..].iter().position(|&byte| byte == b'\n') {
                let rest = self.read.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.read, rest);
                line.pop();
                self.searched = 0;
                if line.len() > self.limit {
                    return Ok(None);
                }
                self.body.check(&line)?;
                return Ok(Some(line));
            }
            self.searched = self.read.len();
            if self.searched > self.limit {
                return Ok(None);
            }
            match self.body.chunk().await? {
                Some(chunk) => self.read.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}
