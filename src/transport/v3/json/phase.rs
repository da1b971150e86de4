//! Whether a request is still connecting: a client library does not say, and its timeouts are not those of a request.

use crate::v2::failure::Failed;
use crate::wire::fault;
use std::future::Future;
use std::pin::Pin;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static PHASE: Arc<Phase>;
}

/// How far a request is.
#[derive(Debug, Default)]
pub struct Phase(Mutex<Connecting>);

#[derive(Debug, Clone, Copy, Default)]
enum Connecting {
    /// A connection that was open before may do.
    #[default]
    Not,
    Now,
    Done(Instant),
}

impl Phase {
    fn get(&self) -> Connecting {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, connecting: Connecting) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = connecting;
    }

    /// Whether the request has no connection yet, so that nothing of it has left.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        matches!(self.get(), Connecting::Now)
    }

    /// Whether the request went out on a connection that was open before.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.get(), Connecting::Not)
    }
}

/// Runs a request. Connecting may take `limit`, and then again the wait for the reply.
///
/// # Errors
/// When that was not enough, by what it was not enough for.
pub async fn limited<F: Future>(
    work: F,
    phase: &Arc<Phase>,
    limit: Option<Duration>,
) -> Result<F::Output, Failed> {
    let mut work = pin!(PHASE.scope(Arc::clone(phase), work));
    let Some(limit) = limit else { return Ok(work.await) };
    let mut end = Instant::now() + limit;
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = sleep_until(end) => match phase.get() {
                Connecting::Now => return Err(fault::connect_timeout()),
                Connecting::Done(since) if since + limit > end => end = since + limit,
                Connecting::Done(_) | Connecting::Not => return Err(fault::idle_timeout()),
            },
        }
    }
}

/// Tells requests when they connect.
#[derive(Debug, Clone, Copy)]
pub struct Telling;

impl<S> Layer<S> for Telling {
    type Service = TellingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        TellingConnector(connector)
    }
}

/// A connector of a client library.
#[derive(Debug, Clone)]
pub struct TellingConnector<S>(S);

impl<S: Service<R>, R> Service<R> for TellingConnector<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = self.0.call(target);
        // Of no request is a connection that is opened in advance.
        let phase = PHASE.try_with(Arc::clone).ok();
        Box::pin(async move {
            if let Some(phase) = &phase {
                phase.set(Connecting::Now);
            }
            let connected = connecting.await;
            if let Some(phase) = phase.filter(|_| connected.is_ok()) {
                phase.set(Connecting::Done(Instant::now()));
            }
            connected
        })
    }
}
