//! What waits for the reader of one watch.

use crate::transport::v3::carrier::{Refusal, Told};
use crate::transport::v3::gather::{Gatherer, Heard, size_of};
use crate::transport::v3::messages::WatchResponse;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// How much may wait for a reader. More of it the server has to keep for him: his watch is cancelled, and made anew when
/// he has read what waits, so that one who is slow neither holds up the others nor fills the memory.
const ROOM: usize = 4 * 1024 * 1024;

/// What a reader finds.
#[derive(Debug)]
pub enum Found {
    Told(Told),
    /// There was more than there is room for.
    Overflow,
}

/// What becomes of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Stays,
    /// The server has ended it.
    Ended,
    /// The server is to end it.
    Cancelled,
}

#[derive(Debug)]
pub struct Mailbox(Mutex<Contents>);

#[derive(Debug)]
struct Contents {
    gatherer: Gatherer,
    registered: Option<i64>,
    queue: VecDeque<Told>,
    /// How much memory the queue takes, about.
    size: usize,
    /// Up to this revision everything was told when the queue is empty; 0 for nothing new.
    progress: i64,
    end: Option<End>,
    reader: Option<Waker>,
}

#[derive(Debug, Clone)]
enum End {
    Refused(Refusal),
    Overflow,
    /// What ends it is in the queue.
    Told,
}

impl Mailbox {
    /// `limit` bounds what may come of one revision.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Mutex::new(Contents {
            gatherer: Gatherer::new(limit),
            registered: None,
            queue: VecDeque::new(),
            size: 0,
            progress: 0,
            end: None,
            reader: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reply that concerns the watch.
    pub fn hear(&self, response: WatchResponse) -> Verdict {
        let mut contents = self.lock();
        let verdict = contents.hear(response);
        contents.wake();
        verdict
    }

    /// Up to this revision the server has told everything, at least.
    pub fn progressed(&self, revision: i64) {
        let mut contents = self.lock();
        if contents.registered.is_some() {
            contents.progress = contents.progress.max(revision);
            contents.wake();
        }
    }

    /// Nothing more will come.
    pub fn end(&self, refusal: Refusal) {
        let mut contents = self.lock();
        contents.end.get_or_insert(End::Refused(refusal));
        contents.wake();
    }

    /// Waits until the watch is registered, and after which revision.
    ///
    /// # Errors
    /// When the server does not keep it.
    pub async fn registered(&self) -> Result<i64, Refusal> {
        poll_fn(|context| {
            let mut contents = self.lock();
            match (contents.registered, &contents.end) {
                (Some(revision), _) => Poll::Ready(Ok(revision)),
                (None, Some(End::Refused(refusal))) => Poll::Ready(Err(refusal.clone())),
                _ => {
                    contents.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// What comes next.
    ///
    /// # Errors
    /// When the watch has ended.
    pub async fn next(&self) -> Result<Found, Refusal> {
        poll_fn(|context| {
            let mut contents = self.lock();
            if let Some(found) = contents.take() {
                return Poll::Ready(found);
            }
            contents.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Contents {
    fn hear(&mut self, response: WatchResponse) -> Verdict {
        let is_canceled = response.canceled;
        match self.gatherer.hear(response) {
            Ok(None) => Verdict::Stays,
            Ok(Some(Heard::Registered(revision))) => {
                self.registered = Some(revision);
                Verdict::Stays
            }
            Ok(Some(Heard::Told(Told::Progress { revision }))) => {
                self.progress = self.progress.max(revision);
                Verdict::Stays
            }
            Ok(Some(Heard::Told(Told::Compacted { compact_revision, revision }))) => {
                // etcd itself leaves out where the store is.
                let revision = revision.max(self.registered.unwrap_or(0));
                self.queue.push_back(Told::Compacted { compact_revision, revision });
                self.end = Some(End::Told);
                Verdict::Ended
            }
            Ok(Some(Heard::Told(told @ Told::Events { .. }))) => self.keep(told),
            Err(refusal) => {
                self.end = Some(End::Refused(refusal));
                if is_canceled { Verdict::Ended } else { Verdict::Cancelled }
            }
        }
    }

    fn keep(&mut self, told: Told) -> Verdict {
        // What is next to be read is kept, however large it is.
        if self.size > ROOM {
            self.end = Some(End::Overflow);
            return Verdict::Cancelled;
        }
        self.size += size(&told);
        self.queue.push_back(told);
        Verdict::Stays
    }

    fn take(&mut self) -> Option<Result<Found, Refusal>> {
        if let Some(told) = self.queue.pop_front() {
            self.size -= size(&told);
            return Some(Ok(Found::Told(told)));
        }
        match &self.end {
            Some(End::Overflow) => return Some(Ok(Found::Overflow)),
            Some(End::Refused(refusal)) => return Some(Err(refusal.clone())),
            Some(End::Told) | None => {}
        }
        let revision = std::mem::take(&mut self.progress);
        (revision > 0).then_some(Ok(Found::Told(Told::Progress { revision })))
    }

    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

fn size(told: &Told) -> usize {
    match told {
        Told::Events { events, .. } => events.iter().map(size_of).sum(),
        Told::Progress { .. } | Told::Compacted { .. } => 0,
    }
}
