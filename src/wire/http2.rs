//! Connections that speak HTTP/2: one carries any number of requests at once.

use crate::v2::failure::Failed;
use crate::wire::connector::{BoxError, BoxStream};
use crate::wire::fault::{self, Stage};
use crate::wire::way::Way;
use crate::wire::witness::{Seen, Witness};
use crate::wire::yielding::Yielding;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// While a request is open and nothing comes for so long, the server is asked whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(10);
/// How long the answer to that may take.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of one reply, and of all of them, may be on its way.
const WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * WINDOW;
/// How often a connection without requests looks whether the server wants to end it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long the reason of a connection's end may take, when a request knows that it ended.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// How a connection ended: the server said so in good order, or there was an error.
type End = Option<Arc<hyper::Error>>;

/// An open connection, from the side of its requests. It closes when all of them have gone.
pub struct Connection<B> {
    sender: SendRequest<B>,
    way: Arc<Way>,
    seen: Arc<Seen>,
    end: watch::Receiver<Option<End>>,
}

impl<B> Clone for Connection<B> {
    fn clone(&self) -> Self {
        let Self { sender, way, seen, end } = self;
        Self { sender: sender.clone(), way: Arc::clone(way), seen: Arc::clone(seen), end: end.clone() }
    }
}

impl<B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static> Connection<B> {
    /// Makes a stream a connection, which the current runtime drives from then on.
    ///
    /// # Errors
    /// When the stream has ended already.
    pub async fn handshake(stream: BoxStream, way: Arc<Way>) -> Result<Self, BoxError> {
        let stream = Witness::new(Yielding::new(stream));
        let seen = Arc::clone(&stream.seen);
        let mut http2 = Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = http2.handshake(stream).await?;
        let (told, end) = watch::channel(None);
        tokio::spawn(async move {
            let end = driven(connection).await.err().map(Arc::new);
            // Nobody may be left to ask.
            let _ = told.send(Some(end));
        });
        Ok(Self { sender, way, seen, end })
    }

    /// Whether no further request can be sent.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed() || self.end.borrow().is_some()
    }

    pub const fn way(&self) -> &Arc<Way> {
        &self.way
    }

    /// Sends a request, and resolves with its reply's headers. Dropped, it is given up.
    pub async fn send(&self, request: Request<B>) -> Result<Response<Incoming>, Failed> {
        let sending = self.sender.clone().try_send_request(request);
        let mut error = match sending.await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let unsent = error.take_message().is_some();
        let failed = self.failed(&error.into_error(), Stage::Request).await;
        Err(Failed { sent: failed.sent && !unsent, ..failed })
    }

    /// What an error of one of its requests is to the one who asked.
    pub async fn failed(&self, error: &hyper::Error, stage: Stage) -> Failed {
        if fault::concerns_one_stream(error) {
            return fault::http2_failed(error, stage, &self.way);
        }
        let end = timeout(REASON_TIMEOUT, self.ended()).await.unwrap_or_default();
        if self.seen.is_other_protocol() {
            return fault::other_protocol(&self.way);
        }
        let reason: &(dyn Error + 'static) = match (self.seen.failure(), &end) {
            (Some(failure), _) => failure,
            (None, Some(end)) => end.as_ref(),
            (None, None) => error,
        };
        fault::http2_failed(reason, stage, &self.way)
    }

    /// Resolves when the connection takes no further request: the server may have told so, and serve the open ones.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        // Without a word only if its runtime ends.
        end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone()).flatten()
    }
}

/// Drives a connection to its end. hyper hears that the server wants to end one only when it has something to send.
async fn driven(connection: impl Future<Output = hyper::Result<()>>) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    loop {
        if let Ok(end) = timeout(LOOK_AGAIN, &mut connection).await {
            return end;
        }
    }
}
