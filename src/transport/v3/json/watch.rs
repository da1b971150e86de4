//! A watch over the JSON gateway: a reply that goes on, on a connection of its own.
//!
//! Nothing can be asked on it, and a connection that died without a word looks like a quiet one. So a new one takes its
//! place from time to time, from the first revision that was not told: it brings what the old one may have lost. That a
//! reply told nothing is sure when the server has ended it: it is asked to, and its last word comes after all others.

use crate::transport::v3::carrier::{CallOptions, Refusal, Told, Watched};
use crate::transport::v3::gather::{Gatherer, Heard, revision_of};
use crate::transport::v3::json::gateway::{Gateway, Post};
use crate::transport::v3::json::lines::Lines;
use crate::transport::v3::messages::{WatchCreateRequest, WatchRequest, WatchRequestUnion};
use crate::transport::v3::status::Status;
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
/// So much of `liveness` a reply goes on, and up to so much more at random, so that many watches do not renew at once.
const LIFETIME: f64 = 0.25;
const SPREAD: f64 = 0.1;
/// So much of it a reply may take to come to its end, and the next one to begin: whoever holds replies back on the way
/// passes them on when they end. Together that is less than all of it.
const OVERDUE: f64 = 0.45;
/// By so much a server's clock may be faster than ours.
const DRIFT: f64 = 0.05;
/// gRPC has eight digits for a deadline in milliseconds.
const MAX_LIVENESS: Duration = Duration::from_secs(24 * 60 * 60);

/// What a watch is asked with, each time anew.
pub struct Question {
    pub gateway: Arc<Gateway>,
    pub member: usize,
    pub create: WatchCreateRequest,
    pub authorization: Option<HeaderValue>,
    pub options: CallOptions,
    pub liveness: Duration,
}

/// A watch that the server keeps.
pub struct JsonWatched {
    question: Question,
    open: Open,
    registered: i64,
    /// The first revision that was not told yet.
    next: i64,
    /// Where the store was when a reply began that came to its end, and told nothing.
    quiet_since: Option<i64>,
}

impl JsonWatched {
    /// Registers a watch at one member.
    ///
    /// # Errors
    /// When the server does not keep it.
    pub async fn register(mut question: Question) -> Result<Self, Refusal> {
        question.liveness = question.liveness.min(MAX_LIVENESS);
        let start = question.create.start_revision;
        let open = question.ask(start).await?;
        // From now on it has to be known soon whether the server is there.
        question.options.timeout = Some(question.liveness.mul_f64(OVERDUE));
        let registered = open.registered;
        let next = if start > 0 { start } else { registered + 1 };
        Ok(Self { question, open, registered, next, quiet_since: None })
    }

    /// What comes next, in whatever way.
    async fn step(&mut self) -> Result<Option<Told>, Refusal> {
        let overdue = self.open.overdue;
        tokio::select! {
            biased;
            told = self.open.next(&self.question) => self.heard(told).await,
            // Boxed, as it is large and rare.
            () = sleep_until(overdue) => Box::pin(self.replace()).await,
        }
    }

    async fn heard(&mut self, told: Result<Told, Refusal>) -> Result<Option<Told>, Refusal> {
        match told {
            // Boxed, as above.
            Err(refusal) if self.open.is_ended_by(&refusal) => Box::pin(self.go_on()).await,
            told => told.map(Some),
        }
    }

    /// Another reply after one that came to its end.
    async fn go_on(&mut self) -> Result<Option<Told>, Refusal> {
        // A server that was held up may have ended one reply before it told anything: two have to agree.
        let quiet_since = Some(self.open.registered).filter(|_| self.open.is_silent);
        let settled = std::mem::replace(&mut self.quiet_since, quiet_since).filter(|_| self.open.is_silent);
        self.open = self.question.ask(self.next).await?;
        Ok(settled.map(|revision| Told::Progress { revision }))
    }

    /// Another reply in the place of one that should have come to its end, unless that has something to tell after all.
    async fn replace(&mut self) -> Result<Option<Told>, Refusal> {
        let opening = self.question.ask(self.next);
        let told = tokio::select! {
            biased;
            told = self.open.next(&self.question) => told,
            open = opening => {
                self.open = open?;
                self.quiet_since = None;
                return Ok(None);
            }
        };
        self.heard(told).await
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
    async fn ask(&self, start_revision: i64) -> Result<Open, Refusal> {
        let Self { liveness, options, .. } = *self;
        let limit = options.timeout;
        let create = WatchCreateRequest {
            start_revision,
            fragment: true,
            progress_notify: true,
            ..self.create.clone()
        };
        let request = WatchRequest { request_union: Some(WatchRequestUnion::CreateRequest(create)) };
        let origin = self.gateway.member(self.member).origin();
        let body = serde_json::to_vec(&request).map_err(|error| fault::unsendable(origin, error))?;
        let authorization = self.authorization.as_ref();
        let lifetime = liveness.mul_f64(LIFETIME + SPREAD * fastrand::f64());
        let post =
            Post { path: PATH, body: &body, authorization, options, is_read: true, ends: Some(lifetime) };
        let asked = Instant::now();
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
            registered: 0,
            is_silent: true,
            ends: asked + lifetime.mul_f64(1.0 - DRIFT),
            overdue: asked + liveness.mul_f64(OVERDUE),
        };
        match bounded(open.hear(self), limit).await.ok_or_else(fault::idle_timeout)?? {
            Heard::Registered(revision) => open.registered = revision,
            // A watch that begins too early may be refused at once.
            told @ Heard::Told(_) => open.heard.push_front(told),
        }
        Ok(open)
    }
}

/// An open reply.
struct Open {
    response: Response,
    way: Way,
    lines: Lines,
    gatherer: Gatherer,
    heard: VecDeque<Heard>,
    /// Where the store was when it was registered.
    registered: i64,
    /// Whether it has told nothing.
    is_silent: bool,
    /// The server does not end it before.
    ends: Instant,
    /// By then it has ended, unless its connection has died, or somebody on the way did not pass on when it was to end.
    overdue: Instant,
}

impl Open {
    /// Whether the server ends it because its time is over: all that there was to tell has come before.
    fn is_ended_by(&self, refusal: &Refusal) -> bool {
        let is_deadline =
            matches!(refusal, Refusal::Status(status) if status.code == Status::DEADLINE_EXCEEDED);
        is_deadline && Instant::now() >= self.ends
    }

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
                self.is_silent &= response.events.is_empty();
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
