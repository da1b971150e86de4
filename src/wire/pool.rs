//! Kept-alive connections, and how many requests may be under way.

use crate::v2::failure::TransportError;
use crate::wire::connector::{BoxError, Connector, Sender, Way};
use crate::wire::endpoint::Endpoint;
use crate::wire::resolver::SystemResolver;
use crate::wire::tls::Tls;
use http::HeaderValue;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use url::Url;

/// How connections are made and kept.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    pub tls: Tls,
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

/// How long a connection is kept that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// The connections of one client on one runtime.
pub struct Pool {
    connector: Connector,
    keep_alive: bool,
    kept: Arc<Kept>,
    places: HashMap<String, Arc<Semaphore>>,
}

impl Pool {
    pub fn new(options: &PoolOptions, endpoints: &[Endpoint]) -> Self {
        let place = |endpoint: &Endpoint| {
            let places = Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS));
            (endpoint.server().to_owned(), Arc::new(places))
        };
        let places = endpoints.iter().map(place).collect();
        let connector = Connector::new(options);
        Self { connector, keep_alive: options.keep_alive, kept: Arc::default(), places }
    }

    /// Waits until a request may go to an endpoint.
    pub async fn place(&self, endpoint: &Endpoint) -> Option<OwnedSemaphorePermit> {
        // The semaphores are never closed.
        Arc::clone(self.places.get(endpoint.server())?).acquire_owned().await.ok()
    }

    /// A kept connection, the one used last.
    pub fn kept(&self, way: &Arc<Way>) -> Option<Lease> {
        let sender = self.kept.take(&way.key)?;
        Some(self.lease(sender, way))
    }

    /// A new connection.
    pub async fn open(&self, way: &Arc<Way>, resolver: SystemResolver) -> Result<Lease, BoxError> {
        let sender = self.connector.connect(way, resolver).await?;
        Ok(self.lease(sender, way))
    }

    fn lease(&self, sender: Sender, way: &Arc<Way>) -> Lease {
        let home = if self.keep_alive { Arc::downgrade(&self.kept) } else { Weak::new() };
        Lease { sender, way: Arc::clone(way), home }
    }
}

/// A connection while one request uses it. It closes when this is dropped before it was given back.
#[derive(Debug)]
pub struct Lease {
    pub sender: Sender,
    way: Arc<Way>,
    home: Weak<Kept>,
}

impl Lease {
    /// Makes the connection available, as soon as it is done with the request.
    pub fn give_back(self) {
        let Self { mut sender, way, home } = self;
        let Some(kept) = home.upgrade() else { return };
        if sender.is_ready() {
            return kept.put(&way.key, sender);
        }
        // The reply can be complete before the request is: nobody waits for that.
        tokio::spawn(async move {
            if sender.ready().await.is_ok()
                && let Some(kept) = home.upgrade()
            {
                kept.put(&way.key, sender);
            }
        });
    }
}

/// The connections that wait for a request, by way, those used last at the end.
#[derive(Debug, Default)]
struct Kept(Mutex<HashMap<String, Vec<(Sender, Instant)>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<(Sender, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, way: &str) -> Option<Sender> {
        let mut ways = self.lock();
        let kept = ways.get_mut(way)?;
        while let Some((sender, since)) = kept.pop() {
            if sender.is_ready() && since.elapsed() < IDLE_LIMIT {
                return Some(sender);
            }
        }
        None
    }

    fn put(self: &Arc<Self>, way: &str, sender: Sender) {
        let mut ways = self.lock();
        let entry = (sender, Instant::now());
        if let Some(kept) = ways.get_mut(way) {
            return kept.push(entry);
        }
        if ways.is_empty() {
            tokio::spawn(tidy(Arc::downgrade(self)));
        }
        ways.insert(way.to_owned(), vec![entry]);
    }

    /// Closes what nobody has used for long. Whether anything is left.
    fn drop_unused(&self) -> bool {
        let mut ways = self.lock();
        for kept in ways.values_mut() {
            kept.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < IDLE_LIMIT);
        }
        ways.retain(|_, kept| !kept.is_empty());
        !ways.is_empty()
    }
}

/// Runs while there are connections to look after.
async fn tidy(kept: Weak<Kept>) {
    loop {
        sleep(IDLE_LIMIT / 3).await;
        if !kept.upgrade().is_some_and(|kept| kept.drop_unused()) {
            return;
        }
    }
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
