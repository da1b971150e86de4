//! Kept-alive connections.

use crate::wire::connector::{BoxError, Connector, ConnectorOptions, Protocol};
use crate::wire::http1::Connection;
use crate::wire::resolver::SystemResolver;
use crate::wire::way::Way;
use http::HeaderMap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a connection is kept that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_secs(90);
/// How long before the end that a server announces a connection is no longer used: what goes out must arrive before.
const MARGIN: Duration = Duration::from_secs(1);
/// For how long after its use a connection is as good as a new one: nobody closes it so soon for being idle. Requests that
/// follow each other need far less.
const JUST_USED: Duration = Duration::from_millis(10);

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
        Self { connector: Connector::new(options, Protocol::Http1), keep_alive, idle: Arc::default() }
    }

    /// A kept connection, the one used last. For a request that must not be sent again only one that was used just now: the
    /// server may be closing any other at this moment.
    pub async fn kept(&self, way: &Arc<Way>, once: bool) -> Option<Lease> {
        loop {
            let connection = self.idle.take(&way.key, if once { JUST_USED } else { IDLE_LIMIT })?;
            let lease = self.lease(connection, way);
            // The system is asked what has come since, and the connection reads that before it writes: what a server says
            // unasked answers no request.
            tokio::task::yield_now().await;
            if lease.connection.is_ready() {
                return Some(lease);
            }
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn open(&self, way: &Arc<Way>, resolver: SystemResolver) -> Result<Lease, BoxError> {
        let connection = Connection::handshake(self.connector.stream(way, resolver).await?).await?;
        Ok(self.lease(connection, way))
    }

    fn lease(&self, connection: Connection, way: &Arc<Way>) -> Lease {
        let home = if self.keep_alive { Arc::downgrade(&self.idle) } else { Weak::new() };
        Lease { connection, way: Arc::clone(way), home, limit: IDLE_LIMIT }
    }
}

/// A connection while one request uses it. It closes when this is dropped before it was given back.
#[derive(Debug)]
pub struct Lease {
    pub connection: Connection,
    way: Arc<Way>,
    home: Weak<IdleConnections>,
    /// How long it may be idle.
    limit: Duration,
}

impl Lease {
    /// Takes to heart how long the server keeps the connection, if the reply says so.
    pub fn obey(&mut self, headers: &HeaderMap) {
        if let Some(timeout) = announced_timeout(headers) {
            self.limit = timeout.saturating_sub(MARGIN).min(IDLE_LIMIT);
        }
    }

    /// Makes the connection available. If the reply is complete before the request is, it closes: nobody knows whether the
    /// server will ever read the rest.
    pub fn give_back(self) {
        let Self { connection, way, home, limit } = self;
        if let Some(idle) = home.upgrade().filter(|_| connection.is_ready() && !limit.is_zero()) {
            idle.put(&way.key, connection, limit);
        }
    }
}

/// The `timeout` of a `Keep-Alive` header, which servers of HTTP/1.1 send although no standard has it any more.
fn announced_timeout(headers: &HeaderMap) -> Option<Duration> {
    let parameters = headers.get("keep-alive")?.to_str().ok()?.split(',');
    let timeout = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))?;
    timeout.1.trim().parse().ok().map(Duration::from_secs)
}

/// A connection that waits for a request.
#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
    limit: Duration,
}

impl Idle {
    fn is_younger_than(&self, limit: Duration) -> bool {
        self.since.elapsed() < limit.min(self.limit)
    }
}

/// The connections that wait for a request, by way, those used last at the end.
#[derive(Debug, Default)]
struct IdleConnections(Mutex<HashMap<String, Vec<Idle>>>);

impl IdleConnections {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that has not been idle for longer than this.
    fn take(&self, way: &str, limit: Duration) -> Option<Connection> {
        let mut ways = self.lock();
        let kept = ways.get_mut(way)?;
        while let Some(idle) = kept.pop() {
            if !idle.connection.is_ready() || !idle.is_younger_than(IDLE_LIMIT) {
                continue;
            }
            if idle.is_younger_than(limit) {
                return Some(idle.connection);
            }
            // Others may have it, and those before are older.
            kept.push(idle);
            return None;
        }
        None
    }

    fn put(self: &Arc<Self>, way: &str, connection: Connection, limit: Duration) {
        let mut ways = self.lock();
        let idle = Idle { connection, since: Instant::now(), limit };
        if let Some(kept) = ways.get_mut(way) {
            return kept.push(idle);
        }
        if ways.is_empty() {
            tokio::spawn(evict_idle(Arc::downgrade(self)));
        }
        ways.insert(way.to_owned(), vec![idle]);
    }

    /// Closes what nobody has used for long. Whether anything is left.
    fn drop_unused(&self) -> bool {
        let mut ways = self.lock();
        for kept in ways.values_mut() {
            kept.retain(|idle| idle.connection.is_ready() && idle.is_younger_than(IDLE_LIMIT));
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    fn announced(value: HeaderValue) -> Option<Duration> {
        announced_timeout(&HeaderMap::from_iter([(HeaderName::from_static("keep-alive"), value)]))
    }

    #[test]
    fn a_timeout_is_read_wherever_it_stands() {
        let timeout = |value: &str| announced(value.parse().unwrap());
        assert_eq!(timeout("timeout=5"), Some(Duration::from_secs(5)));
        assert_eq!(timeout("max=1000, Timeout = 7"), Some(Duration::from_secs(7)));
        assert_eq!(
            [timeout("max=3"), timeout("timeout=soon"), timeout("timeout=-1"), timeout("")],
            [None; 4]
        );
        assert_eq!(announced_timeout(&HeaderMap::new()), None);
    }

    proptest! {
        #[test]
        fn any_value_is_a_timeout_or_none(value: Vec<u8>, parts in "(timeout|max|=|,| |[0-9]{1,21}){0,8}") {
            for value in [value, parts.into_bytes()] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    let _ = announced(value);
                }
            }
        }
    }
}
