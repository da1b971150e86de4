//! One member of a cluster, as requests to its JSON gateway need it.

use crate::transport::v3::carrier::{Authorization, CallOptions, CarrierOptions};
use crate::transport::v3::json::phase::Telling;
use crate::transport::v3::json::resolve::Resolver;
use crate::v2::failure::{Failed, Kind, NodeError};
use crate::wire::connector::{TCP_KEEPALIVE, TCP_USER_TIMEOUT};
use crate::wire::endpoint::Endpoint;
use crate::wire::fault::{self, Stage};
use crate::wire::way::{Way, is_secure};
use http::{HeaderMap, HeaderValue, header};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Proxy, Request};
use rustls::pki_types::ServerName;
use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{Position, Url};

pub struct Member {
    options: Arc<CarrierOptions>,
    /// The direct way there.
    way: Way,
    /// Where the gateway's paths lie; with the name that the server's certificate must hold, if that is another one.
    base: Url,
    headers: HeaderMap,
    resolver: Resolver,
    permits: Semaphore,
    /// With connections that are kept.
    pooled: OnceLock<Client>,
    /// With a connection for each request: for those that must not be sent again, as the server may be closing a kept one.
    unpooled: OnceLock<Client>,
}

impl Member {
    #[must_use]
    pub fn new(options: &Arc<CarrierOptions>, endpoint: &Endpoint) -> Self {
        let way = Way::new(endpoint.url(), None);
        let mut base = way.server.clone();
        let mut headers = options.headers.clone();
        for name in [header::CONTENT_LENGTH, header::PROXY_AUTHORIZATION] {
            headers.remove(name);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut resolver = Resolver::default();
        if let Some(ServerName::DnsName(name)) =
            options.connector.tls.server_name.as_ref().filter(|_| is_secure(&base))
        {
            if let Ok(host) = HeaderValue::from_str(&base[Position::BeforeHost..Position::AfterPort]) {
                headers.entry(header::HOST).or_insert(host);
            }
            let host = endpoint.name().trim_matches(['[', ']']).to_owned();
            resolver = Resolver::with_alias(name.as_ref().to_lowercase(), host);
            // It fails only for what is no name of a host.
            let _ = base.set_host(Some(name.as_ref()));
        }
        Self {
            options: Arc::clone(options),
            permits: Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS)),
            pooled: OnceLock::new(),
            unpooled: OnceLock::new(),
            way,
            base,
            headers,
            resolver,
        }
    }

    /// Waits until a call may be under way.
    pub async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.permits.acquire().await.ok()
    }

    /// The way there, for now: its proxy may change.
    ///
    /// # Errors
    /// When what the rules name is no proxy's URL, or a proxy could not be told apart from the server.
    pub fn way(&self) -> Result<Way, Failed> {
        let proxy = self.options.proxies.on_the_way_to(&self.way.server)?;
        if proxy.is_some() && self.base.host() != self.way.server.host() {
            let message =
                "options.servername cannot be combined with a proxy where api is 'v3-json'; 'v3' can";
            return Err(NodeError::with_code(message, "ERR_INVALID_ARG_VALUE").failed(Kind::Other, false));
        }
        Ok(Way::new(&self.way.server, proxy))
    }

    /// # Errors
    /// When the system or TLS refuses what a client needs.
    pub fn client(&self, once: bool) -> Result<&Client, Failed> {
        let is_pooled = self.options.keep_alive && !once;
        let cell = if is_pooled { &self.pooled } else { &self.unpooled };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let built = self.build(is_pooled).map_err(|error| fault::unsendable(&self.way.origin, error))?;
        Ok(cell.get_or_init(|| built))
    }

    fn build(&self, is_pooled: bool) -> reqwest::Result<Client> {
        let options = &self.options;
        let mut tls = options.connector.tls.config.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (after, interval, retries) = TCP_KEEPALIVE;
        let proxies = options.proxies.clone();
        let mut proxy = Proxy::custom(move |url| proxies.on_the_way_to(url).ok().flatten());
        if let Some(authorization) = &options.connector.proxy_authorization {
            proxy = proxy.custom_http_auth(authorization.clone());
        }
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .tcp_nodelay(true)
            .tcp_keepalive(after)
            .tcp_keepalive_interval(interval)
            .tcp_keepalive_retries(retries)
            .local_address(options.connector.local_address)
            .dns_resolver(Arc::new(self.resolver.clone()))
            .connector_layer(Telling)
            .proxy(proxy)
            .gzip(options.gzip)
            .referer(false)
            .redirect(self.redirects());
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        {
            builder = builder.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        if !is_pooled {
            builder = builder.pool_max_idle_per_host(0);
        }
        builder.build()
    }

    /// A request may hold a password: it goes to the client's own hosts alone, and from https to https.
    fn redirects(&self) -> Policy {
        let max = self.options.max_redirects;
        if max == 0 {
            return Policy::none();
        }
        let options = Arc::clone(&self.options);
        Policy::custom(move |attempt| {
            let is_own = |endpoint: &Endpoint| attempt.url().host_str() == Some(endpoint.name());
            let was_secure = attempt.previous().last().is_some_and(is_secure);
            if attempt.previous().len() > max {
                attempt.error("exceeded maxRedirects, probably in a loop")
            } else if !options.endpoints.iter().any(is_own) || (was_secure && !is_secure(attempt.url())) {
                attempt.error("a request with api 'v3-json' goes to the hosts of the client alone, and from https to https")
            } else {
                attempt.follow()
            }
        })
    }

    /// The request to a path of the gateway's.
    ///
    /// # Errors
    /// When the endpoint's path makes no URL.
    pub fn request(
        &self,
        path: &str,
        authorization: Authorization<'_>,
        options: CallOptions,
        body: Vec<u8>,
    ) -> Result<Request, Failed> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let mut request = Request::new(Method::POST, url);
        let mut headers = self.headers.clone();
        if let Some(token) = authorization {
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        if options.needs_leader {
            headers.insert("grpc-metadata-hasleader", HeaderValue::from_static("true"));
        }
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    /// What an error of the client library is to the one who asked, by this way.
    pub fn failed(&self, error: reqwest::Error, stage: Stage, way: &Way) -> Failed {
        if error.is_redirect() {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            let message = format!("Redirect of {} not followed: {reason}", self.way.origin);
            return NodeError::new(message).failed(Kind::Other, true);
        }
        let local_address = self.options.connector.local_address;
        // The URL is the server's own, or a redirect's: of no use to who reads it beside the server's name.
        fault::client_failed(error.without_url().into(), stage, way, self.resolver.found(), local_address)
    }

    pub fn origin(&self) -> &str {
        &self.way.origin
    }
}
