//! Threads that the system may refuse.

use std::hint::black_box;
use std::io;
use std::thread::Builder;

/// What a new thread takes: its stack, and the first segment of the allocator, which looks for twice as much for its
/// alignment.
const ROOM: usize = 72 * 1024 * 1024;

/// Starts a thread.
///
/// # Errors
/// When there can be none, or no memory for what it does: an allocation that fails within it would end the process.
pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut room: Vec<u8> = Vec::new();
    // Nothing of it is touched, and so the system gives nothing but addresses.
    room.try_reserve_exact(ROOM).map_err(|_| io::ErrorKind::OutOfMemory)?;
    drop(black_box(room));
    Builder::new().name(name.into()).spawn(work).map(drop)
}
