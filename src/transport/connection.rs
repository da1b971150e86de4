//! What an attempt can know of its connection.
//!
//! A connection is opened by the pool, out of sight of the request that asked for it. But it is opened within that
//! request's own future, so a task-local tells the attempt when connecting began and ended, and to which address:
//! this is what separates ETIMEDOUT from ESOCKETTIMEDOUT (semantics.md 2.6) and names the address of a refusal.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::time::Instant;
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

/// Puts [`Observed`] around the connector of an HTTP client.
#[derive(Debug, Clone, Copy)]
pub struct Observe;

/// A connector that tells the attempt how far it is.
#[derive(Debug, Clone)]
pub struct Observed<S>(S);

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed(inner)
    }
}

impl<S, T> Service<T> for Observed<S>
where
    S: Service<T>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            note(|state| state.phase = Phase::Connecting);
            let connected = connecting.await;
            if connected.is_ok() {
                note(|state| state.phase = Phase::Connected(Instant::now()));
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
