//! Kept-alive connections: one set for the direct way and one for each proxy.

use crate::endpoint::Endpoint;
use crate::failure::TransportError;
use crate::transport::connection::{Demand, Need, Observe, SystemResolver};
use http::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// How connections are made and kept.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    pub tls: rustls::ClientConfig,
    /// Requests that may be under way at once to one endpoint, watches not counted.
    pub max_sockets: usize,
    /// Whether a connection serves further requests.
    pub keep_alive: bool,
    /// Ask for compressed replies.
    pub gzip: bool,
    /// What proves to a proxy who is asking, instead of what its URL says.
    pub proxy_authorization: Option<HeaderValue>,
    /// The own address to connect from.
    pub local_address: Option<IpAddr>,
}

/// The connections of one client on one runtime.
#[derive(Debug)]
pub struct Pool {
    options: PoolOptions,
    direct: Client,
    proxied: Mutex<HashMap<String, Client>>,
    places: HashMap<String, Arc<Semaphore>>,
    demand: Arc<Demand>,
}

impl Pool {
    pub fn new(options: PoolOptions, endpoints: &[Endpoint]) -> Result<Self, TransportError> {
        let demand = Arc::default();
        let direct = client(&options, &demand, None)?;
        let place = |endpoint: &Endpoint| {
            (
                endpoint.server().to_owned(),
                Arc::new(Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS))),
            )
        };
        let places = endpoints.iter().map(place).collect();
        Ok(Self { direct, proxied: Mutex::default(), places, demand, options })
    }

    /// Waits until a request may go to an endpoint.
    pub async fn place(&self, endpoint: &Endpoint) -> Option<OwnedSemaphorePermit> {
        // The semaphores are never closed.
        Arc::clone(self.places.get(endpoint.server())?).acquire_owned().await.ok()
    }

    /// Tells that a connection is needed until this is dropped.
    pub fn need(&self) -> Need {
        self.demand.need()
    }

    /// The connections of the direct way.
    pub const fn direct(&self) -> &Client {
        &self.direct
    }

    /// The connections through a proxy.
    pub fn through(&self, proxy: &Url) -> Result<Client, TransportError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proxied.get(proxy.as_str()) {
            return Ok(client.clone());
        }
        let client = client(&self.options, &self.demand, Some(proxy))?;
        proxied.insert(proxy.as_str().to_owned(), client.clone());
        Ok(client)
    }
}

fn client(
    options: &PoolOptions,
    demand: &Arc<Demand>,
    proxy: Option<&Url>,
) -> Result<Client, TransportError> {
    let failed =
        |error: reqwest::Error| TransportError::new(format!("The HTTP client cannot be built: {error}"));
    let mut builder = Client::builder()
        .http1_only()
        .no_proxy()
        .referer(false)
        .redirect(Policy::none())
        .gzip(options.gzip)
        .deflate(options.gzip)
        .local_address(options.local_address)
        .connector_layer(Observe(Arc::clone(demand)))
        .dns_resolver(SystemResolver)
        .tls_backend_preconfigured(options.tls.clone());
    if !options.keep_alive {
        builder = builder.pool_max_idle_per_host(0);
    }
    if let Some(proxy) = proxy {
        let proxy = Proxy::all(proxy.clone()).map_err(failed)?;
        builder = builder.proxy(match &options.proxy_authorization {
            Some(authorization) => proxy.custom_http_auth(authorization.clone()),
            None => proxy,
        });
    }
    builder.build().map_err(failed)
}

/// Reads a proxy's URL.
pub fn parse_proxy(text: &str) -> Result<Url, TransportError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        // The text stays out of the message: it may hold a password.
        _ => Err(TransportError::with_code(
            "Invalid proxy: expected http://[user:password@]host:port",
            "ERR_INVALID_URL",
        )),
    }
}
