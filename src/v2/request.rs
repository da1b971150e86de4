//! A v2 request and a v2 watch, as every transport takes them.

use crate::v2::key::Key;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::time::Duration;

/// Where etcd has its keys.
pub const KEYS: &str = "/v2/keys";

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    Get,
    Head,
    Put,
    Post,
    Delete,
    /// Of `raw`: any other token.
    Other(String),
}

/// A text that cannot be a verb.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no HTTP method")]
pub struct InvalidVerb(String);

impl Verb {
    /// # Errors
    /// [`InvalidVerb`] when this is no token (RFC 9110 5.6.2).
    pub fn parse(text: &str) -> Result<Self, InvalidVerb> {
        Ok(match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            "DELETE" => Self::Delete,
            _ if is_token(text) => Self::Other(text.to_owned()),
            _ => return Err(InvalidVerb(text.to_owned())),
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Other(token) => token,
        }
    }

    /// Whether it only asks, so that sending it twice is harmless.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

fn is_token(text: &str) -> bool {
    let is_token_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_sign)
}

/// What a request is about.
#[derive(Debug, Clone)]
pub enum Target {
    /// A key or directory of the store.
    Key(Key),
    /// Any other path of the server, as the caller wrote it, with a leading slash.
    Path(String),
}

/// One v2 request. The member is chosen by the client; everything else is here.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: Verb,
    pub target: Target,
    /// The options that are etcd's, encoded as in a query; empty for none.
    pub parameters: String,
    /// The value to store; `None` sends none.
    pub value: Option<String>,
    /// Whether the reply may be held back until something happens: then `timeout` bounds the way to the reply's beginning
    /// only.
    pub waits: bool,
    /// Whether it must not be sent again when a failure leaves open whether it was carried out.
    pub once: bool,
    /// How long connecting, and then every wait for the next bytes, may take, at each member.
    pub timeout: Option<Duration>,
}

/// A key of the store that a request is about, decoded, and all parameters that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey<'r> {
    pub key: String,
    pub parameters: Cow<'r, str>,
}

impl Request {
    /// The key that the request is about, whether it is named as a key or by the server's path.
    #[must_use]
    pub fn named_key(&self) -> Option<NamedKey<'_>> {
        let parameters = Cow::Borrowed(self.parameters.as_str());
        let path = match &self.target {
            Target::Key(key) => return Some(NamedKey { key: key.name(), parameters }),
            Target::Path(path) => path,
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let key = path.strip_prefix(KEYS).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
        let both = [query, &self.parameters].into_iter().filter(|part| !part.is_empty());
        Some(NamedKey { key, parameters: Cow::Owned(both.collect::<Vec<_>>().join("&")) })
    }

    /// The server's path without its query; nothing for a key.
    #[must_use]
    pub fn path(&self) -> &str {
        match &self.target {
            Target::Key(_) => "",
            Target::Path(path) => path.split('?').next().unwrap_or_default(),
        }
    }
}

/// What is watched, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    pub key: Key,
    /// Encoded, without `wait`, `waitIndex` and `stream`.
    pub parameters: String,
    /// Bounds connecting, and the wait for the registration.
    pub timeout: Option<Duration>,
    /// Within this time a connection that died without a word is noticed.
    pub liveness: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(target: Target, parameters: &str) -> Option<(String, String)> {
        let parameters = parameters.to_owned();
        let request = Request {
            verb: Verb::Get,
            target,
            parameters,
            value: None,
            waits: false,
            once: false,
            timeout: None,
        };
        request.named_key().map(|NamedKey { key, parameters }| (key, parameters.into_owned()))
    }

    #[test]
    fn a_key_is_named_as_such_or_by_its_path() {
        let path = |path: &str, parameters| named(Target::Path(path.into()), parameters);
        let key = Key::parse("a b").unwrap();
        assert_eq!(named(Target::Key(key), "x=1"), Some(("/a b".into(), "x=1".into())));
        assert_eq!(path("/v2/keys/a%20b?y=2", "x=1"), Some(("/a b".into(), "y=2&x=1".into())));
        assert_eq!(path("/v2/keys", ""), Some((String::new(), String::new())));
        assert_eq!((path("/v2/keysx", ""), path("/version", "")), (None, None));
    }

    #[test]
    fn a_verb_is_any_token_and_keeps_its_spelling() {
        for text in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "M-SEARCH", "get"] {
            assert_eq!(Verb::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "A B", "GET\r\nX: 1", "GÉT", "a/b"] {
            assert_eq!(Verb::parse(text), Err(InvalidVerb(text.to_owned())));
        }
    }

    #[test]
    fn only_what_asks_is_a_read() {
        let reads = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]
            .map(|text| Verb::parse(text).unwrap().is_read());
        assert_eq!(reads, [true, true, false, false, false, false]);
    }
}
