//! What an attempt can know of its connection.
//!
//! A connection is opened by the pool, out of sight of the request that asked for it. But it is opened within that
//! request's own future, so a task-local tells the attempt when connecting began and ended, and to which address:
//! this is what separates ETIMEDOUT from ESOCKETTIMEDOUT (semantics.md 2.6) and names the address of a refusal.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static CONNECTION: Arc<Connection>;
}

/// The connection of one attempt.
#[derive(Debug, Default)]
pub struct Connection(Mutex<State>);

#[derive(Debug, Default, Clone, Copy)]
struct State {
    phase: Phase,
    address: Option<SocketAddr>,
}

/// How far a connection is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// None was opened: the attempt runs on a kept one.
    #[default]
    Kept,
    Connecting,
    Connected(Instant),
}

impl Connection {
    /// Runs a request so that this sees the connection that it opens.
    pub async fn observe<F: Future>(self: &Arc<Self>, request: F) -> F::Output {
        CONNECTION.scope(Arc::clone(self), request).await
    }

    pub fn phase(&self) -> Phase {
        self.state(|state| state.phase)
    }

    /// The address that a name was resolved to.
    pub fn address(&self) -> Option<SocketAddr> {
        self.state(|state| state.address)
    }

    fn state<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn note(change: impl FnOnce(&mut State)) {
    // Outside of an attempt when the pool goes on connecting after its request was served by another connection.
    let _ = CONNECTION.try_with(|connection| connection.state(change));
}

/// How many connections a client was ever in need of at once, and how many it has opened.
///
/// The pool opens one whenever none is free at that very moment, also if one is about to be. Once there are as many as
/// were ever needed at once, a moment's patience finds a free one.
#[derive(Debug, Default)]
pub struct Demand {
    now: AtomicUsize,
    peak: AtomicUsize,
    opened: AtomicUsize,
}

/// Counts as one that is in need of a connection.
#[derive(Debug)]
pub struct Need(Arc<Demand>);

impl Demand {
    pub fn need(self: &Arc<Self>) -> Need {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Need(Arc::clone(self))
    }

    fn is_met(&self) -> bool {
        self.opened.load(Ordering::Relaxed) >= self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Need {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long to wait for a connection to become free before one is opened beyond the demand: some were closed.
const PATIENCE: Duration = Duration::from_millis(1);

/// The request that asked for a connection was served by another one meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("the connection is no longer needed")]
struct Superfluous;

/// Puts [`Observed`] around the connector of an HTTP client.
#[derive(Debug, Clone)]
pub struct Observe(pub Arc<Demand>);

/// A connector that tells the attempt how far it is, and opens no more connections than needed.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    inner: S,
    demand: Arc<Demand>,
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, demand: Arc::clone(&self.0) }
    }
}

impl<S, T> Service<T> for Observed<S>
where
    S: Service<T, Error = Box<dyn Error + Send + Sync>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    T: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        // The one that is ready goes into the future; its clone gets ready anew.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let demand = Arc::clone(&self.demand);
        Box::pin(async move {
            if demand.is_met() {
                sleep(PATIENCE).await;
                // Served meanwhile, a request leaves its connecting behind, outside of its own future.
                CONNECTION.try_with(|_| ()).map_err(|_| Superfluous)?;
            }
            note(|state| state.phase = Phase::Connecting);
            demand.opened.fetch_add(1, Ordering::Relaxed);
            let connected = inner.call(target).await;
            match &connected {
                Ok(_) => note(|state| state.phase = Phase::Connected(Instant::now())),
                Err(_) => {
                    demand.opened.fetch_sub(1, Ordering::Relaxed);
                }
            }
            connected
        })
    }
}

/// The system's resolver, as Node uses it.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

/// A name that the system's resolver has no address for.
#[derive(Debug, thiserror::Error)]
#[error("getaddrinfo {code} {host}")]
pub struct ResolveError {
    pub host: String,
    pub code: &'static str,
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|error| ResolveError { host: host.to_owned(), code: resolve_code(&error) })?
                .collect();
            note(|state| state.address = found.first().copied());
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The standard library gives getaddrinfo's EAI_* only as text.
fn resolve_code(error: &std::io::Error) -> &'static str {
    if error.to_string().contains("Temporary failure") { "EAI_AGAIN" } else { "ENOTFOUND" }
}
