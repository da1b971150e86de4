//! What etcd answers when it does not do what was asked: a status of gRPC's, which the JSON gateway gives as well.

use crate::v2::error::{Code, Error};
use crate::v2::failure::Failed;
use crate::v2::reply::{Headers, Reply};

/// A status that is not OK.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (gRPC status {code})")]
pub struct Status {
    /// gRPC's number.
    pub code: i32,
    /// etcd's words.
    pub message: String,
}

impl Status {
    pub const UNKNOWN: i32 = 2;
    pub const INVALID_ARGUMENT: i32 = 3;
    pub const DEADLINE_EXCEEDED: i32 = 4;
    pub const NOT_FOUND: i32 = 5;
    pub const ALREADY_EXISTS: i32 = 6;
    pub const PERMISSION_DENIED: i32 = 7;
    pub const RESOURCE_EXHAUSTED: i32 = 8;
    pub const FAILED_PRECONDITION: i32 = 9;
    pub const OUT_OF_RANGE: i32 = 11;
    pub const UNIMPLEMENTED: i32 = 12;
    pub const UNAUTHENTICATED: i32 = 16;

    /// Why a watch was cancelled: of that etcd gives the words alone.
    #[must_use]
    pub fn of_cancellation(message: String) -> Self {
        const CODES: [(&str, i32); 4] = [
            ("permission denied", Status::PERMISSION_DENIED),
            ("invalid auth token", Status::UNAUTHENTICATED),
            ("user name is empty", Status::INVALID_ARGUMENT),
            ("revision of auth store is old", Status::INVALID_ARGUMENT),
        ];
        let code = CODES.iter().find(|(text, _)| message.contains(text));
        Self { code: code.map_or(Self::UNKNOWN, |(_, code)| *code), message }
    }

    /// Whether a member without a token, or with one that is no longer valid, is told this.
    #[must_use]
    pub fn asks_for_token(&self) -> bool {
        self.code == Self::UNAUTHENTICATED
            || self.says(Self::INVALID_ARGUMENT, "user name is empty")
            || self.is_auth_changed()
    }

    /// Whether users or roles changed while the request was under way. It did not take place.
    #[must_use]
    pub fn is_auth_changed(&self) -> bool {
        self.says(Self::INVALID_ARGUMENT, "revision of auth store is old")
    }

    /// Whether nobody has to prove who he is.
    #[must_use]
    pub fn is_auth_disabled(&self) -> bool {
        self.says(Self::FAILED_PRECONDITION, "authentication is not enabled")
    }

    /// Whether the credentials are missing, wrong or do not suffice.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        self.code == Self::PERMISSION_DENIED
            || self.asks_for_token()
            || self.says(Self::INVALID_ARGUMENT, "authentication failed")
    }

    /// Whether etcd refuses this very request: whoever is asked, whenever, says the same.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self.code {
            Self::RESOURCE_EXHAUSTED => !self.is_busy(),
            Self::INVALID_ARGUMENT
            | Self::NOT_FOUND
            | Self::ALREADY_EXISTS
            | Self::FAILED_PRECONDITION
            | Self::OUT_OF_RANGE
            | Self::UNIMPLEMENTED => true,
            _ => false,
        }
    }

    /// What it is to a client of v2, whom an etcd in trouble answers with error 300: the next member is asked, and all of
    /// them once more, as this may be an election.
    #[must_use]
    pub fn failed(&self) -> Failed {
        let error = Error::new(Code::RaftInternal, self.message.clone(), 0);
        let mut headers = Headers::default();
        headers.push("content-type", b"application/json");
        let reply = Reply { status: error.code.status(), headers, body: error.body() };
        // These members refuse before they do anything.
        let sent = !(self.is_busy() || self.message == "etcdserver: no leader");
        Failed { sent, ..Failed::unavailable(reply) }
    }

    fn is_busy(&self) -> bool {
        self.says(Self::RESOURCE_EXHAUSTED, "too many requests")
    }

    fn says(&self, code: i32, text: &str) -> bool {
        self.code == code && self.message.contains(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::failure::Kind;

    fn status(code: i32, message: &str) -> Status {
        Status { code, message: message.into() }
    }

    #[test]
    fn a_member_in_trouble_may_be_one_without_a_leader() {
        for (code, text) in [
            (14, "etcdserver: request timed out"),
            (14, "etcdserver: leader changed"),
            (4, "context deadline exceeded"),
            (2, "raft proposal dropped"),
        ] {
            let status = status(code, text);
            assert!(!status.is_refusal() && !status.is_denial(), "{text}");
            let failed = status.failed();
            assert_eq!((failed.kind, failed.sent), (Kind::Election, true), "{text}");
        }
    }

    #[test]
    fn who_refuses_before_anything_is_done_leaves_nothing_open() {
        assert!(!status(14, "etcdserver: no leader").failed().sent);
        let busy = status(8, "etcdserver: too many requests");
        assert!(!busy.is_refusal() && !busy.failed().sent);
    }

    #[test]
    fn what_no_member_will_ever_do_is_a_refusal() {
        for (code, text) in [
            (3, "etcdserver: request is too large"),
            (3, "etcdserver: too many operations in txn request"),
            (5, "etcdserver: requested lease not found"),
            (8, "etcdserver: mvcc: database space exceeded"),
            (8, "grpc: received message larger than max (3 vs. 2)"),
            (11, "etcdserver: mvcc: required revision has been compacted"),
            (12, "unknown service etcdserverpb.KV"),
        ] {
            let status = status(code, text);
            assert!(status.is_refusal() && !status.is_denial(), "{text}");
        }
    }

    #[test]
    fn a_token_that_is_missing_or_stale_is_told_from_rights_that_are_missing() {
        for (code, text) in [
            (16, "etcdserver: invalid auth token"),
            (3, "etcdserver: user name is empty"),
            (3, "etcdserver: revision of auth store is old"),
        ] {
            assert!(status(code, text).asks_for_token() && status(code, text).is_denial(), "{text}");
        }
        for (code, text) in [
            (7, "etcdserver: permission denied"),
            (3, "etcdserver: authentication failed, invalid user ID or password"),
        ] {
            assert!(!status(code, text).asks_for_token() && status(code, text).is_denial(), "{text}");
        }
    }
}
