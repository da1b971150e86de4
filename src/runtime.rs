//! The threads that requests run on.

use crate::v2::failure::NodeError;
use crate::wire::{system_error, thread};
use futures_util::future::{AbortHandle, Abortable};
use std::future::Future;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::yield_now;

/// What a runtime waits for events by.
const EVENTS: &str = if cfg!(any(target_os = "linux", target_os = "android")) {
    "epoll"
} else if cfg!(windows) {
    "CreateIoCompletionPort"
} else {
    "kqueue"
};
const THREAD: &str = if cfg!(windows) { "CreateThread" } else { "pthread_create" };

/// How many new requests are taken before those under way have their turn: with many more of them thousands of watchers
/// connect at once, which takes memory for good (docs/performance.md).
const AT_ONCE: usize = 8;

/// What begins a request on the background thread.
type Begin = Box<dyn FnOnce() + Send>;

/// The thread of asynchronous requests. It serves every JavaScript environment of the process.
pub struct Background(UnboundedSender<Begin>);

impl Background {
    /// Runs what `request` makes; what this returns gives it up. It is made there, because it is large: to move it would cost
    /// the calling thread time that is not its own.
    ///
    /// The requests go through a channel, and not by the runtime's own `spawn`: that makes a system call for each of them to
    /// wake the thread, also when it is awake.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        request: impl FnOnce() -> F + Send + 'static,
    ) -> AbortHandle {
        let (handle, registration) = AbortHandle::new_pair();
        let begin = move || {
            // Boxed, as the runtime moves what it is given several times.
            tokio::spawn(Box::pin(Abortable::new(request(), registration)));
        };
        // The thread never ends.
        let _ = self.0.send(Box::new(begin));
        handle
    }
}

/// The thread of asynchronous requests, which is started by the first of them and never stopped, so that none can meet one
/// that is gone.
///
/// # Errors
/// When the system refuses the thread, or what it needs; the next call tries again.
pub fn background() -> Result<&'static Background, NodeError> {
    static BACKGROUND: OnceLock<Background> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(background) = BACKGROUND.get() {
        return Ok(background);
    }
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(background) = BACKGROUND.get() {
        return Ok(background);
    }
    let started = start()?;
    Ok(BACKGROUND.get_or_init(|| started))
}

/// On a thread of ours: tokio panics when it is refused one of its own.
fn start() -> Result<Background, NodeError> {
    let runtime = blocking()?;
    let (sender, requests) = unbounded_channel();
    let run = move || runtime.block_on(serve(requests));
    thread::start("node-etcd-native", run).map_err(|error| refused(THREAD, &error))?;
    Ok(Background(sender))
}

async fn serve(mut requests: UnboundedReceiver<Begin>) {
    let mut new = Vec::new();
    while requests.recv_many(&mut new, AT_ONCE).await > 0 {
        let may_be_more = new.len() == AT_ONCE;
        for begin in new.drain(..) {
            begin();
        }
        if may_be_more {
            yield_now().await;
        }
    }
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
    yield_now().await;
}
