//! What a watch tells becomes events.

use crate::binding::buffer::Buffer;
use crate::binding::environment::Report;
use crate::binding::event::Event;
use crate::watch::{Listener, Notice};

/// Reports the notices of a watch, and holds it back while too much of it waits for JavaScript.
pub struct Reporter {
    report: Report,
    id: u32,
    buffer: Buffer,
}

impl Reporter {
    /// For the watch with this id.
    #[must_use]
    pub const fn new(report: Report, id: u32, buffer: Buffer) -> Self {
        Self { report, id, buffer }
    }
}

impl Listener for Reporter {
    async fn tell(&self, notice: Notice) {
        let permit = self.buffer.take(notice.size()).await;
        let event = match notice {
            Notice::Change(reply) => Event::Change(reply),
            Notice::Registered(index) => Event::Registered(index),
            Notice::Resync(reply) => Event::Resync(reply),
            Notice::TooLarge(index, error) => Event::TooLarge(index, *error),
            Notice::Ended(reply) => Event::Ended(reply),
            Notice::Refused(reply) => Event::Refused(reply),
            Notice::Unexpected(reply) => Event::Unexpected(reply),
            Notice::Unsendable(error) => Event::unsendable(*error),
            Notice::Disconnected(failures) => {
                for failure in failures {
                    self.report.send(self.id, Event::Failed(failure));
                }
                Event::Disconnected
            }
        };
        self.report.send_with(self.id, event, permit);
    }
}
