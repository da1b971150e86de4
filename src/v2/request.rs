//! A v2 request, as every transport takes it.

use crate::v2::key::Key;
use crate::wire::proxy::ProxyRules;
use bytes::Bytes;
use http::Method;
use std::time::Duration;

/// What a request is about.
#[derive(Debug, Clone)]
pub enum Target {
    /// A key or directory of the store.
    Key(Key),
    /// Any other path of the server, as the caller wrote it, with a leading slash.
    Path(String),
}

/// One v2 request. The endpoint is chosen by the client; everything else is here.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub target: Target,
    /// The encoded query without `?`; empty for none.
    pub query: String,
    /// An encoded form (`application/x-www-form-urlencoded`); `None` sends no body.
    pub form: Option<Bytes>,
    /// How long connecting, and then every wait for the next bytes, may take, at each endpoint.
    pub timeout: Option<Duration>,
    /// The proxies to go through; none for the direct way.
    pub proxies: Option<ProxyRules>,
}

const KEYS: &str = "/v2/keys";

impl Request {
    /// The path of a key below an endpoint, which is written as URLs write it.
    #[must_use]
    pub fn key_path(&self) -> Option<String> {
        match &self.target {
            Target::Key(key) => Some([KEYS, key.path()].concat()),
            Target::Path(_) => None,
        }
    }

    /// Path and query below an endpoint.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let (root, path) = match &self.target {
            Target::Key(key) => (KEYS, key.path()),
            Target::Path(path) => ("", path.as_str()),
        };
        let separator = match () {
            () if self.query.is_empty() => "",
            () if path.contains('?') => "&",
            () => "?",
        };
        [root, path, separator, &self.query].concat()
    }

    /// Whether it only asks, so that sending it twice is harmless.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether the reply goes on for ever, a line for each event.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.query.split('&').any(|pair| pair == "stream=true")
    }

    /// Whether the server may hold the reply back until something happens: then `timeout` bounds the way to the
    /// headers only. The spellings are those of etcd's parser (semantics.md 3.1).
    #[must_use]
    pub fn is_watch(&self) -> bool {
        let in_path = match &self.target {
            Target::Path(path) => path.split_once('?').map_or("", |(_, query)| query),
            Target::Key(_) => "",
        };
        [in_path, self.query.as_str()].iter().flat_map(|query| query.split('&')).any(|pair| {
            matches!(pair, "wait=true" | "wait=1" | "wait=t" | "wait=T" | "wait=TRUE" | "wait=True")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: Target, query: &str) -> Request {
        Request { method: Method::GET, target, query: query.into(), form: None, timeout: None, proxies: None }
    }

    #[test]
    fn a_query_joins_the_one_that_the_path_already_has() {
        let key = Target::Key(Key::parse("/a b").unwrap());
        assert_eq!(request(key.clone(), "").path_and_query(), "/v2/keys/a%20b");
        assert_eq!(request(key, "wait=true").path_and_query(), "/v2/keys/a%20b?wait=true");
        let raw = || Target::Path("/v2/keys/a?x=1".into());
        assert_eq!(request(raw(), "").path_and_query(), "/v2/keys/a?x=1");
        assert_eq!(request(raw(), "y=2").path_and_query(), "/v2/keys/a?x=1&y=2");
    }

    #[test]
    fn a_watch_is_known_by_its_query() {
        let path = |path: &str| Target::Path(path.into());
        assert!(request(path("/x"), "recursive=true&wait=true").is_watch());
        assert!(request(path("/x?wait=1"), "").is_watch());
        assert!(!request(path("/x"), "wait=false&waitIndex=1").is_watch());
        assert!(!request(path("/wait=true"), "").is_watch());
    }
}
