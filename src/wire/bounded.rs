//! Waits that have an end.

use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// Waits for at most `limit`; `None` when that was not enough.
pub async fn bounded<F: Future>(work: F, limit: Option<Duration>) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}
