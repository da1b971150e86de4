//! Why a request got no usable reply from a member.

use crate::v2::reply::Reply;
use std::borrow::Cow;
use std::time::SystemTime;

/// One attempt at one member that failed: an entry of `err.errors`.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The place of the member in the client's list.
    pub member: usize,
    pub at: SystemTime,
    pub failed: Failed,
}

impl Failure {
    /// An attempt that failed just now.
    #[must_use]
    pub fn now(member: usize, failed: Failed) -> Self {
        Self { member, at: SystemTime::now(), failed }
    }
}

/// An attempt that failed: the policy asks its kind, people read its cause.
#[derive(Debug, Clone)]
pub struct Failed {
    pub kind: Kind,
    /// Whether the request, or a part of it, may have reached the member, who may then have done what was asked.
    pub sent: bool,
    pub cause: Cause,
}

impl Failed {
    /// The member answered with a status of 500 or more: it cannot do what was asked, or not now.
    #[must_use]
    pub fn unavailable(reply: Reply) -> Self {
        let kind = if reply.is_leader_election() { Kind::Election } else { Kind::Other };
        Self { kind, sent: true, cause: Cause::Reply(reply) }
    }

    /// How many bytes it holds, about.
    #[must_use]
    pub const fn size(&self) -> usize {
        match &self.cause {
            Cause::Reply(reply) => reply.size(),
            Cause::Error(error) => error.message.len(),
        }
    }
}

/// What a failure means for what is done next. Only the transport looks at codes, statuses and texts for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody accepts connections there: asking again costs that host nothing.
    Refused,
    /// A connection ended before the reply did.
    Reset,
    /// The member says that the cluster has no leader right now.
    Election,
    /// No member can be sent this, so that none was asked.
    Unsendable,
    Other,
}

impl Kind {
    /// Whether waiting for a new leader may help: the rule by which node-etcd repeats a request (semantics.md 2.4).
    #[must_use]
    pub const fn may_be_leader_election(self) -> bool {
        matches!(self, Self::Refused | Self::Reset | Self::Election)
    }
}

/// What went wrong.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The member answered that it cannot answer: a status of 500 or more.
    Reply(Reply),
    /// No complete reply came. Boxed, as it is large and rare.
    Error(Box<NodeError>),
}

/// An error in the words of Node's errors: `httperror` in `err.errors`.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NodeError {
    pub message: String,
    /// Node's code, such as `ECONNREFUSED`.
    pub code: Option<Cow<'static, str>>,
    /// The call that failed: `connect`, `read` or `getaddrinfo`.
    pub syscall: Option<&'static str>,
    pub address: Option<String>,
    pub port: Option<u16>,
    /// For a name that was not found, that name.
    pub hostname: Option<String>,
    /// For a timeout: whether it struck while connecting.
    pub connect: Option<bool>,
}

impl NodeError {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    #[must_use]
    pub fn with_code(message: impl Into<String>, code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), ..Self::new(message) }
    }

    /// An attempt that failed with this error.
    #[must_use]
    pub fn failed(self, kind: Kind, sent: bool) -> Failed {
        Failed { kind, sent, cause: Cause::Error(Box::new(self)) }
    }
}
