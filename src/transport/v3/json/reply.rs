//! A reply of the JSON gateway.

use crate::transport::v3::carrier::Refusal;
use crate::transport::v3::json::member::Member;
use crate::transport::v3::status::Status;
use crate::v2::failure::{Failed, Kind, NodeError};
use crate::v2::reply::Reply;
use crate::wire::bounded::bounded;
use crate::wire::fault::{self, Stage};
use crate::wire::headers::header_text;
use crate::wire::way::Way;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The code of what no etcd answers.
const NOT_ETCD: &str = "ERR_INVALID_RESPONSE";

/// A reply whose headers are here.
pub struct Body<'a> {
    pub response: Response,
    pub member: &'a Member,
    pub way: &'a Way,
    /// How long the next bytes may take.
    pub idle: Option<Duration>,
    /// How many bytes it may have.
    pub limit: usize,
}

impl Body<'_> {
    /// The next bytes, or `None` at the end. Dropped, nothing is lost.
    ///
    /// # Errors
    /// When the reply is cut short.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failed> {
        let chunk = bounded(self.response.chunk(), self.idle).await.ok_or_else(fault::idle_timeout)?;
        chunk.map_err(|error| self.member.failed(error, Stage::Body, self.way))
    }

    /// All of it.
    ///
    /// # Errors
    /// When the reply is cut short, or larger than the client takes.
    pub async fn text(&mut self) -> Result<Vec<u8>, Failed> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > self.limit {
                return Err(fault::reply_too_large(self.limit));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }

    /// The answer that it is.
    ///
    /// # Errors
    /// When etcd refuses, or there is no etcd.
    pub async fn answer<A: DeserializeOwned>(mut self) -> Result<A, Refusal> {
        let text = self.text().await?;
        if !self.response.status().is_success() {
            return Err(refusal(self.response.status(), self.response.headers(), text, self.member.origin()));
        }
        serde_json::from_slice(&text).map_err(|error| not_etcd(self.member.origin(), error).into())
    }
}

/// What the gateway says of a call that failed: of a stream the newer versions have `code`, the older `grpc_code`.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    #[serde(alias = "grpc_code")]
    code: i32,
    #[serde(default)]
    message: String,
}

impl From<ErrorBody> for Status {
    fn from(ErrorBody { code, message }: ErrorBody) -> Self {
        Self { code, message }
    }
}

/// Of a stream that did not begin it is an error within an error.
fn status_of(text: &[u8]) -> Option<Status> {
    #[derive(Deserialize)]
    struct Outer {
        error: ErrorBody,
    }
    let error = serde_json::from_slice::<ErrorBody>(text);
    error.or_else(|_| serde_json::from_slice::<Outer>(text).map(|outer| outer.error)).ok().map(Status::from)
}

/// What a reply is that is no answer.
pub fn refusal(status: StatusCode, headers: &HeaderMap, text: Vec<u8>, origin: &str) -> Refusal {
    if let Some(status) = status_of(&text) {
        return status.into();
    }
    if status.is_server_error() {
        let reply = Reply { status: status.as_u16(), headers: header_text(headers), body: text };
        return Failed::unavailable(reply).into();
    }
    // etcd takes the name in a certificate for that of a user, and none behind its gateway.
    if status == StatusCode::BAD_REQUEST && text.starts_with(b"CommonName of client") {
        let message = "etcd's JSON gateway refuses client certificates with a common name while it asks who somebody is; \
                       gRPC takes them: api 'v3' instead of 'v3-json'";
        return Status { code: Status::PERMISSION_DENIED, message: message.into() }.into();
    }
    not_etcd(origin, format!("HTTP status {}", status.as_u16())).into()
}

/// Of somebody who is no etcd.
pub fn not_etcd(origin: &str, found: impl std::fmt::Display) -> Failed {
    let message = format!("Expected etcd's JSON gateway at {origin}, found something else: {found}");
    NodeError::with_code(message, NOT_ETCD).failed(Kind::Other, true)
}
