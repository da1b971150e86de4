//! A reply over gRPC: headers, messages, and a status at the end.

use crate::transport::v3::carrier::Refusal;
use crate::transport::v3::grpc::frame::{Deframer, Unreadable};
use crate::transport::v3::status::Status;
use crate::v2::failure::{Failed, Kind, NodeError};
use crate::v2::reply::Reply;
use crate::wire::bounded::bounded;
use crate::wire::fault::{self, Stage};
use crate::wire::headers::header_text;
use crate::wire::http2::Connection;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode;
use prost::Message;
use std::convert::Infallible;
use std::time::Duration;

/// How a reply is read.
#[derive(Debug, Clone, Copy)]
pub struct ReplyLimits {
    /// How long the next bytes may take.
    pub idle: Option<Duration>,
    /// The largest message, in bytes.
    pub size: usize,
}

/// A reply whose headers are here.
pub struct Messages<B> {
    connection: Connection<B>,
    body: Incoming,
    deframer: Deframer,
    limits: ReplyLimits,
}

impl<B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static> Messages<B> {
    /// # Errors
    /// When the reply holds no messages: etcd refuses, or there is no etcd.
    pub async fn open(
        response: Response<Incoming>,
        connection: Connection<B>,
        limits: ReplyLimits,
    ) -> Result<Self, Refusal> {
        let (head, body) = response.into_parts();
        let gzip = head.headers.get("grpc-encoding").is_some_and(|name| name == "gzip");
        let mut messages = Self { connection, body, deframer: Deframer::new(limits.size, gzip), limits };
        let is_grpc = head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|name| name.as_bytes().starts_with(b"application/grpc"));
        if head.status.is_server_error() {
            let body = messages.text().await?;
            let reply = Reply { status: head.status.as_u16(), headers: header_text(&head.headers), body };
            return Err(Failed::unavailable(reply).into());
        }
        if !head.status.is_success() || !is_grpc {
            let found = format!("a reply with HTTP status {}", head.status.as_u16());
            return Err(messages.not_grpc(&found).into());
        }
        // Without messages the headers are the trailers.
        match status(&head.headers) {
            Some(status) if status.code != 0 => Err(status.into()),
            _ => Ok(messages),
        }
    }

    /// The next message; `None` at the end, in good order. Dropped, nothing is lost.
    ///
    /// # Errors
    /// When the reply is cut short or broken, or ends with a status.
    pub async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, Refusal> {
        loop {
            if let Some(message) = self.deframer.next().map_err(|unreadable| self.unreadable(&unreadable))? {
                return Ok(Some(message));
            }
            let limit = self.limits.idle;
            let frame = bounded(self.body.frame(), limit).await.ok_or_else(fault::idle_timeout)?;
            let frame = match frame {
                None => return Err(self.cut().into()),
                Some(Err(error)) => return Err(self.connection.failed(&error, Stage::Body).await.into()),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(piece) => self.deframer.push(piece),
                Err(frame) => return self.ended(frame.into_trailers().unwrap_or_default()),
            }
        }
    }

    /// The only message.
    ///
    /// # Errors
    /// As [`Messages::next`], and when there is none or a second one.
    pub async fn only<M: Message + Default>(&mut self) -> Result<M, Refusal> {
        let Some(message) = self.next().await? else { return Err(self.malformed("no message").into()) };
        match self.next::<M>().await? {
            None => Ok(message),
            Some(_) => Err(self.malformed("two messages").into()),
        }
    }

    fn ended<M>(&self, trailers: HeaderMap) -> Result<Option<M>, Refusal> {
        match status(&trailers) {
            Some(status) if status.code != 0 => Err(status.into()),
            Some(_) if self.deframer.is_empty() => Ok(None),
            Some(_) => Err(self.malformed("half a message").into()),
            None => Err(self.malformed("no status at the end").into()),
        }
    }

    /// What the server says instead of messages.
    async fn text(&mut self) -> Result<Vec<u8>, Failed> {
        let mut text = Vec::new();
        let limit = self.limits.idle;
        while let Some(frame) = bounded(self.body.frame(), limit).await.ok_or_else(fault::idle_timeout)? {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return Err(self.connection.failed(&error, Stage::Body).await),
            };
            if let Ok(piece) = frame.into_data() {
                text.extend_from_slice(&piece);
            }
            if text.len() > self.limits.size {
                return Err(fault::reply_too_large(self.limits.size));
            }
        }
        Ok(text)
    }

    fn unreadable(&self, unreadable: &Unreadable) -> Failed {
        match unreadable {
            Unreadable::TooLarge => fault::reply_too_large(self.limits.size),
            Unreadable::Malformed(reason) => self.malformed(reason),
        }
    }

    /// A stream that was given up without a word.
    fn cut(&self) -> Failed {
        NodeError::with_code("aborted", "ECONNRESET").failed(Kind::Reset, true)
    }

    fn malformed(&self, reason: &str) -> Failed {
        self.not_grpc(&format!("a reply that is not gRPC: {reason}"))
    }

    fn not_grpc(&self, found: &str) -> Failed {
        let message = format!("Expected etcd's gRPC at {}, found {found}", self.connection.way().origin);
        NodeError::with_code(message, NOT_GRPC).failed(Kind::Other, true)
    }
}

/// The code of what no etcd answers.
pub const NOT_GRPC: &str = "ERR_INVALID_RESPONSE";

fn status(headers: &HeaderMap) -> Option<Status> {
    let code = headers.get("grpc-status")?;
    // What is no number is no success either.
    let code = code.to_str().ok().and_then(|code| code.parse().ok()).unwrap_or(Status::UNKNOWN);
    let message = headers.get("grpc-message").map(|message| percent_decode(message.as_bytes()));
    let message = message.map(|message| message.decode_utf8_lossy().into_owned()).unwrap_or_default();
    Some(Status { code, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_status_has_its_text_decoded() {
        let found = status(&headers(&[("grpc-status", "3"), ("grpc-message", "100%25 %C3%A4 %zz")]));
        assert_eq!(found, Some(Status { code: 3, message: "100% ä %zz".into() }));
        assert_eq!(status(&headers(&[])), None);
        assert_eq!(status(&headers(&[("grpc-status", "fine")])).unwrap().code, Status::UNKNOWN);
    }
}
