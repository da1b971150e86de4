//! The errors that etcd's v2 API answers with (etcd: `v2error/error.go`; semantics.md 3.2).

use crate::v2::render;

/// What went wrong, by etcd's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Code {
    KeyNotFound = 100,
    CompareFailed = 101,
    NotAFile = 102,
    NotADirectory = 104,
    KeyExists = 105,
    RootReadOnly = 107,
    DirectoryNotEmpty = 108,
    Unauthorized = 110,
    PrevValueRequired = 201,
    TtlNotANumber = 202,
    IndexNotANumber = 203,
    InvalidField = 209,
    InvalidForm = 210,
    RefreshWithValue = 211,
    RefreshWithoutTtl = 212,
    RaftInternal = 300,
    LeaderElection = 301,
    IndexCleared = 401,
}

impl Code {
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::KeyNotFound => "Key not found",
            Self::CompareFailed => "Compare failed",
            Self::NotAFile => "Not a file",
            Self::NotADirectory => "Not a directory",
            Self::KeyExists => "Key already exists",
            Self::RootReadOnly => "Root is read only",
            Self::DirectoryNotEmpty => "Directory not empty",
            Self::Unauthorized => "The request requires user authentication",
            Self::PrevValueRequired => "PrevValue is Required in POST form",
            Self::TtlNotANumber => "The given TTL in POST form is not a number",
            Self::IndexNotANumber => "The given index in POST form is not a number",
            Self::InvalidField => "Invalid field",
            Self::InvalidForm => "Invalid POST form",
            Self::RefreshWithValue => "Value provided on refresh",
            Self::RefreshWithoutTtl => "A TTL must be provided on refresh",
            Self::RaftInternal => "Raft Internal Error",
            Self::LeaderElection => "During Leader Election",
            Self::IndexCleared => "The event in requested index is outdated and cleared",
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::KeyNotFound => 404,
            Self::NotAFile | Self::DirectoryNotEmpty => 403,
            Self::Unauthorized => 401,
            Self::CompareFailed | Self::KeyExists => 412,
            Self::RaftInternal | Self::LeaderElection => 500,
            _ => 400,
        }
    }
}

/// An error with what caused it and the store's index at that time, which is 0 when no store was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({cause})", code.message())]
pub struct Error {
    pub code: Code,
    pub cause: String,
    pub index: u64,
}

impl Error {
    #[must_use]
    pub fn new(code: Code, cause: impl Into<String>, index: u64) -> Self {
        Self { code, cause: cause.into(), index }
    }

    /// An error in the request itself.
    #[must_use]
    pub fn in_request(code: Code, cause: impl Into<String>) -> Self {
        Self::new(code, cause, 0)
    }

    /// The reply's body. `X-Etcd-Index` beside it is the index too.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let mut body = format!("{{\"errorCode\":{},\"message\":", self.code.number()).into_bytes();
        render::string(&mut body, self.code.message());
        if !self.cause.is_empty() {
            body.extend(b",\"cause\":");
            render::string(&mut body, &self.cause);
        }
        body.extend(format!(",\"index\":{}}}\n", self.index).into_bytes());
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(error: &Error) -> String {
        String::from_utf8(error.body()).unwrap()
    }

    #[test]
    fn the_body_is_etcds() {
        let error = Error::new(Code::KeyNotFound, "/a", 7);
        assert_eq!(error.code.status(), 404);
        assert_eq!(
            body(&error),
            "{\"errorCode\":100,\"message\":\"Key not found\",\"cause\":\"/a\",\"index\":7}\n"
        );
    }

    #[test]
    fn a_cause_is_escaped_and_an_empty_one_left_out() {
        let error = Error::new(Code::CompareFailed, "[<a> != \"&\"]", 1);
        assert!(body(&error).contains(r#""cause":"[\u003ca\u003e != \"\u0026\"]""#), "{}", body(&error));
        assert!(!body(&Error::new(Code::NotAFile, "", 1)).contains("cause"));
    }
}
