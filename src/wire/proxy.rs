//! Which proxy a request goes through: the rules of `request`, which node-etcd's users know (semantics.md 2.7).

use crate::v2::failure::{Failed, Kind, NodeError};
use crate::wire::way::is_secure;
use std::sync::{Arc, PoisonError, RwLock};
use url::Url;

/// The proxies of a client, which may change from one request to the next. Those that share it see the change.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<RwLock<Option<Arc<ProxyRules>>>>);

impl Proxies {
    /// From now on these; `None` for the direct way.
    pub fn set(&self, rules: Option<ProxyRules>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules.map(Arc::new);
    }

    /// The proxy on the way to a URL, if there is one.
    ///
    /// # Errors
    /// When what the rules name is no proxy's URL.
    pub fn on_the_way_to(&self, url: &Url) -> Result<Option<Url>, Failed> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        rules.as_ref().and_then(|rules| rules.proxy_for(url)).map(parse).transpose()
    }
}

fn parse(text: &str) -> Result<Url, Failed> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        // The text stays out of the message: it may hold a password.
        _ => {
            let message = "Invalid proxy: expected http://[user:password@]host:port";
            Err(NodeError::with_code(message, "ERR_INVALID_URL").failed(Kind::Other, false))
        }
    }
}

/// Which requests go through which proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxyRules {
    /// For http URLs; empty for none.
    pub http: String,
    /// For https URLs; empty for none.
    pub https: String,
    /// A comma list of names to reach directly.
    pub no_proxy: String,
}

impl ProxyRules {
    /// The proxy for a URL, as it was written.
    #[must_use]
    pub fn proxy_for(&self, url: &Url) -> Option<&str> {
        let proxy = if is_secure(url) { &self.https } else { &self.http };
        (!proxy.is_empty() && !self.exempts(url)).then_some(proxy)
    }

    /// Names match by suffix at a dot; an entry with a port matches only that; `*` counts only alone.
    fn exempts(&self, url: &Url) -> bool {
        if self.no_proxy == "*" {
            return true;
        }
        let host = dotted(url.host_str().unwrap_or_default());
        self.no_proxy.split(',').map(|entry| entry.trim().to_lowercase()).any(|entry| {
            let mut parts = entry.splitn(3, ':');
            let name = parts.next().unwrap_or_default();
            let port = parts.next();
            let port_matches = port.is_none_or(|port| port.parse().ok() == url.port_or_known_default());
            !name.is_empty() && port_matches && host.ends_with(&dotted(name))
        })
    }
}

fn dotted(name: &str) -> String {
    format!(".{}", name.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::failure::Cause;
    use proptest::prelude::*;

    fn proxy<'a>(rules: &'a ProxyRules, url: &str) -> Option<&'a str> {
        rules.proxy_for(&Url::parse(url).unwrap())
    }

    fn exempt(no_proxy: &str, url: &str) -> bool {
        let rules = ProxyRules { http: "p".into(), https: "p".into(), no_proxy: no_proxy.into() };
        proxy(&rules, url).is_none()
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let rules = ProxyRules { http: "a".into(), https: "b".into(), no_proxy: String::new() };
        assert_eq!(proxy(&rules, "http://etcd/"), Some("a"));
        assert_eq!(proxy(&rules, "https://etcd/"), Some("b"));
        assert_eq!(proxy(&ProxyRules::default(), "http://etcd/"), None);
    }

    #[test]
    fn names_are_exempt_by_suffix_at_a_dot() {
        assert!(exempt("example.com", "http://a.example.com/"));
        assert!(exempt(" x , .EXAMPLE.com", "http://example.com/"));
        assert!(exempt(".0.1", "http://127.0.0.1:2379/"));
        assert!(!exempt("example.com", "http://badexample.com/"));
        assert!(!exempt("", "http://localhost/"));
        assert!(!exempt("127.0.0.0/8", "http://127.0.0.1/"));
        assert!(!exempt("[::1]", "http://[::1]:2379/"));
    }

    #[test]
    fn a_port_must_match_and_a_star_must_stand_alone() {
        assert!(exempt("h:2379", "http://h:2379/"));
        assert!(!exempt("h:2379", "http://h:4001/"));
        assert!(exempt("h:443", "https://h/"));
        assert!(exempt("*", "http://h/"));
        assert!(!exempt("a,*", "http://h/"));
    }

    proptest! {
        #[test]
        fn any_environment_is_a_proxy_or_refused_without_being_shown(
            proxy in "\\PC*|(https?|socks5?|file)?:?//?([a-z]{1,2}:geheim@)?[a-z0-9.:\\[\\]/]{0,9}",
            no_proxy in "[a-z.:*, 0-9\\[\\]]{0,16}",
        ) {
            let proxies = Proxies::default();
            proxies.set(Some(ProxyRules { http: proxy.clone(), https: proxy, no_proxy }));
            for url in ["http://etcd:2379", "https://[::1]"] {
                match proxies.on_the_way_to(&Url::parse(url).unwrap()) {
                    Ok(proxy) => prop_assert!(proxy.is_none_or(|proxy| proxy.has_host())),
                    Err(Failed { cause: Cause::Error(error), .. }) => prop_assert!(!error.message.contains("geheim")),
                    Err(failed) => panic!("{failed:?}"),
                }
            }
        }
    }
}
