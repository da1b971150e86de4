//! How much of a watch may wait for JavaScript.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bounds what waits by number and by bytes, as events are anything from a hundred bytes to many megabytes.
pub struct Buffer {
    places: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    capacity: u32,
}

/// To be among what waits.
pub struct Permit {
    _place: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Buffer {
    /// For so many events with so many bytes. `u32::MAX` bytes stand for any number.
    #[must_use]
    pub fn new(events: u32, bytes: u32) -> Self {
        let permits = if bytes == u32::MAX { Semaphore::MAX_PERMITS } else { bytes as usize };
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { places: semaphore(events as usize), bytes: semaphore(permits), capacity: bytes }
    }

    /// Waits until there is room. What is larger than the whole buffer has it alone.
    pub async fn take(&self, bytes: usize) -> Option<Permit> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.capacity);
        // They fail only when somebody closes the semaphores, which nobody does.
        Some(Permit {
            _place: Arc::clone(&self.places).acquire_owned().await.ok()?,
            _bytes: Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()?,
        })
    }
}
