//! Where a redirect leads, and what may go there.

use crate::v2::failure::{Failed, Kind, NodeError};
use crate::v2::request::Verb;
use crate::wire::endpoint::without_credentials;
use crate::wire::way::Way;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use url::{Position, Url};

/// Which redirects are followed: `followAllRedirects` and `followRedirect` of `request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    All,
    /// Those of requests that only ask.
    Reads,
    None,
}

/// The policy of a client.
#[derive(Debug, Clone, Copy)]
pub struct RedirectPolicy {
    pub follow: Follow,
    /// How many in a row.
    pub max: u32,
    /// Whether https URLs can be reached: a client of http hosts has read no certificates to trust.
    pub tls: bool,
}

impl RedirectPolicy {
    const fn follows(self, verb: &Verb) -> bool {
        match self.follow {
            Follow::All => true,
            Follow::Reads => verb.is_read(),
            Follow::None => false,
        }
    }
}

/// One request of a chain of redirects.
#[derive(Debug)]
pub struct Hop {
    pub verb: Verb,
    pub way: Arc<Way>,
    /// Path and query, as URLs write them.
    pub path: Bytes,
    /// Whether the request's form still goes along.
    pub with_form: bool,
    /// Whether credentials still go along.
    pub with_credentials: bool,
    taken: u32,
}

impl Hop {
    #[must_use]
    pub const fn first(verb: Verb, way: Arc<Way>, path: Bytes) -> Self {
        Self { verb, way, path, with_form: true, with_credentials: true, taken: 0 }
    }

    /// The whole URL.
    #[must_use]
    pub fn url_text(&self) -> String {
        self.way.origin.clone() + &String::from_utf8_lossy(&self.path)
    }

    /// The hop that a reply asks for, or `None` when the reply is no redirect. It goes through the same proxy.
    ///
    /// A write stays a write: 301, 302, 307 and 308 keep method and form, 303 asks for a GET (RFC 9110 15.4.4).
    /// Credentials follow to the same host name and to `trusted` ones only.
    ///
    /// # Errors
    /// After too many hops, for a target that is no http or https URL, and for one that would leave TLS behind.
    pub fn next(
        &self,
        status: u16,
        headers: &HeaderMap,
        policy: RedirectPolicy,
        trusted: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, Failed> {
        let Some(location) = location(status, headers).filter(|_| policy.follows(&self.verb)) else {
            return Ok(None);
        };
        if self.taken >= policy.max {
            let url = self.url_text();
            // A query may hold a value, which belongs in no message.
            let url = url.split('?').next().unwrap_or_default();
            let message = format!("Exceeded maxRedirects. Probably stuck in a redirect loop {url}");
            return Err(refused(NodeError::new(message)));
        }
        let url = self.resolve(location, policy)?;
        let see_other = status == StatusCode::SEE_OTHER && self.verb != Verb::Head;
        let host = url.host_str();
        let same_host = host == self.way.server.host_str() || host.is_some_and(trusted);
        Ok(Some(Self {
            verb: if see_other { Verb::Get } else { self.verb.clone() },
            way: Arc::new(Way::new(&url, self.way.proxy.clone())),
            path: url[Position::BeforePath..Position::AfterQuery].to_owned().into(),
            with_form: self.with_form && !see_other,
            with_credentials: self.with_credentials && same_host,
            taken: self.taken + 1,
        }))
    }

    /// Where a location leads from here.
    fn resolve(&self, location: &[u8], policy: RedirectPolicy) -> Result<Url, Failed> {
        let bad = |error| refused(NodeError::new(format!("Bad redirect: {error}")));
        let here = Url::parse(&self.url_text()).map_err(bad)?;
        let url = here.join(&String::from_utf8_lossy(location)).map_err(bad)?;
        match (here.scheme(), url.scheme()) {
            ("http", "http") => {}
            (_, "https") if policy.tls => {}
            (_, "https") => {
                return Err(unsafe_redirect(
                    "Redirect to https refused: a client needs an https host to read what it trusts",
                ));
            }
            (from, to) => return Err(unsafe_redirect(&format!("Redirect from {from} to {to} refused"))),
        }
        Ok(without_credentials(url))
    }

    /// Whether the URL is a redirect's and no longer the caller's.
    #[must_use]
    pub const fn is_redirected(&self) -> bool {
        self.taken > 0
    }
}

/// An error of a redirect: the request that was redirected was answered, so it did reach a server.
fn refused(error: NodeError) -> Failed {
    error.failed(Kind::Other, false)
}

fn unsafe_redirect(message: &str) -> Failed {
    refused(NodeError::with_code(message, "ERR_UNSAFE_REDIRECT"))
}

fn location(status: u16, headers: &HeaderMap) -> Option<&[u8]> {
    let location = (300..400).contains(&status).then(|| headers.get(header::LOCATION))??.as_bytes();
    (!location.is_empty()).then_some(location)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::failure::Cause;
    use proptest::prelude::*;

    const ALL: RedirectPolicy = RedirectPolicy { follow: Follow::All, max: 10, tls: true };

    fn first(verb: Verb, url: &str) -> Hop {
        let url = Url::parse(url).unwrap();
        Hop::first(verb, Arc::new(Way::new(&url, None)), url.path().to_owned().into())
    }

    fn put(url: &str) -> Hop {
        first(Verb::Put, url)
    }

    fn follow(hop: &Hop, status: u16, location: &str) -> Result<Option<Hop>, Failed> {
        let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
        hop.next(status, &headers, ALL, |name| name == "trusted")
    }

    fn error(failed: Failed) -> NodeError {
        let Cause::Error(error) = failed.cause else { panic!("not an error but a reply") };
        *error
    }

    #[test]
    fn a_write_stays_a_write_and_303_asks_for_a_get() {
        for status in [301, 302, 307, 308] {
            let hop = follow(&put("http://a/x"), status, "/y").unwrap().unwrap();
            assert_eq!((&hop.verb, hop.with_form, hop.url_text().as_str()), (&Verb::Put, true, "http://a/y"));
        }
        let hop = follow(&put("http://a/x"), 303, "/y").unwrap().unwrap();
        assert_eq!((hop.verb, hop.with_form), (Verb::Get, false));
    }

    #[test]
    fn credentials_follow_to_the_same_host_and_to_trusted_ones_and_do_not_come_back() {
        let same = follow(&put("http://a:1/"), 307, "http://a:2/").unwrap().unwrap();
        let trusted = follow(&put("http://a/"), 307, "http://trusted/").unwrap().unwrap();
        let other = follow(&put("http://a/"), 307, "http://b/").unwrap().unwrap();
        let back = follow(&other, 307, "http://trusted/").unwrap().unwrap();
        assert_eq!([same, trusted, other, back].map(|hop| hop.with_credentials), [true, true, false, false]);
    }

    #[test]
    fn tls_is_never_left_behind_and_other_schemes_are_refused() {
        assert!(follow(&put("http://a/"), 301, "https://a/").unwrap().is_some());
        for location in ["http://a/", "file:///etc/passwd"] {
            let refused = follow(&put("https://a/"), 301, location).unwrap_err();
            assert_eq!(error(refused).code.as_deref(), Some("ERR_UNSAFE_REDIRECT"));
        }
    }

    #[test]
    fn only_what_the_policy_names_is_followed() {
        let headers = HeaderMap::from_iter([(header::LOCATION, "/y".parse().unwrap())]);
        let get = first(Verb::Get, "http://a/");
        let next = |hop: &Hop, follow| hop.next(302, &headers, RedirectPolicy { follow, ..ALL }, |_| true);
        assert!(next(&get, Follow::Reads).unwrap().is_some());
        assert!(next(&put("http://a/"), Follow::Reads).unwrap().is_none());
        assert!(next(&get, Follow::None).unwrap().is_none());
    }

    #[test]
    fn a_loop_ends() {
        let mut hop = put("http://a/x");
        for _ in 0..10 {
            hop = follow(&hop, 307, "/x").unwrap().unwrap();
        }
        let message = error(follow(&hop, 307, "/x").unwrap_err()).message;
        assert_eq!(message, "Exceeded maxRedirects. Probably stuck in a redirect loop http://a/x");
    }

    #[test]
    fn other_replies_are_no_redirects() {
        assert!(follow(&put("http://a/"), 201, "/y").unwrap().is_none());
        assert!(put("http://a/").next(302, &HeaderMap::new(), ALL, |_| true).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn wherever_a_location_leads_tls_credentials_and_values_are_kept(
            location in prop_oneof![
                any::<Vec<u8>>(),
                "(https?:)?//?([a-z]{1,2}(:[a-z]?)?@)?(a|trusted|b|\\[::1\\])(:[0-9]{0,5})?[/a-z?#%.\\\\ é]{0,9}"
                    .prop_map(String::into_bytes),
            ],
            is_secure: bool,
        ) {
            let Ok(value) = http::HeaderValue::from_bytes(&location) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(header::LOCATION, value)]);
            let here = first(Verb::Put, if is_secure { "https://a/x" } else { "http://a/x" });
            let policy = RedirectPolicy { tls: is_secure, ..ALL };
            match here.next(307, &headers, policy, |name| name == "trusted") {
                Ok(None) => prop_assert!(location.is_empty()),
                Ok(Some(hop)) => {
                    let url = Url::parse(&hop.url_text()).unwrap();
                    prop_assert_eq!(url.scheme(), if is_secure { "https" } else { "http" });
                    prop_assert!(url.username().is_empty() && url.password().is_none());
                    prop_assert!(hop.path.starts_with(b"/") && hop.path.iter().all(u8::is_ascii_graphic));
                    let is_known = matches!(url.host_str(), Some("a" | "trusted"));
                    prop_assert_eq!((hop.verb, hop.with_form, hop.with_credentials), (Verb::Put, true, is_known));
                }
                Err(failed) => prop_assert!(!failed.sent),
            }
        }
    }

    #[test]
    fn a_loop_tells_no_value() {
        let mut hop = put("http://a/x");
        hop.path = Bytes::from_static(b"/x?prevValue=geheim");
        let headers = HeaderMap::from_iter([(header::LOCATION, "/x".parse().unwrap())]);
        let refused = hop.next(307, &headers, RedirectPolicy { max: 0, ..ALL }, |_| true).unwrap_err();
        assert!(!error(refused).message.contains("geheim"));
    }
}
