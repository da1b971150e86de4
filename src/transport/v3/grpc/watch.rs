//! One watch on a stream of many.

use crate::transport::v3::carrier::{Refusal, Told, Watched};
use crate::transport::v3::gather::revision_of;
use crate::transport::v3::grpc::mailbox::{Found, Mailbox};
use crate::transport::v3::grpc::stream::Stream;
use crate::transport::v3::messages::{WatchCreateRequest, WatchRequestUnion};
use std::sync::Arc;

/// A watch that the server keeps.
pub struct GrpcWatched {
    entry: Entry,
    create: WatchCreateRequest,
    registered: i64,
    /// The first revision that was not told yet.
    next: i64,
}

impl GrpcWatched {
    /// Registers a watch on a stream.
    ///
    /// # Errors
    /// When the server does not keep it.
    pub async fn register(stream: Arc<Stream>, create: WatchCreateRequest) -> Result<Self, Refusal> {
        let entry = Entry::new(stream, &create)?;
        let registered = entry.mailbox.registered().await?;
        let next = if create.start_revision > 0 { create.start_revision } else { registered + 1 };
        Ok(Self { entry, create, registered, next })
    }

    /// A new watch in the place of one that was cancelled, from where the reader is.
    async fn renew(&mut self) -> Result<(), Refusal> {
        let create = WatchCreateRequest { start_revision: self.next, ..self.create.clone() };
        self.entry = Entry::new(Arc::clone(&self.entry.stream), &create)?;
        self.entry.mailbox.registered().await.map(drop)
    }
}

impl Watched for GrpcWatched {
    fn registered(&self) -> i64 {
        self.registered
    }

    async fn next(&mut self) -> Result<Told, Refusal> {
        loop {
            match self.entry.mailbox.next().await? {
                // Boxed, as it is rare.
                Found::Overflow => Box::pin(self.renew()).await?,
                Found::Told(told) => {
                    let last = match &told {
                        Told::Events { events, .. } => events.last().map_or(0, revision_of),
                        Told::Progress { revision } => *revision,
                        Told::Compacted { .. } => 0,
                    };
                    self.next = self.next.max(last + 1);
                    return Ok(told);
                }
            }
        }
    }
}

/// A watch's place on a stream. Dropped, the watch is cancelled.
struct Entry {
    stream: Arc<Stream>,
    mailbox: Arc<Mailbox>,
    id: i64,
}

impl Entry {
    fn new(stream: Arc<Stream>, create: &WatchCreateRequest) -> Result<Self, Refusal> {
        let mailbox = Arc::new(Mailbox::new(stream.limit));
        let id = stream.board.add(&mailbox, |watch_id| {
            let create = WatchCreateRequest { watch_id, fragment: true, ..create.clone() };
            stream.ask(WatchRequestUnion::CreateRequest(create));
        })?;
        Ok(Self { stream, mailbox, id })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.stream.cancel(self.id);
    }
}
