//! What a watch tells becomes events.

use crate::binding::environment::Report;
use crate::binding::event::Event;
use crate::watch::{Listener, Notice};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Reports the notices of a watch, and holds it back while too many of its events wait for JavaScript.
pub struct Reporter {
    report: Report,
    id: u32,
    permits: Arc<Semaphore>,
}

impl Reporter {
    /// For the watch with this id, of which so many events may wait.
    #[must_use]
    pub fn new(report: Report, id: u32, buffer: usize) -> Self {
        Self { report, id, permits: Arc::new(Semaphore::new(buffer)) }
    }
}

impl Listener for Reporter {
    async fn tell(&self, notice: Notice) {
        let event = match notice {
            Notice::Change(reply) => match Arc::clone(&self.permits).acquire_owned().await {
                Ok(permit) => Event::Change(reply, Some(permit)),
                // Never: nobody closes the semaphore.
                Err(_) => return,
            },
            Notice::Registered(index) => Event::Registered(index),
            Notice::Resync(reply) => Event::Resync(reply),
            Notice::Ended(reply) => Event::Ended(reply),
            Notice::Refused(reply) => Event::Refused(reply),
            Notice::Unexpected(reply) => Event::Unexpected(reply),
            Notice::Disconnected(failures) => {
                for failure in failures {
                    self.report.send(self.id, Event::Failed(failure));
                }
                Event::Disconnected
            }
        };
        self.report.send(self.id, event);
    }
}
