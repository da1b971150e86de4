//! Who watches on one stream.

use crate::transport::v3::carrier::Refusal;
use crate::transport::v3::grpc::mailbox::{Mailbox, Verdict};
use crate::transport::v3::messages::WatchResponse;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a reply says that concerns no watch of its own.
const ALL: i64 = -1;

/// The watches of a stream, by the number that they have there.
#[derive(Debug, Default)]
pub struct Board(Mutex<Watches>);

#[derive(Debug, Default)]
struct Watches {
    mailboxes: HashMap<i64, Arc<Mailbox>>,
    /// Those of whom the server has not spoken yet, in the order in which it was asked.
    unanswered: VecDeque<i64>,
    last: i64,
    /// Where the store was when the server last said that all was told.
    progress: i64,
    end: Option<Refusal>,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Watches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a watch, and calls `ask` before another one is added.
    ///
    /// # Errors
    /// When the stream has ended.
    pub fn add(&self, mailbox: &Arc<Mailbox>, ask: impl FnOnce(i64)) -> Result<i64, Refusal> {
        let mut watches = self.lock();
        if let Some(refusal) = &watches.end {
            return Err(refusal.clone());
        }
        watches.last += 1;
        let id = watches.last;
        watches.mailboxes.insert(id, Arc::clone(mailbox));
        watches.unanswered.push_back(id);
        ask(id);
        Ok(id)
    }

    /// Removes a watch. Whether the server still has it.
    pub fn remove(&self, id: i64) -> bool {
        self.lock().mailboxes.remove(&id).is_some()
    }

    /// Whether no further watch can be added.
    pub fn has_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    /// A number for a watch that nobody waits for.
    pub fn unused_id(&self) -> i64 {
        let mut watches = self.lock();
        watches.last += 1;
        watches.last
    }

    /// Gives a reply to whom it concerns. The watch that the server is to cancel, if there is one.
    pub fn deliver(&self, response: WatchResponse) -> Option<i64> {
        let mut watches = self.lock();
        let id = watches.id_of(&response);
        if id == ALL {
            watches.progressed(response.header.map_or(0, |header| header.revision));
            return None;
        }
        let Some(mailbox) = watches.mailboxes.get(&id) else {
            return (response.created && !response.canceled).then_some(id);
        };
        let verdict = mailbox.hear(response);
        if verdict != Verdict::Stays {
            watches.mailboxes.remove(&id);
        }
        (verdict == Verdict::Cancelled).then_some(id)
    }

    /// The stream has ended.
    pub fn end(&self, refusal: &Refusal) {
        let mut watches = self.lock();
        watches.end = Some(refusal.clone());
        for mailbox in std::mem::take(&mut watches.mailboxes).into_values() {
            mailbox.end(refusal.clone());
        }
    }
}

impl Watches {
    /// Whom a reply concerns. A watch that etcd refuses at once may have no number.
    fn id_of(&mut self, response: &WatchResponse) -> i64 {
        if !response.created {
            return response.watch_id;
        }
        if response.watch_id == ALL {
            return self.unanswered.pop_front().unwrap_or(ALL);
        }
        self.unanswered.retain(|&id| id != response.watch_id);
        response.watch_id
    }

    /// All was told up to a revision, says the server. Before 3.4.26 and 3.5.9 it may say so while the last events are still
    /// to leave. They have left when it says so once more: what it said the time before counts.
    fn progressed(&mut self, revision: i64) {
        let certain = std::mem::replace(&mut self.progress, revision);
        if certain > 0 {
            for mailbox in self.mailboxes.values() {
                mailbox.progressed(certain);
            }
        }
    }
}
