//! Compressed replies.

use bytes::Bytes;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue, header};
use std::io::{self, Write as _};

/// What a request that takes compressed replies says.
pub const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, deflate");

/// Decompresses a body piece by piece.
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    is_empty: bool,
}

#[derive(Debug)]
enum Format {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(ZlibDecoder<Vec<u8>>),
}

impl Decoder {
    /// For a reply with these headers, from which goes what is true of the compressed body only.
    pub fn for_reply(headers: &mut HeaderMap) -> Option<Self> {
        // Codings know no case, and `x-gzip` is the old name (RFC 9110 8.4.1).
        let coding = headers.get(header::CONTENT_ENCODING)?.as_bytes().to_ascii_lowercase();
        let format = match coding.as_slice() {
            b"gzip" | b"x-gzip" => Format::Gzip(MultiGzDecoder::new(Vec::new())),
            b"deflate" => Format::Deflate(ZlibDecoder::new(Vec::new())),
            _ => return None,
        };
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        Some(Self { format, is_empty: true })
    }

    /// # Errors
    /// When the bytes are not what the headers say.
    pub fn decode(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        self.is_empty &= bytes.is_empty();
        match &mut self.format {
            Format::Gzip(decoder) => decoder.write_all(bytes)?,
            Format::Deflate(decoder) => decoder.write_all(bytes)?,
        }
        Ok(self.take())
    }

    /// The rest. An empty body is not even compressed.
    ///
    /// # Errors
    /// When the body is cut short.
    pub fn finish(&mut self) -> io::Result<Bytes> {
        if !self.is_empty {
            match &mut self.format {
                Format::Gzip(decoder) => decoder.try_finish()?,
                Format::Deflate(decoder) => decoder.try_finish()?,
            }
            self.is_empty = true;
        }
        Ok(self.take())
    }

    fn take(&mut self) -> Bytes {
        let decoded = match &mut self.format {
            Format::Gzip(decoder) => decoder.get_mut(),
            Format::Deflate(decoder) => decoder.get_mut(),
        };
        std::mem::take(decoded).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoder(encoding: &'static str) -> Option<Decoder> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("9"));
        let decoder = Decoder::for_reply(&mut headers);
        assert_eq!(headers.is_empty(), decoder.is_some());
        decoder
    }

    fn decoded(encoding: &'static str, body: &[u8], pieces: usize) -> io::Result<Vec<u8>> {
        let mut decoder = decoder(encoding).unwrap();
        let mut text = Vec::new();
        for piece in body.chunks(pieces) {
            text.extend_from_slice(&decoder.decode(piece)?);
        }
        text.extend_from_slice(&decoder.finish()?);
        Ok(text)
    }

    proptest! {
        #[test]
        fn every_text_comes_back_in_whatever_pieces_it_arrives(text: Vec<u8>, more: Vec<u8>, pieces in 1_usize..40) {
            prop_assert_eq!(decoded("deflate", &deflate(&text), pieces).unwrap(), text.clone());
            prop_assert_eq!(decoded("gzip", &gzip(&text), pieces).unwrap(), text.clone());
            let members = [gzip(&text), gzip(&more)].concat();
            prop_assert_eq!(decoded("gzip", &members, pieces).unwrap(), [text, more].concat());
        }

        #[test]
        fn a_body_that_is_cut_short_is_an_error(text: Vec<u8>, cut in 1_usize..8) {
            for (encoding, body) in [("gzip", gzip(&text)), ("deflate", deflate(&text))] {
                prop_assert!(decoded(encoding, &body[..body.len() - cut], 7).is_err());
            }
        }
    }

    #[test]
    fn an_empty_body_and_other_encodings_are_left_alone() {
        assert_eq!(decoded("gzip", b"", 1).unwrap(), b"");
        assert_eq!(decoded("deflate", b"", 1).unwrap(), b"");
        assert!(decoded("gzip", b"garbage", 7).is_err());
        assert!(decoder("br").is_none());
    }
}
