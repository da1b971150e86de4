//! What a request or a watch reports to JavaScript, and the arguments it becomes.

use crate::client::{Outcome, Progress};
use crate::v2::failure::{Cause, Failure, NodeError};
use crate::v2::reply::Reply;
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::borrow::Cow;
use std::time::UNIX_EPOCH;

/// The kind of an event: the second argument of the function given to `Environment`, after the id. The third, `detail`,
/// depends on it; a reply's headers and body come fourth and fifth.
#[napi]
pub enum EventKind {
    /// The end: a reply, with its status.
    Reply,
    /// One member failed: an `AttemptFailure`.
    Failed,
    /// All members failed and are tried again: how often so far.
    Retrying,
    /// The end: no member is left.
    Exhausted,
    /// The end: nobody knows whether the write took place.
    Unknown,
    /// The end: the request could not be made at all: code and message in the places of headers and body.
    Unsendable,
    /// The end: the system refuses what every request needs, such as a thread: a `SystemFailure`.
    Unstarted,
    /// Of a watch: every change from this index on will be told.
    Registered,
    /// Of a watch: a change, as a reply.
    Change,
    /// Of a watch: changes are gone from the server's history: the reply that says so.
    Resync,
    /// Of a watch: the change at this index is too large: code and message in the places of headers and body.
    TooLarge,
    /// Of a watch: a reply without a change.
    Ended,
    /// Of a watch: every member failed, as was told just before; it goes on after a wait.
    Disconnected,
    /// Of a watch: etcd refuses it by this reply; it goes on after a wait.
    Refused,
    /// Of a watch: a reply that none should get; it goes on after a wait.
    Unexpected,
}

/// An attempt at a member that failed, as plain data: an entry of `err.errors`.
#[napi(object, object_from_js = false)]
pub struct AttemptFailure {
    /// The place of the member in the client's list.
    pub member: u32,
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

/// What the system refuses, as plain data.
#[napi(object, object_from_js = false)]
pub struct SystemFailure {
    pub message: String,
    pub code: Option<String>,
    pub syscall: Option<String>,
}

/// An event of the request or watch with an id; see [`EventKind`].
pub enum Event {
    Reply(Reply),
    Failed(Failure),
    Retrying(u32),
    Exhausted,
    Unknown,
    Unsendable { code: Cow<'static, str>, message: String },
    Unstarted(NodeError),
    Registered(u64),
    Change(Reply),
    Resync(Reply),
    TooLarge(u64, NodeError),
    Ended(Reply),
    Disconnected,
    Refused(Reply),
    Unexpected(Reply),
}

/// `(id, kind, detail, head, text)`
pub type Arguments = FnArgs<(u32, EventKind, Option<Detail>, Option<Text>, Option<Text>)>;
/// A status, count or index, or a failure.
type Detail = Either3<f64, AttemptFailure, SystemFailure>;
/// Without anything beyond ASCII, which is the rule, a text is copied and not decoded.
type Text = Either<Latin1String, String>;

fn js(text: String) -> Text {
    if text.is_ascii() { Either::A(text.into()) } else { Either::B(text) }
}

impl Event {
    /// Whether nothing follows it.
    pub const fn is_end(&self) -> bool {
        matches!(
            self,
            Self::Reply(_) | Self::Exhausted | Self::Unknown | Self::Unsendable { .. } | Self::Unstarted(_)
        )
    }

    /// A panic, which is a defect of ours: it ends one request and not the process.
    pub fn defect() -> Self {
        Self::Unsendable {
            code: "ERR_INTERNAL".into(),
            message: "Internal error of node-etcd-native: a panic, shown on standard error".to_owned(),
        }
    }

    /// What no member can be sent.
    pub fn unsendable(NodeError { code, message, .. }: NodeError) -> Self {
        Self::Unsendable { code: code.unwrap_or_default(), message }
    }

    pub fn into_arguments(self, id: u32) -> Arguments {
        let plain = |kind| (id, kind, None, None, None).into();
        let number = |kind, number: f64| (id, kind, Some(Either3::A(number)), None, None).into();
        let reply = |kind, Reply { status, headers, body }: Reply| {
            let (head, text) = (js(headers.into_lines()), js(text(body)));
            (id, kind, Some(Either3::A(status.into())), Some(head), Some(text)).into()
        };
        match self {
            Self::Reply(it) => reply(EventKind::Reply, it),
            Self::Change(it) => reply(EventKind::Change, it),
            Self::Resync(it) => reply(EventKind::Resync, it),
            Self::Ended(it) => reply(EventKind::Ended, it),
            Self::Refused(it) => reply(EventKind::Refused, it),
            Self::Unexpected(it) => reply(EventKind::Unexpected, it),
            // Indexes are far below 2^53.
            Self::Registered(index) => number(EventKind::Registered, index as f64),
            Self::TooLarge(index, NodeError { message, code, .. }) => {
                let code = code.unwrap_or_default().into_owned();
                let detail = Some(Either3::A(index as f64));
                (id, EventKind::TooLarge, detail, Some(js(code)), Some(js(message))).into()
            }
            Self::Retrying(retries) => number(EventKind::Retrying, retries.into()),
            Self::Disconnected => plain(EventKind::Disconnected),
            Self::Exhausted => plain(EventKind::Exhausted),
            Self::Unknown => plain(EventKind::Unknown),
            Self::Failed(failure) => {
                (id, EventKind::Failed, Some(Either3::B(failure.into())), None, None).into()
            }
            Self::Unstarted(error) => {
                (id, EventKind::Unstarted, Some(Either3::C(error.into())), None, None).into()
            }
            Self::Unsendable { code, message } => {
                (id, EventKind::Unsendable, None, Some(js(code.into_owned())), Some(js(message))).into()
            }
        }
    }
}

impl From<Progress> for Event {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Failed(failure) => Self::Failed(failure),
            Progress::Retrying(retries) => Self::Retrying(retries),
        }
    }
}

impl From<Outcome> for Event {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Reply(reply) => Self::Reply(reply),
            Outcome::Exhausted => Self::Exhausted,
            Outcome::Unsendable(error) => Self::unsendable(*error),
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl From<Failure> for AttemptFailure {
    fn from(Failure { member, at, failed }: Failure) -> Self {
        let (reply, error) = match failed.cause {
            Cause::Reply(reply) => (Some(reply), None),
            Cause::Error(error) => (None, Some(*error)),
        };
        let status = reply.as_ref().map(|reply| reply.status.into());
        let (headers, body) = reply.map(|reply| (reply.headers.into_lines(), text(reply.body))).unzip();
        let message = error.as_ref().map(|error| error.message.clone());
        let error = error.unwrap_or_default();
        Self {
            member: u32::try_from(member).unwrap_or(u32::MAX),
            timestamp: at.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1000.0),
            status,
            headers,
            body,
            message,
            code: error.code.map(Into::into),
            syscall: error.syscall.map(Into::into),
            address: error.address,
            port: error.port.map(Into::into),
            hostname: error.hostname,
            connect: error.connect,
        }
    }
}

impl From<NodeError> for SystemFailure {
    fn from(NodeError { message, code, syscall, .. }: NodeError) -> Self {
        Self { message, code: code.map(Into::into), syscall: syscall.map(Into::into) }
    }
}

/// Invalid UTF-8 becomes U+FFFD, as Node's `toString()` makes it.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|invalid| String::from_utf8_lossy(invalid.as_bytes()).into_owned())
}
