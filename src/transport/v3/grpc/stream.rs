//! One stream that carries all watches of a client at one member.

use crate::transport::v3::carrier::{Authorization, CallOptions, CarrierOptions, Refusal};
use crate::transport::v3::grpc::board::Board;
use crate::transport::v3::grpc::frame;
use crate::transport::v3::grpc::member::Member;
use crate::transport::v3::grpc::reply::{Messages, ReplyLimits};
use crate::transport::v3::grpc::requests::Requests;
use crate::transport::v3::messages::{
    WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchRequestUnion,
    WatchResponse,
};
use crate::v2::failure::{Failed, Kind, NodeError};
use crate::wire::fault;
use crate::wire::http2::Connection;
use crate::wire::way::Way;
use bytes::Bytes;
use http::{HeaderValue, Request};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

const METHOD: &str = "/etcdserverpb.Watch/Watch";
/// How soon it is asked for the first time.
const FIRST_ASK: Duration = Duration::from_secs(1);
/// A key that nobody has.
const PROBE: Bytes = Bytes::from_static(b"\0");
/// How often the server is asked how far all was told.
const ASK_AFTER: Duration = Duration::from_secs(10);

/// What a stream was opened with: a watch needs one of its own kind.
#[derive(PartialEq, Eq)]
struct Conditions {
    way: String,
    authorization: Option<HeaderValue>,
    needs_leader: bool,
    /// Within this time a stream that died without a word is noticed.
    liveness: Duration,
}

/// The open streams to one member.
#[derive(Default)]
pub struct Streams(Mutex<Vec<Weak<Stream>>>);

/// An open stream. Closes when the last of its watches has gone.
pub struct Stream {
    conditions: Conditions,
    pub board: Arc<Board>,
    /// The largest revision that is taken.
    pub limit: usize,
    requests: UnboundedSender<Bytes>,
    following: AbortHandle,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Streams {
    /// A stream for a watch, and whether it, or its connection, was open before.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn stream(
        &self,
        member: &Member,
        carrier: &CarrierOptions,
        way: &Arc<Way>,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<(Arc<Stream>, bool), Failed> {
        let conditions = Conditions {
            way: way.key.clone(),
            authorization: authorization.cloned(),
            needs_leader: options.needs_leader,
            liveness,
        };
        if let Some(stream) = self.known(&conditions) {
            return Ok((stream, true));
        }
        let taken = member.watches.take(way).await?;
        // Others may have waited for the same connection.
        if let Some(stream) = self.known(&conditions) {
            return Ok((stream, true));
        }
        let (requests, body) = unbounded_channel();
        let message = member.request(METHOD, authorization, options, Requests(body))?;
        let limit = carrier.max_response_size;
        let stream = Arc::new(Stream::open(conditions, taken.connection, message, requests, limit));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&stream));
        Ok((stream, taken.is_kept))
    }

    fn known(&self, conditions: &Conditions) -> Option<Arc<Stream>> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.upgrade().is_some_and(|stream| !stream.board.has_ended()));
        streams.iter().filter_map(Weak::upgrade).find(|stream| stream.conditions == *conditions)
    }
}

impl Stream {
    fn open(
        conditions: Conditions,
        connection: Connection<Requests>,
        message: Request<Requests>,
        requests: UnboundedSender<Bytes>,
        limit: usize,
    ) -> Self {
        let board = Arc::new(Board::default());
        let liveness = conditions.liveness;
        let follower =
            Follower { board: Arc::clone(&board), requests: requests.clone(), connection, limit, liveness };
        let following = tokio::spawn(follower.run(message)).abort_handle();
        Self { conditions, board, limit, requests, following }
    }

    /// Asks the server for something. etcd says its first word when it is asked for a watch, so that asking cannot wait for
    /// the stream to be open.
    pub fn ask(&self, request: WatchRequestUnion) {
        ask(&self.requests, request);
    }

    /// Ends a watch.
    pub fn cancel(&self, id: i64) {
        if self.board.remove(id) {
            ask(&self.requests, cancellation(id));
        }
    }
}

/// It fails only when the stream has ended, which those who watch hear from the board.
fn ask(requests: &UnboundedSender<Bytes>, request: WatchRequestUnion) {
    let _ = requests.send(frame::encode(&WatchRequest { request_union: Some(request) }));
}

const fn cancellation(watch_id: i64) -> WatchRequestUnion {
    WatchRequestUnion::CancelRequest(WatchCancelRequest { watch_id })
}

/// Reads a stream for all who watch.
struct Follower {
    board: Arc<Board>,
    requests: UnboundedSender<Bytes>,
    connection: Connection<Requests>,
    limit: usize,
    liveness: Duration,
}

impl Follower {
    async fn run(self, message: Request<Requests>) {
        let end = match self.follow(message).await {
            Ok(never) => match never {},
            Err(refusal) => refusal,
        };
        self.board.end(&end);
    }

    async fn follow(&self, message: Request<Requests>) -> Result<Infallible, Refusal> {
        let limits = ReplyLimits { idle: None, size: self.limit };
        let opening = async {
            let response = self.connection.send(message).await?;
            Messages::open(response, self.connection.clone(), limits).await
        };
        let mut watchdog = Watchdog::new(self.liveness);
        let mut messages = self.alive(opening, &mut watchdog).await?;
        loop {
            match self.alive(messages.next::<WatchResponse>(), &mut watchdog).await? {
                None => return Err(left().into()),
                Some(response) => {
                    if let Some(id) = self.board.deliver(response) {
                        ask(&self.requests, cancellation(id));
                    }
                }
            }
        }
    }

    /// Waits for what comes next, as long as there is reason to believe that something will.
    async fn alive<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>>,
        watchdog: &mut Watchdog,
    ) -> Result<T, Refusal> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    watchdog.heard = Instant::now();
                    return done;
                }
                // The server goes on with the open streams for a while, but wants to be left.
                _ = self.connection.ended() => {
                    // What ends the connection may have ended the work as well, with a reason.
                    return match tokio::time::timeout(Duration::ZERO, &mut work).await {
                        Ok(Err(refusal)) => Err(refusal),
                        _ => Err(left().into()),
                    };
                }
                () = sleep_until(watchdog.next) => {
                    let liveness = self.liveness;
                    let silence = watchdog.heard.elapsed();
                    if silence >= liveness {
                        return Err(fault::idle_timeout().into());
                    }
                    watchdog.next = Instant::now() + ASK_AFTER.min(liveness / 4);
                    ask(&self.requests, WatchRequestUnion::ProgressRequest(WatchProgressRequest {}));
                    if silence >= liveness / 2 {
                        self.probe();
                    }
                }
            }
        }
    }

    /// Some versions do not say how far all was told to a watch of which nothing was told. Any server answers whether it
    /// keeps a watch; nobody waits for this one, so that it is cancelled when it is there.
    fn probe(&self) {
        let watch_id = self.board.unused_id();
        let create = WatchCreateRequest { key: PROBE, watch_id, ..WatchCreateRequest::default() };
        ask(&self.requests, WatchRequestUnion::CreateRequest(create));
    }
}

/// When the server was heard, and when it is asked to say something.
struct Watchdog {
    heard: Instant,
    next: Instant,
}

impl Watchdog {
    fn new(liveness: Duration) -> Self {
        let now = Instant::now();
        Self { heard: now, next: now + FIRST_ASK.min(liveness / 4) }
    }
}

/// A server that goes away in good order.
fn left() -> Failed {
    NodeError::with_code("The server ends the stream of watches", "ECONNRESET").failed(Kind::Reset, true)
}
