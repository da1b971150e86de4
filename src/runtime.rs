//! The threads that requests run on.

use crate::v2::failure::NodeError;
use crate::wire::{system_error, thread};
use std::future::pending;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::{Builder, Handle, Runtime};

/// What a runtime waits for events by.
const EVENTS: &str = if cfg!(any(target_os = "linux", target_os = "android")) {
    "epoll"
} else if cfg!(windows) {
    "CreateIoCompletionPort"
} else {
    "kqueue"
};
const THREAD: &str = if cfg!(windows) { "CreateThread" } else { "pthread_create" };

/// The process's runtime for asynchronous requests: one thread, started by the first request and never stopped, so
/// that no request can meet a runtime that is gone. It serves every JavaScript environment.
///
/// # Errors
/// When the system refuses the thread, or what it needs; the next call tries again.
pub fn background() -> Result<&'static Handle, NodeError> {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let started = start()?;
    Ok(RUNTIME.get_or_init(|| started))
}

/// On a thread of ours: tokio panics when it is refused one of its own.
fn start() -> Result<Handle, NodeError> {
    let runtime = blocking()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(pending::<()>());
    thread::start("node-etcd-native", run).map_err(|error| refused(THREAD, &error))?;
    Ok(handle)
}

/// A runtime that runs on the thread that blocks on it, for synchronous requests: no hop between threads.
///
/// # Errors
/// When the system has no file descriptors left, or forbids what it takes to wait for events.
pub fn blocking() -> Result<Runtime, NodeError> {
    Builder::new_current_thread().enable_all().build().map_err(|error| refused(EVENTS, &error))
}

fn refused(what: &'static str, error: &io::Error) -> NodeError {
    let code = system_error::code(error);
    let reason = code.clone().unwrap_or_else(|| error.to_string().into());
    let message = format!("{what} {reason}: the system refuses what every request needs");
    NodeError { code, syscall: Some(what), ..NodeError::new(message) }
}

/// Lets a blocking runtime see what happened to its connections since it last ran, so that a request does not go out
/// on one that the server has closed. They act on it when this is over, and a request waits for that.
pub async fn catch_up() {
    tokio::task::yield_now().await;
}
