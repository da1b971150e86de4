//! Ends nodes at their time while somebody waits for it. Who only reads and writes needs no timer: each request first
//! ends what has expired.

use crate::transport::memory::server::Server;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// A task on the runtime of those who wait, as long as there are some.
pub struct ExpiryDriver {
    server: Arc<Server>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    count: usize,
    task: Option<AbortHandle>,
}

/// Somebody waits, until this is dropped.
pub struct Expiring<'a>(&'a ExpiryDriver);

impl ExpiryDriver {
    pub fn new(server: Arc<Server>) -> Self {
        Self { server, waiting: Mutex::default() }
    }

    pub fn hold(&self) -> Expiring<'_> {
        let mut waiting = self.lock();
        waiting.count += 1;
        waiting.task.get_or_insert_with(|| tokio::spawn(drive(Arc::clone(&self.server))).abort_handle());
        Expiring(self)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Expiring<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.count -= 1;
        if waiting.count == 0
            && let Some(task) = waiting.task.take()
        {
            task.abort();
        }
    }
}

async fn drive(server: Arc<Server>) {
    let mut due = server.due();
    loop {
        due.mark_unchanged();
        server.expire_all().await;
        let Some(wait) = server.until_due() else {
            // The server, which is held here, tells of every change.
            let _ = due.changed().await;
            continue;
        };
        tokio::select! {
            _ = due.changed() => {}
            () = sleep(wait) => {}
        }
    }
}
