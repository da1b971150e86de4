//! What a request reports to JavaScript, and the arguments it becomes.

use crate::client;
use crate::v2::failure::{self, Cause, TransportError};
use crate::v2::reply::Reply;
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::time::UNIX_EPOCH;
use tokio::sync::OwnedSemaphorePermit;

/// The second argument of the function given to `Environment`; the rest of the arguments depends on it.
#[napi]
pub enum EventKind {
    /// The end: `(status, headers, body)`; headers as lines of name, value, name, value …
    Reply,
    /// One endpoint failed: `(failure)`.
    Failed,
    /// All endpoints failed and are tried again: `(retries so far)`.
    Retrying,
    /// The end: no endpoint is left.
    Exhausted,
    /// The end: nobody knows whether the write took place.
    Unknown,
    /// Of a watch: every event from an index on will be told: `(undefined, index)`.
    Registered,
    /// Of a watch, an event: `(status, headers, body)`.
    Change,
    /// Of a watch: events are gone from the server's history: `(status, headers, body)` of the reply that says so.
    Resync,
    /// Of a watch: a success without an event: `(status, headers)`.
    Nothing,
    /// Of a watch: every endpoint failed, as was told just before; it goes on after a wait.
    Disconnected,
    /// Of a watch: a reply that none should get: `(status, headers, body)`; it goes on after a wait.
    Unexpected,
    /// The end: the request could not be made at all: `(undefined, code, message)`.
    Refused,
}

/// An entry of `err.errors`, as plain data.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// The place of the endpoint in the client's list.
    pub endpoint: u32,
    /// Milliseconds since 1970.
    pub timestamp: f64,
    pub status: Option<u32>,
    pub headers: Option<String>,
    pub body: Option<String>,
    pub message: Option<String>,
    pub code: Option<String>,
    pub syscall: Option<String>,
    pub address: Option<String>,
    pub port: Option<u32>,
    pub hostname: Option<String>,
    pub connect: Option<bool>,
}

/// An event of the request with an id.
pub enum Event {
    Reply(Reply),
    Failed(failure::Failure),
    Retrying(u32),
    Exhausted,
    Unknown,
    Registered(u64),
    /// With the place that it takes among the events that wait for JavaScript.
    Change(Reply, Option<OwnedSemaphorePermit>),
    Resync(Reply),
    Nothing(Reply),
    Disconnected,
    Unexpected(Reply),
    Refused {
        code: &'static str,
        message: String,
    },
}

/// `(id, kind, status | failure | retries, headers | code, body | message)`
pub type Arguments = FnArgs<Values>;
type Values = (u32, EventKind, Option<Either<u32, Failure>>, Option<Text>, Option<Text>);
/// Without anything beyond ASCII, which is the rule, a text is copied and not decoded.
type Text = Either<Latin1String, String>;

fn js(text: String) -> Text {
    if text.is_ascii() { Either::A(text.into()) } else { Either::B(text) }
}

fn replied(id: u32, kind: EventKind, reply: Reply) -> Values {
    let status = Some(Either::A(reply.status.into()));
    (id, kind, status, Some(js(reply.headers.into_lines())), Some(js(text(reply.body))))
}

impl Event {
    /// Whether nothing follows it.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Reply(_) | Self::Exhausted | Self::Unknown | Self::Refused { .. })
    }

    /// The place that it takes, for whoever delivers it.
    pub const fn take_place(&mut self) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Change(_, place) => place.take(),
            _ => None,
        }
    }

    /// A defect of ours: it ends one request and not the process.
    pub fn defect(what: &str) -> Self {
        Self::Refused { code: "ERR_INTERNAL", message: format!("Internal error of node-etcd-native: {what}") }
    }

    pub fn into_arguments(self, id: u32) -> Arguments {
        match self {
            Self::Reply(reply) => replied(id, EventKind::Reply, reply),
            Self::Change(reply, _) => replied(id, EventKind::Change, reply),
            Self::Resync(reply) => replied(id, EventKind::Resync, reply),
            Self::Nothing(reply) => replied(id, EventKind::Nothing, reply),
            Self::Unexpected(reply) => replied(id, EventKind::Unexpected, reply),
            Self::Registered(index) => (id, EventKind::Registered, None, Some(js(index.to_string())), None),
            Self::Disconnected => (id, EventKind::Disconnected, None, None, None),
            Self::Failed(failure) => (id, EventKind::Failed, Some(Either::B(failure.into())), None, None),
            Self::Retrying(retries) => (id, EventKind::Retrying, Some(Either::A(retries)), None, None),
            Self::Exhausted => (id, EventKind::Exhausted, None, None, None),
            Self::Unknown => (id, EventKind::Unknown, None, None, None),
            Self::Refused { code, message } => {
                (id, EventKind::Refused, None, Some(js(code.to_owned())), Some(js(message)))
            }
        }
        .into()
    }
}

impl From<client::Event> for Event {
    fn from(event: client::Event) -> Self {
        match event {
            client::Event::Failed(failure) => Self::Failed(failure),
            client::Event::Retrying(retries) => Self::Retrying(retries),
        }
    }
}

impl From<client::Outcome> for Event {
    fn from(outcome: client::Outcome) -> Self {
        match outcome {
            client::Outcome::Reply(reply) => Self::Reply(reply),
            client::Outcome::Exhausted => Self::Exhausted,
            client::Outcome::Unknown => Self::Unknown,
        }
    }
}

impl From<failure::Failure> for Failure {
    fn from(failure: failure::Failure) -> Self {
        let (reply, error) = match failure.cause {
            Cause::Status(reply) => (Some(reply), None),
            Cause::Transport(error) => (None, Some(error)),
        };
        let status = reply.as_ref().map(|reply| reply.status.into());
        let (headers, body) = reply.map(|reply| (reply.headers.into_lines(), text(reply.body))).unzip();
        let message = error.as_ref().map(|error| error.message.clone());
        let TransportError { code, syscall, address, port, hostname, connect, .. } =
            error.unwrap_or_default();
        Self {
            endpoint: u32::try_from(failure.endpoint).unwrap_or(u32::MAX),
            timestamp: failure
                .at
                .duration_since(UNIX_EPOCH)
                .map_or(0.0, |since| since.as_secs_f64() * 1000.0),
            status,
            headers,
            body,
            message,
            code: code.map(Into::into),
            syscall: syscall.map(Into::into),
            address,
            port: port.map(Into::into),
            hostname,
            connect,
        }
    }
}

/// Invalid UTF-8 becomes U+FFFD, as Node's `toString()` makes it.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|invalid| String::from_utf8_lossy(invalid.as_bytes()).into_owned())
}
