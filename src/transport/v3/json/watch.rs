//! A watch over the JSON gateway: a reply that goes on, on a connection of its own.
//!
//! Nothing can be asked on it, and a connection that died without a word looks like a quiet one. So a new one takes its
//! place from time to time, from the first revision that was not told: it brings what the old one may have lost.

use crate::transport::v3::carrier::{CallOptions, Refusal, Told, Watched};
use crate::transport::v3::gather::{Gatherer, Heard, revision_of};
use crate::transport::v3::json::gateway::{Gateway, Post};
use crate::transport::v3::json::lines::Lines;
use crate::transport::v3::messages::{WatchCreateRequest, WatchRequest, WatchRequestUnion};
use crate::v2::failure::{Failed, Kind, NodeError};
use crate::wire::bounded::bounded;
use crate::wire::fault::{self, Stage};
use crate::wire::way::Way;
use http::HeaderValue;
use reqwest::Response;
use serde::de::IgnoredAny;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

const PATH: &str = "/v3/watch";
/// A watch that has been open for so long has told what was in the history, unless its connection has died meanwhile.
const SETTLED: Duration = Duration::from_secs(5);

/// What a watch is asked with, each time anew.
pub struct Question {
    pub gateway: Arc<Gateway>,
    pub member: usize,
    pub create: WatchCreateRequest,
    pub authorization: Option<HeaderValue>,
    pub options: CallOptions,
}

/// A watch that the server keeps.
pub struct JsonWatched {
    question: Question,
    open: Open,
    liveness: Duration,
    registered: i64,
    /// The first revision that was not told yet.
    next: i64,
    /// Where the store was when the open reply was registered.
    opened_at: Option<i64>,
    /// Up to this revision everything is told when the open reply has settled.
    progress: Option<i64>,
    settles: Instant,
    renews: Instant,
}

impl JsonWatched {
    /// Registers a watch at one member.
    ///
    /// # Errors
    /// When the server does not keep it.
    pub async fn register(question: Question, liveness: Duration) -> Result<Self, Refusal> {
        let start = question.create.start_revision;
        let (open, registered) = question.ask(start, question.options.timeout).await?;
        let next = if start > 0 { start } else { registered + 1 };
        let now = Instant::now();
        let mut watched = Self {
            question,
            open,
            liveness,
            registered,
            next,
            opened_at: None,
            progress: None,
            settles: now,
            renews: now,
        };
        watched.opened(registered);
        Ok(watched)
    }

    fn opened(&mut self, registered: i64) {
        let now = Instant::now();
        // What one reply did not say may be lost: the reply before it has to have said as little.
        self.progress = self.opened_at.replace(registered);
        self.settles = now + SETTLED.min(self.liveness / 4);
        // Random, so that many watches do not renew at once.
        self.renews = self.settles + self.liveness.mul_f64(0.125 + 0.125 * fastrand::f64());
    }

    /// Another reply in the place of the open one, unless that one has something to tell after all.
    async fn renew(&mut self) -> Result<Option<Told>, Refusal> {
        let opening = self.question.ask(self.next, Some(self.liveness / 4));
        tokio::select! {
            biased;
            told = self.open.next(&self.question) => return told.map(Some),
            asked = opening => {
                let (open, registered) = asked?;
                self.open = open;
                self.opened(registered);
            }
        }
        Ok(None)
    }

    /// What comes next, in whatever way.
    async fn step(&mut self) -> Result<Option<Told>, Refusal> {
        let settled = self.progress;
        tokio::select! {
            biased;
            told = self.open.next(&self.question) => told.map(Some),
            () = sleep_until(self.settles), if settled.is_some() => {
                self.progress = None;
                Ok(settled.map(|revision| Told::Progress { revision }))
            }
            // Boxed, as it is large and rare.
            () = sleep_until(self.renews) => Box::pin(self.renew()).await,
        }
    }
}

impl Watched for JsonWatched {
    fn registered(&self) -> i64 {
        self.registered
    }

    async fn next(&mut self) -> Result<Told, Refusal> {
        loop {
            let told = match self.step().await? {
                None => continue,
                Some(Told::Compacted { compact_revision, revision }) => {
                    // etcd itself leaves out where the store is.
                    Told::Compacted { compact_revision, revision: revision.max(self.registered) }
                }
                Some(told) => told,
            };
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

impl Question {
    /// Asks for what happens from a revision on, and waits until that is registered.
    async fn ask(&self, start_revision: i64, limit: Option<Duration>) -> Result<(Open, i64), Refusal> {
        let create = WatchCreateRequest {
            start_revision,
            fragment: true,
            progress_notify: true,
            ..self.create.clone()
        };
        let request = WatchRequest { request_union: Some(WatchRequestUnion::CreateRequest(create)) };
        let origin = self.gateway.member(self.member).origin();
        let body = serde_json::to_vec(&request).map_err(|error| fault::unsendable(origin, error))?;
        let options = CallOptions { timeout: limit, ..self.options };
        let authorization = self.authorization.as_ref();
        let post = Post { path: PATH, body: &body, authorization, options, is_read: true };
        let (response, way) = self.gateway.open(self.member, post).await?;
        if !response.status().is_success() {
            let body = self.gateway.body(self.member, response, &way, limit);
            return Err(body.answer::<IgnoredAny>().await.err().unwrap_or_else(|| ended().into()));
        }
        let size = self.gateway.limit();
        let mut open = Open {
            response,
            way,
            lines: Lines::new(size),
            gatherer: Gatherer::new(size),
            heard: VecDeque::new(),
        };
        match bounded(open.hear(self), limit).await.ok_or_else(fault::idle_timeout)?? {
            Heard::Registered(revision) => Ok((open, revision)),
            // A watch that begins too early may be refused at once.
            told @ Heard::Told(_) => {
                open.heard.push_front(told);
                Ok((open, 0))
            }
        }
    }
}

/// An open reply.
struct Open {
    response: Response,
    way: Way,
    lines: Lines,
    gatherer: Gatherer,
    heard: VecDeque<Heard>,
}

impl Open {
    async fn next(&mut self, question: &Question) -> Result<Told, Refusal> {
        loop {
            if let Heard::Told(told) = self.hear(question).await? {
                return Ok(told);
            }
        }
    }

    /// What it says next. Dropped, nothing is lost.
    async fn hear(&mut self, question: &Question) -> Result<Heard, Refusal> {
        let member = question.gateway.member(question.member);
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(heard);
            }
            while let Some(response) = self.lines.next(member.origin())? {
                if let Some(heard) = self.gatherer.hear(response)? {
                    return Ok(heard);
                }
            }
            let chunk = self.response.chunk().await;
            match chunk.map_err(|error| member.failed(error, Stage::Body, &self.way))? {
                Some(chunk) => self.lines.push(&chunk)?,
                None => return Err(ended().into()),
            }
        }
    }
}

/// The gateway ends a watch when its member stops, and so does a proxy that waits no longer.
fn ended() -> Failed {
    NodeError::with_code("The server ends the watch", "ECONNRESET").failed(Kind::Reset, true)
}
