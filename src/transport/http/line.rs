//! The line that a request begins with, and how long it may be.

use crate::v2::failure::{Failed, Kind, NodeError};
use crate::v2::request::{Request, Target};
use crate::wire::endpoint::Endpoint;
use crate::wire::way::is_secure;

/// How much of a new connection without TLS etcd looks at to know that HTTP is spoken there. A longer line is none to it, and the
/// connection is reset (semantics.md 3.1).
const PLAIN: usize = 4096;
/// The longest URL that hyper sends.
const URL: usize = u16::MAX as usize - 1;
const VERSION: &str = " HTTP/1.1\r\n";

/// How many bytes the line of a request may have, whichever of these members it goes to.
#[must_use]
pub fn limit(endpoints: &[Endpoint]) -> usize {
    if endpoints.iter().all(|endpoint| is_secure(endpoint.url())) { URL } else { PLAIN }
}

/// Refuses a request whose line is too long. It has this path and query, and this query was made of its options.
///
/// # Errors
/// When it is, with an error that says what makes it so, and holds no value.
pub fn check(request: &Request, path: &[u8], query: &str, limit: usize) -> Result<(), Failed> {
    let length = request.verb.as_str().len() + 1 + path.len() + VERSION.len();
    if length <= limit {
        return Ok(());
    }
    let (what, share) = longest(request, query);
    let message = format!(
        "The request cannot be sent: its line would have {length} bytes, and may have {limit}. \
         Of these {what} takes {share}, percent-encoded"
    );
    Err(NodeError::with_code(message, "ERR_REQUEST_TOO_LONG").failed(Kind::Unsendable, false))
}

/// What takes the most of a line, and how much.
fn longest(request: &Request, query: &str) -> (String, usize) {
    let target = match &request.target {
        Target::Key(key) => ("the key".to_owned(), key.path().len()),
        Target::Path(path) => ("the path".to_owned(), path.len()),
    };
    let options = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (format!("\"options.{name}\""), value.len()));
    options.fold(target, |longest, option| if option.1 > longest.1 { option } else { longest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::failure::Cause;
    use crate::v2::key::Key;
    use crate::v2::request::Verb;

    fn delete(key: &str) -> Request {
        Request {
            verb: Verb::Delete,
            target: Target::Key(Key::parse(key).unwrap()),
            parameters: String::new(),
            value: None,
            waits: false,
            once: false,
            timeout: None,
        }
    }

    fn message(request: &Request, query: &str) -> Option<String> {
        let path = format!(
            "/v2/keys{}?{query}",
            match &request.target {
                Target::Key(key) => key.path(),
                Target::Path(path) => path,
            }
        );
        let failed = check(request, path.as_bytes(), query, PLAIN).err()?;
        assert_eq!((failed.kind, failed.sent), (Kind::Unsendable, false));
        let Cause::Error(error) = failed.cause else { panic!("not an error but a reply") };
        Some(error.message)
    }

    #[test]
    fn a_line_may_have_what_etcd_looks_at_and_no_byte_more() {
        let rest = "DELETE /v2/keys/k?prevValue= HTTP/1.1\r\n".len();
        let query = |length| format!("prevValue={}", "x".repeat(length - rest));
        assert_eq!(message(&delete("k"), &query(PLAIN)), None);
        assert!(message(&delete("k"), &query(PLAIN + 1)).is_some());
    }

    #[test]
    fn what_makes_it_too_long_is_named_and_not_shown() {
        let of_option = message(&delete("k"), &format!("a=1&prevValue={}", "x".repeat(5000))).unwrap();
        assert!(of_option.ends_with("\"options.prevValue\" takes 5000, percent-encoded"), "{of_option}");
        assert!(!of_option.contains("xx"));
        let of_key = message(&delete(&"k".repeat(5000)), "a=1").unwrap();
        assert!(of_key.ends_with("the key takes 5001, percent-encoded"), "{of_key}");
    }

    #[test]
    fn one_member_without_tls_is_enough_for_the_lower_bound() {
        let limit = |hosts: &[&str]| {
            let endpoints: Vec<_> = hosts.iter().map(|host| Endpoint::parse(host).unwrap()).collect();
            limit(&endpoints)
        };
        assert_eq!(limit(&["https://a", "https://b"]), URL);
        assert_eq!(limit(&["https://a", "http://b"]), PLAIN);
    }
}
