//! A v2 reply, as every transport gives it.

use crate::v2::error::Code;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// A complete reply of a server.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Headers,
    /// The body's bytes as received; usually JSON.
    pub body: Vec<u8>,
}

/// Header names in lower case and values read as latin-1, in order, repeated names repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(String);

impl Headers {
    /// With room for lines of so many bytes altogether.
    #[must_use]
    pub fn with_capacity(length: usize) -> Self {
        Self(String::with_capacity(length))
    }

    /// Adds a header line. Neither part can hold a line feed: HTTP does not allow it.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(name);
        self.0.push('\n');
        match std::str::from_utf8(value) {
            Ok(text) if text.is_ascii() => self.0.push_str(text),
            _ => self.0.extend(value.iter().copied().map(char::from)),
        }
    }

    /// The first value of a name in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.split('\n');
        while let (Some(found), Some(value)) = (lines.next(), lines.next()) {
            if found == name {
                return Some(value);
            }
        }
        None
    }

    /// All of them as lines: name, value, name, value …
    #[must_use]
    pub fn into_lines(self) -> String {
        self.0
    }
}

impl Reply {
    /// What is said to those who watch a store that went back, or made room for another one. It has the shape of error 401,
    /// as what it means is the same: read again, and go on at this index.
    #[must_use]
    pub fn of_replaced_store(index: u64, cause: &str) -> Self {
        let message = "The store went back to an earlier state, or another one took its place";
        let error = serde_json::json!({
            "errorCode": Code::IndexCleared.number(),
            "message": message,
            "cause": cause,
            "index": index,
        });
        let status = Code::IndexCleared.status();
        Self { status, headers: Headers::default(), body: error.to_string().into_bytes() }
    }

    /// How many bytes it holds.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.headers.0.len() + self.body.len()
    }

    /// Whether the server says that it has no leader right now: error 300 or 301, or a text that says so
    /// (semantics.md 2.4; numbers only, as node-etcd compared them).
    #[must_use]
    pub fn is_leader_election(&self) -> bool {
        match self.error() {
            ErrorBody::Fields { code: Some(INTERNAL), cause } => !is_refusal(&cause),
            ErrorBody::Fields { code, .. } => code == Some(ELECTION),
            ErrorBody::Text(text) => text.contains("Not current leader"),
        }
    }

    /// Whether etcd refuses this very request, though by the code of trouble within the cluster: whoever is asked,
    /// whenever, says the same.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.error(), ErrorBody::Fields { code: Some(INTERNAL), cause } if is_refusal(&cause))
    }

    /// Looks at nothing but code and cause: a raw value is skipped without recursion, however deep the JSON is.
    fn error(&self) -> ErrorBody {
        if let Ok(text) = serde_json::from_slice::<String>(&self.body) {
            return ErrorBody::Text(text);
        }
        match serde_json::from_slice::<HashMap<String, &RawValue>>(&self.body) {
            Ok(fields) => ErrorBody::Fields {
                code: fields.get("errorCode").and_then(|code| code_number(code)),
                cause: fields.get("cause").and_then(|cause| text_of(cause)).unwrap_or_default(),
            },
            Err(_) => ErrorBody::Text(String::from_utf8_lossy(&self.body).into_owned()),
        }
    }
}

/// The number that an `errorCode` is; only numbers count (semantics.md 2.4).
#[must_use]
pub fn code_number(code: &RawValue) -> Option<f64> {
    f64::deserialize(code).ok()
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// etcd's code for what failed within the cluster, and for every error that has no code of its own.
const INTERNAL: f64 = 300.0;
const ELECTION: f64 = 301.0;

/// Whether a cause of code 300 is the store's word on a node, as in `nodePath /1/dir : Not a file ()`, or on what it can
/// never do (semantics.md 3.2).
fn is_refusal(cause: &str) -> bool {
    cause.starts_with("nodePath /") || cause == "TTLs are unsupported"
}

/// What a body that tells of an error is.
enum ErrorBody {
    Fields { code: Option<f64>, cause: String },
    Text(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_election(body: &str) -> bool {
        Reply { status: 500, body: body.into(), ..Reply::default() }.is_leader_election()
    }

    #[test]
    fn header_values_are_latin_1() {
        let mut headers = Headers::default();
        headers.push("x-name", b"J\xfcrgen");
        headers.push("x-other", b"plain");
        assert_eq!((headers.get("x-other"), headers.get("plain")), (Some("plain"), None));
        assert_eq!(headers.into_lines(), "x-name\nJürgen\nx-other\nplain");
    }

    #[test]
    fn codes_300_and_301_are_elections() {
        assert!(is_election(r#"{"errorCode":300,"message":"Raft Internal Error"}"#));
        assert!(is_election(r#"{"errorCode":1,"errorCode":301}"#));
        assert!(is_election(&format!(
            "{{\"x\":{}1{},\"errorCode\":3.01e2}}",
            "[".repeat(2000),
            "]".repeat(2000)
        )));
        assert!(!is_election(r#"{"errorCode":"300"}"#));
        assert!(!is_election(r#"{"errorCode":100}"#));
        assert!(!is_election(r#"{"error":{"errorCode":300}}"#));
    }

    fn internal(cause: &str) -> Reply {
        let body = format!(r#"{{"errorCode":300,"message":"Raft Internal Error","cause":{cause}}}"#);
        Reply { status: 500, body: body.into(), ..Reply::default() }
    }

    #[test]
    fn code_300_is_a_refusal_if_its_cause_is_the_stores() {
        for cause in [
            r#""nodePath /1/dir : Not a file ()""#,
            r#""nodePath \/1\/not leader : x""#,
            r#""TTLs are unsupported""#,
        ] {
            let reply = internal(cause);
            assert!(reply.is_refusal() && !reply.is_leader_election(), "{cause}");
        }
        let mut others =
            vec!["\"\"", "5", "null", r#""raft proposal dropped""#, r#""elsewhere: nodePath /1/dir""#];
        others.extend([
            r#""etcdserver: request timed out""#,
            r#""etcdserver: request timed out, possibly due to previous leader failure""#,
            r#""etcdserver: request timed out, possibly due to connection lost""#,
            r#""etcdserver: server stopped""#,
            r#""etcdserver: no leader""#,
            r#""etcdserver: not leader""#,
        ]);
        for cause in others {
            let reply = internal(cause);
            assert!(!reply.is_refusal() && reply.is_leader_election(), "{cause}");
        }
        assert!(is_election(r#"{"errorCode":301,"cause":"nodePath /1/dir"}"#));
    }

    #[test]
    fn a_text_is_searched_for_the_lost_leader() {
        assert!(is_election("Not current leader"));
        assert!(is_election(r#""Not current leader""#));
        assert!(!is_election("not current leader"));
        assert!(!is_election(r#"{"message":"Not current leader"}"#));
        assert!(!is_election("[300]"));
    }

    proptest! {
        #[test]
        fn any_body_can_be_looked_at(
            bytes: Vec<u8>,
            text in "(\\{|\\}|\\[|\\]|:|,|\"errorCode\"|\"|300|3e2|-|\\\\u){0,40}",
        ) {
            for body in [bytes, text.into_bytes()] {
                let is_code = matches!(
                    serde_json::from_slice::<serde_json::Value>(&body),
                    Ok(serde_json::Value::Object(fields))
                        if fields.get("errorCode").and_then(serde_json::Value::as_f64).is_some_and(|code| {
                            code == 300.0 || code == 301.0
                        })
                );
                let reply = Reply { status: 500, body, ..Reply::default() };
                prop_assert_eq!(reply.is_leader_election(), is_code);
            }
        }
    }
}
