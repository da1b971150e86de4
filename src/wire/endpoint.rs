//! The addresses of etcd members that a client talks to.

use crate::wire::credentials;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::Ipv6Addr;
use url::Url;

/// One etcd server: where it is and, if its URL named a user, as whom to ask.
#[derive(Clone)]
pub struct Endpoint {
    host: String,
    server: String,
    name: String,
    /// Name and password.
    user: Option<(String, String)>,
    url: Url,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.server).finish()
    }
}

/// A host that is not an address of an etcd server. Names no password, whatever the input held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; expected \"host:port\" or \"http[s]://[user:password@]host[:port][/prefix]\"")]
pub struct InvalidEndpoint(String);

impl Endpoint {
    /// Reads `host:port`, with or without scheme, credentials, path prefix and trailing slash. Without a scheme it is
    /// http, without a port that of the scheme (semantics.md 2.1). A bare IPv6 address needs no brackets.
    ///
    /// # Errors
    /// [`InvalidEndpoint`] when this is no http or https URL, or has a query or fragment, or is probably misspelt: what
    /// would be a path then could hold a password.
    pub fn parse(host: &str) -> Result<Self, InvalidEndpoint> {
        let text = host.trim();
        if text.contains(char::is_control) {
            return Err(InvalidEndpoint("a host has no line breaks or other control characters".into()));
        }
        let text = match (text.parse::<Ipv6Addr>(), has_scheme(text)) {
            (Ok(address), _) => format!("http://[{address}]"),
            (_, true) => text.to_owned(),
            (_, false) => {
                check_bare(text)?;
                format!("http://{text}")
            }
        };
        let url = Url::parse(&text).map_err(|error| InvalidEndpoint(format!("not a URL: {error}")))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidEndpoint("a host has no query and no fragment".into()));
        }
        check_path(url.path())?;
        Ok(Self {
            host: trimmed(&url),
            server: trimmed(&without_credentials(url.clone())),
            name: url.host_str().unwrap_or_default().to_owned(),
            user: user(&url),
            url: without_credentials(url),
        })
    }

    /// The cleaned URL as the user gave it, credentials included: what `getHosts()` lists.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The text of that URL without a slash at its end: the name in messages.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The host name or address alone, as URLs write it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name and the password that the URL holds.
    #[must_use]
    pub fn user(&self) -> Option<(String, String)> {
        self.user.clone()
    }

    /// The `Authorization` header that the URL's user and password make.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        self.user.as_ref().map(|(name, password)| credentials::basic(name, password))
    }

    /// The URL without credentials.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

fn has_scheme(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// Refuses what, with http before it, would name another server than it was meant to.
fn check_bare(text: &str) -> Result<(), InvalidEndpoint> {
    let authority = text.split(['/', '\\']).next().unwrap_or_default();
    let (name, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_http = ["http", "https"].iter().any(|scheme| name.eq_ignore_ascii_case(scheme));
    let reason = if authority.is_empty() && !text.is_empty() {
        "a host does not begin with a slash"
    } else if is_http && port.parse::<u16>().is_err() {
        "the scheme is not followed by ://"
    } else if authority.ends_with(':') {
        "the scheme is neither http:// nor https://, or the port is missing after the colon"
    } else {
        return Ok(());
    };
    Err(InvalidEndpoint(reason.into()))
}

/// Refuses a path that begins as the rest of a URL does, or holds what separates a password from its host.
fn check_path(path: &str) -> Result<(), InvalidEndpoint> {
    let reason = if path.starts_with("//") && path.contains(|sign| sign != '/') {
        "a path does not begin with two slashes"
    } else if path.contains('@') {
        "an @ after the host is to be written as %40"
    } else {
        return Ok(());
    };
    Err(InvalidEndpoint(reason.into()))
}

fn trimmed(url: &Url) -> String {
    let text = url.as_str();
    text.strip_suffix('/').unwrap_or(text).to_owned()
}

/// The same URL without user and password.
pub(crate) fn without_credentials(mut url: Url) -> Url {
    // Both fail only for URLs without a host, which http and https do not have.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// What a URL's user and password prove.
pub(crate) fn authorization(url: &Url) -> Option<HeaderValue> {
    user(url).map(|(name, password)| credentials::basic(&name, &password))
}

fn user(url: &Url) -> Option<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (!url.username().is_empty() || url.password().is_some())
        .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(text: &str) -> String {
        Endpoint::parse(text).expect(text).host().to_owned()
    }

    #[test]
    fn hosts_are_normalised() {
        for (given, cleaned) in [
            ("127.0.0.1:2379", "http://127.0.0.1:2379"),
            ("http://h:80/", "http://h"),
            ("https://h:443", "https://h"),
            ("HTTPS://H:1/", "https://h:1"),
            ("h:1/prefix/", "http://h:1/prefix"),
            ("[::1]:2379", "http://[::1]:2379"),
            ("::1", "http://[::1]"),
            ("httpd-server:2379", "http://httpd-server:2379"),
            ("user:p%40ss@h:1", "http://user:p%40ss@h:1"),
            ("http:2379", "http://http:2379"),
            ("h:1//", "http://h:1/"),
        ] {
            assert_eq!(host(given), cleaned, "{given}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_kept_out_of_the_server_name() {
        let endpoint = Endpoint::parse("https://user:p%40ss@h:1/x").unwrap();
        assert_eq!(endpoint.server(), "https://h:1/x");
        assert_eq!(endpoint.authorization(), Some(credentials::basic("user", "p@ss")));
        assert!(!format!("{endpoint:?}").contains("p@ss"));
        assert_eq!(endpoint.url().as_str(), "https://h:1/x");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_password() {
        for text in [
            "",
            "http://",
            "h:port",
            "a b",
            "h:1?x=1",
            "h:1#x",
            "http://user:geheim@",
            "etcd://h",
            "etcd://u:geheim@h",
            "unix:///run/etcd.sock",
            "/run/etcd.sock",
            "//h",
            "ftp://u:geheim@h",
            "https:/u:geheim@h",
            "https:u:geheim@h",
            "HTTP:\\\\u:geheim@h",
            "http//u:geheim@h",
            "http/u:geheim@h",
            "htps://u:geheim@h",
            "http://h/u:geheim@x",
            "http:",
            "h:",
            "h:1\n2",
        ] {
            let error = Endpoint::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected \"host:port\""), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_refused(text in "\\PC*|(https?://)?([a-z]{1,3}(:[a-z]{0,3})?@)?[a-z0-9.:\\[\\]/?#@%]{0,12}") {
            if let Ok(endpoint) = Endpoint::parse(&text) {
                // One slash at its end is left out each time.
                let again = Endpoint::parse(endpoint.host()).unwrap();
                prop_assert_eq!(again.host().trim_end_matches('/'), endpoint.host().trim_end_matches('/'));
                let url = Url::parse(endpoint.server()).unwrap();
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none());
                prop_assert_eq!(url.host_str(), Some(endpoint.name()));
            }
        }
    }
}
