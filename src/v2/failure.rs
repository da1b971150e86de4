//! Why a request got no usable reply from an endpoint.

use crate::v2::reply::Reply;
use std::borrow::Cow;
use std::time::SystemTime;

/// One attempt at one endpoint that failed: an entry of `err.errors`.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The place of the endpoint in the client's list.
    pub endpoint: usize,
    pub at: SystemTime,
    pub cause: Cause,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The server answered with a status of 500 or more.
    Status(Reply),
    /// No complete reply came.
    Transport(TransportError),
}

impl Cause {
    /// Whether waiting for a new leader may help: the rule by which node-etcd repeats a request (semantics.md 2.4).
    #[must_use]
    pub fn may_be_leader_election(&self) -> bool {
        match self {
            Self::Status(reply) => reply.is_leader_election(),
            Self::Transport(error) => matches!(error.code(), Some("ECONNREFUSED" | "ECONNRESET")),
        }
    }

    /// Whether the server may have done what was asked all the same.
    #[must_use]
    pub const fn may_have_been_applied(&self) -> bool {
        match self {
            Self::Status(_) => true,
            Self::Transport(error) => error.sent,
        }
    }
}

/// A failure below HTTP, or of HTTP itself, in the words of Node's errors: `httperror` in `err.errors`.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
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
    /// Whether the request, or a part of it, may have reached the server.
    pub sent: bool,
}

impl TransportError {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    #[must_use]
    pub fn with_code(message: impl Into<String>, code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code.into()), ..Self::new(message) }
    }

    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}
