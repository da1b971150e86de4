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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use tokio::runtime::Builder;

    /// A body that comes in these pieces.
    struct Pieces(VecDeque<Bytes>);

    impl Body for Pieces {
        async fn chunk(&mut self) -> Result<Option<Bytes>, Failed> {
            Ok(self.0.pop_front())
        }
    }

    fn lines(text: &str, piece: usize, limit: usize) -> Vec<Vec<u8>> {
        let pieces = text.as_bytes().chunks(piece).map(Bytes::copy_from_slice).collect();
        let mut lines = Lines::new(Pieces(pieces), limit);
        let mut read = Vec::new();
        Builder::new_current_thread().build().unwrap().block_on(async {
            while let Some(line) = lines.next().await.unwrap() {
                read.push(line);
            }
        });
        read
    }

    #[test]
    fn what_is_no_line_yet_is_none() {
        assert_eq!(lines("a\n\nb", 9, 9), [b"a".to_vec(), b"".to_vec()]);
        assert!(lines("", 1, 9).is_empty());
    }

    proptest! {
        #[test]
        fn lines_come_back_in_whatever_pieces_up_to_the_first_that_is_too_long(
            sent in prop::collection::vec("[a-zé{}\"]{0,9}", 0..9),
            rest in "[a-z]{0,9}",
            piece in 1_usize..12,
            limit in 0_usize..12,
        ) {
            let text = sent.iter().map(|line| format!("{line}\n")).collect::<String>() + &rest;
            let expected: Vec<_> =
                sent.into_iter().map(String::into_bytes).take_while(|line| line.len() <= limit).collect();
            prop_assert_eq!(lines(&text, piece, limit), expected);
        }
    }
}
