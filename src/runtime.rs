//! The threads that requests run on.

use std::io;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};

/// The process's runtime for asynchronous requests: one thread, started by the first request and never stopped, so
/// that no request can meet a runtime that is gone. It serves every JavaScript environment.
///
/// # Errors
/// When the system refuses the thread; the next call tries again.
pub fn background() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime =
        Builder::new_multi_thread().worker_threads(1).thread_name("node-etcd-native").enable_all().build()?;
    // Another environment may have been first; then this runtime, still without tasks, ends here.
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// A runtime that runs on the thread that blocks on it, for synchronous requests: no hop between threads.
///
/// # Errors
/// When the system has no file descriptors left.
pub fn blocking() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Lets a blocking runtime see what happened to its connections since it last ran, so that a request does not go out
/// on one that the server has closed. The first turn asks the system, the second lets the connections act on it.
pub async fn catch_up() {
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}
