//! Messages as gRPC frames them: a flag, a length, and protocol buffers.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use flate2::read::GzDecoder;
use prost::Message;
use std::io::Read as _;

const PREFIX: usize = 5;

/// A frame that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Larger than it may be.
    #[error("a message is too large")]
    TooLarge,
    #[error("{0}")]
    Malformed(String),
}

/// Frames a message.
#[must_use]
pub fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut buffer = BytesMut::with_capacity(PREFIX + length);
    buffer.put_u8(0);
    // A message of 4 GB would not fit in memory twice.
    buffer.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut buffer);
    buffer.freeze()
}

/// Takes messages out of what was received.
#[derive(Debug)]
pub struct Deframer {
    /// A piece as it came: mostly it is a whole message, which is then decoded without a copy.
    piece: Bytes,
    buffer: BytesMut,
    /// The largest message.
    limit: usize,
    /// Whether messages may be compressed.
    pub gzip: bool,
}

impl Deframer {
    #[must_use]
    pub fn new(limit: usize, gzip: bool) -> Self {
        Self { piece: Bytes::new(), buffer: BytesMut::new(), limit, gzip }
    }

    pub fn push(&mut self, piece: Bytes) {
        if self.buffer.is_empty() && self.piece.is_empty() {
            self.piece = piece;
        } else {
            self.buffer.extend_from_slice(&std::mem::take(&mut self.piece));
            self.buffer.extend_from_slice(&piece);
        }
    }

    /// Whether nothing of a further message has been received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.piece.is_empty() && self.buffer.is_empty()
    }

    /// The next message, if all of it was received.
    ///
    /// # Errors
    /// [`Unreadable`] when it is too large or no message.
    pub fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Unreadable> {
        let received = if self.buffer.is_empty() { &self.piece[..] } else { &self.buffer[..] };
        let Some(&[flag, a, b, c, d]) = received.first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > self.limit {
            return Err(Unreadable::TooLarge);
        }
        if received.len() < PREFIX + length {
            return Ok(None);
        }
        let mut message = if self.buffer.is_empty() {
            self.piece.split_to(PREFIX + length)
        } else {
            self.buffer.split_to(PREFIX + length).freeze()
        };
        message.advance(PREFIX);
        let message = match flag {
            0 => message,
            1 if self.gzip => self.unpacked(&message)?,
            _ => {
                return Err(Unreadable::Malformed(
                    "a message is packed in a way that was not asked for".into(),
                ));
            }
        };
        M::decode(message).map(Some).map_err(|error| Unreadable::Malformed(error.to_string()))
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Bytes, Unreadable> {
        let mut message = Vec::new();
        let one_more = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        GzDecoder::new(packed)
            .take(one_more)
            .read_to_end(&mut message)
            .map_err(|error| Unreadable::Malformed(error.to_string()))?;
        if message.len() > self.limit { Err(Unreadable::TooLarge) } else { Ok(message.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::v3::messages::LeaseRevokeRequest;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn message(id: i64) -> LeaseRevokeRequest {
        LeaseRevokeRequest { id }
    }

    fn all(deframer: &mut Deframer) -> Vec<i64> {
        std::iter::from_fn(|| deframer.next::<LeaseRevokeRequest>().unwrap()).map(|found| found.id).collect()
    }

    fn packed(message: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(message).unwrap();
        let message = encoder.finish().unwrap();
        let mut frame = vec![1];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        frame.into()
    }

    proptest! {
        #[test]
        fn messages_are_found_however_they_are_cut(ids: Vec<i64>, cut in 1_usize..9) {
            let frames: Vec<u8> = ids.iter().flat_map(|&id| encode(&message(id))).collect();
            let mut deframer = Deframer::new(100, false);
            let mut found = Vec::new();
            for piece in frames.chunks(cut) {
                deframer.push(Bytes::copy_from_slice(piece));
                found.extend(all(&mut deframer));
            }
            prop_assert_eq!(found, ids);
            prop_assert!(deframer.is_empty());
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, gzip: bool) {
            let mut deframer = Deframer::new(100, gzip);
            deframer.push(bytes.into());
            while let Ok(Some(_)) = deframer.next::<LeaseRevokeRequest>() {}
        }
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_by_its_length_alone() {
        let mut deframer = Deframer::new(100, false);
        deframer.push(Bytes::from_static(&[0, 0, 0, 0, 101]));
        assert_eq!(deframer.next::<LeaseRevokeRequest>(), Err(Unreadable::TooLarge));
    }

    #[test]
    fn a_packed_message_is_unpacked_if_it_was_asked_for_and_is_not_too_large() {
        let frame = packed(&message(7).encode_to_vec());
        let mut deframer = Deframer::new(100, true);
        deframer.push(frame.clone());
        assert_eq!(all(&mut deframer), [7]);
        let mut other = Deframer::new(100, false);
        other.push(frame);
        assert!(matches!(other.next::<LeaseRevokeRequest>(), Err(Unreadable::Malformed(_))));
        let mut bomb = Deframer::new(100_000, true);
        bomb.push(packed(&vec![0; 1_000_000]));
        assert_eq!(bomb.next::<LeaseRevokeRequest>(), Err(Unreadable::TooLarge));
    }
}
