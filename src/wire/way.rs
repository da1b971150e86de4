//! The way to a server.

use url::Url;

/// A server, and the proxy on the way there. Connections of the same way are as good as each other.
#[derive(Debug)]
pub struct Way {
    /// Only its scheme, host and port count.
    pub server: Url,
    pub proxy: Option<Url>,
    /// Scheme, host and port of the server.
    pub origin: String,
    /// Equal for the same ways only.
    pub key: String,
}

impl Way {
    /// To the server of a URL.
    #[must_use]
    pub fn new(url: &Url, proxy: Option<Url>) -> Self {
        let origin = url.origin().ascii_serialization();
        let key = proxy.as_ref().map_or_else(|| origin.clone(), |proxy| format!("{origin} {proxy}"));
        Self { server: url.clone(), proxy, origin, key }
    }

    /// Whom to connect to: the server or its proxy.
    #[must_use]
    pub fn peer(&self) -> &Url {
        self.proxy.as_ref().unwrap_or(&self.server)
    }

    /// Whether requests go to a proxy, which then needs their whole URL.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.proxy.is_some() && !is_secure(&self.server)
    }

    /// Whether requests go through a proxy that does not see them.
    #[must_use]
    pub fn is_tunnelled(&self) -> bool {
        self.proxy.is_some() && is_secure(&self.server)
    }
}

/// Whether a URL asks for TLS.
#[must_use]
pub fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}
