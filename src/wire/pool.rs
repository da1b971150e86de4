//! Kept-alive connections.

use crate::wire::connector::{BoxError, Connector, ConnectorOptions, Sender};
use crate::wire::resolver::SystemResolver;
use crate::wire::way::Way;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a connection is kept that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// The connections of one client on one runtime.
pub struct Pool {
    connector: Connector,
    /// Whether a connection serves further requests.
    keep_alive: bool,
    idle: Arc<IdleConnections>,
}

impl Pool {
    #[must_use]
    pub fn new(options: &ConnectorOptions, keep_alive: bool) -> Self {
        Self { connector: Connector::new(options), keep_alive, idle: Arc::default() }
    }

    /// A kept connection, the one used last.
    #[must_use]
    pub fn kept(&self, way: &Arc<Way>) -> Option<Lease> {
        let sender = self.idle.take(&way.key)?;
        Some(self.lease(sender, way))
    }

    /// A new connection.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn open(&self, way: &Arc<Way>, resolver: SystemResolver) -> Result<Lease, BoxError> {
        let sender = self.connector.connect(way, resolver).await?;
        Ok(self.lease(sender, way))
    }

    fn lease(&self, sender: Sender, way: &Arc<Way>) -> Lease {
        let home = if self.keep_alive { Arc::downgrade(&self.idle) } else { Weak::new() };
        Lease { sender, way: Arc::clone(way), home }
    }
}

/// A connection while one request uses it. It closes when this is dropped before it was given back.
#[derive(Debug)]
pub struct Lease {
    pub sender: Sender,
    way: Arc<Way>,
    home: Weak<IdleConnections>,
}

impl Lease {
    /// Makes the connection available, as soon as it is done with the request.
    pub fn give_back(self) {
        let Self { mut sender, way, home } = self;
        let Some(idle) = home.upgrade() else { return };
        if sender.is_ready() {
            return idle.put(&way.key, sender);
        }
        // The reply can be complete before the request is: nobody waits for that.
        tokio::spawn(async move {
            if sender.ready().await.is_ok()
                && let Some(idle) = home.upgrade()
            {
                idle.put(&way.key, sender);
            }
        });
    }
}

/// The connections that wait for a request, by way, those used last at the end.
#[derive(Debug, Default)]
struct IdleConnections(Mutex<HashMap<String, Vec<(Sender, Instant)>>>);

impl IdleConnections {
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
            tokio::spawn(evict_idle(Arc::downgrade(self)));
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
async fn evict_idle(idle: Weak<IdleConnections>) {
    loop {
        sleep(IDLE_LIMIT / 3).await;
        if !idle.upgrade().is_some_and(|idle| idle.drop_unused()) {
            return;
        }
    }
}
