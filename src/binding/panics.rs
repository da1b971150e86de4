//! Where panics end. None may leave for JavaScript, where it would end the process.
//!
//! Around each function that JavaScript calls is napi's own net (`catch_unwind`), which makes an exception of a panic.
//! Here is the one for what JavaScript does not call: tasks, events on their way to it, finalizers. Both are shown by drills.

use futures_util::FutureExt as _;
use futures_util::future::lazy;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where a panic can come from.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A function that JavaScript calls.
    Entry,
    /// A request or watch that runs.
    Task,
    /// An event that is handed over.
    Event,
    /// What JavaScript no longer holds, or an environment that ends.
    Finalizer,
}

/// What comes of some work, or nothing if it panics.
pub fn caught<T>(place: Place, work: impl FnOnce() -> T) -> Option<T> {
    let drilled = || {
        drill(place);
        work()
    };
    catch_unwind(AssertUnwindSafe(drilled)).ok()
}

/// The same of a future. Combinators, as an async function would hold the future once more for each step.
pub fn caught_task<T>(task: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    let drilled = lazy(|_| drill(Place::Task)).then(|()| task);
    AssertUnwindSafe(drilled).catch_unwind().map(Result::ok)
}

/// Panics when the environment asks for it, in a build for debugging. A release has nothing of this.
#[cfg(debug_assertions)]
pub fn drill(place: Place) {
    let ordered = std::env::var("NODE_ETCD_NATIVE_PANIC").unwrap_or_default();
    assert!(ordered != format!("{place:?}"), "as NODE_ETCD_NATIVE_PANIC asks for");
}

#[cfg(not(debug_assertions))]
pub const fn drill(_: Place) {}
