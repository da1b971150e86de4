//! etcd's v3 API over gRPC: protocol buffers over HTTP/2.

mod board;
mod frame;
mod mailbox;
mod member;
mod reply;
mod requests;
mod stream;
mod watch;

#[cfg(test)]
mod tests;

use crate::transport::v3::carrier::{Authorization, Call, CallOptions, Carrier, CarrierOptions, Refusal};
use crate::transport::v3::messages::WatchCreateRequest;
use crate::v2::failure::{Cause, Failed, Kind};
use crate::wire::bounded::bounded;
use crate::wire::connector::{Connector, Protocol};
use crate::wire::fault;
use bytes::Bytes;
use http_body_util::Full;
use member::Member;
use reply::{Messages, NOT_GRPC, ReplyLimits};
use std::sync::Arc;
use std::time::Duration;
use stream::Streams;

pub use watch::GrpcWatched;

/// How often a call is sent that has not left, or that only asks: the server may end a connection that was open before
/// at that very moment, also the next one.
const TRIES: u32 = 3;

/// The gRPC of one client. Belongs to the runtime that it was first used on.
pub struct Grpc {
    options: Arc<CarrierOptions>,
    members: Vec<(Member, Streams)>,
}

impl Grpc {
    #[must_use]
    pub fn new(options: Arc<CarrierOptions>) -> Self {
        let connector = Arc::new(Connector::new(&options.connector, Protocol::Http2));
        let member = |endpoint| (Member::new(&options, endpoint, &connector), Streams::default());
        Self { members: options.endpoints.iter().map(member).collect(), options }
    }

    /// One exchange, on a connection that may have been open before.
    async fn exchange<Q: Call>(
        &self,
        member: &Member,
        body: &Bytes,
        authorization: Authorization<'_>,
        options: CallOptions,
    ) -> Result<Q::Answer, Attempt> {
        let way = member.way(&self.options)?;
        if options.once {
            // The connection acts on what has come since: the server may have ended it.
            tokio::task::yield_now().await;
        }
        let opening = bounded(member.calls.take(&way), options.timeout);
        let taken = opening.await.ok_or_else(fault::connect_timeout)??;
        let message = member.request(Q::METHOD, authorization, options, Full::new(body.clone()))?;
        let sending = bounded(taken.connection.send(message), options.timeout);
        let response = sending.await.ok_or_else(fault::idle_timeout)?;
        let response =
            response.map_err(|failed| Attempt { refusal: failed.into(), is_kept: taken.is_kept })?;
        let limits = ReplyLimits { idle: options.timeout, size: self.options.max_response_size };
        Ok(Messages::open(response, taken.connection, limits).await?.only().await?)
    }
}

impl Carrier for Grpc {
    type Watched = GrpcWatched;

    async fn call<Q: Call>(
        &self,
        member: usize,
        request: &Q,
        authorization: Authorization<'_>,
        options: CallOptions,
    ) -> Result<Q::Answer, Refusal> {
        let (member, _) = &self.members[member];
        let _permit = member.permit().await;
        let body = frame::encode(request);
        let mut tries = TRIES;
        loop {
            let attempt = self.exchange::<Q>(member, &body, authorization, options).await;
            tries -= 1;
            match attempt {
                Ok(answer) => return Ok(answer),
                Err(attempt) if tries > 0 && attempt.may_go_again(request.is_read()) => {}
                Err(attempt) => return Err(advised(attempt.refusal)),
            }
        }
    }

    async fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<GrpcWatched, Refusal> {
        let (member, streams) = &self.members[member];
        let mut tries = TRIES;
        loop {
            let way = member.way(&self.options)?;
            let opening = streams.stream(member, &self.options, &way, authorization, options, liveness);
            let stream = bounded(opening, options.timeout).await.ok_or_else(fault::connect_timeout);
            let (stream, is_kept) = stream?.map_err(|failed| advised(failed.into()))?;
            let registering = GrpcWatched::register(stream, create.clone());
            let registered = bounded(registering, options.timeout).await.ok_or_else(fault::idle_timeout)?;
            tries -= 1;
            match registered {
                Ok(watched) => return Ok(watched),
                Err(refusal) => {
                    let attempt = Attempt { refusal, is_kept };
                    if tries == 0 || !attempt.may_go_again(true) {
                        return Err(advised(attempt.refusal));
                    }
                }
            }
        }
    }
}

/// An exchange that brought no answer.
struct Attempt {
    refusal: Refusal,
    /// Whether its connection was open before.
    is_kept: bool,
}

impl Attempt {
    /// Whether the server may just have ended the connection, and another try does no harm.
    fn may_go_again(&self, is_read: bool) -> bool {
        match &self.refusal {
            Refusal::Failed(failed) => {
                self.is_kept && (!failed.sent || (is_read && failed.kind == Kind::Reset))
            }
            Refusal::Status(_) => false,
        }
    }
}

impl From<Refusal> for Attempt {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, is_kept: false }
    }
}

impl From<Failed> for Attempt {
    fn from(failed: Failed) -> Self {
        Refusal::from(failed).into()
    }
}

/// Tells what to do about a server, or a proxy before it, that speaks no HTTP/2 or no gRPC.
fn advised(mut refusal: Refusal) -> Refusal {
    if let Refusal::Failed(Failed { cause: Cause::Error(error), .. }) = &mut refusal
        && error.code.as_deref().is_some_and(|code| [NOT_GRPC, fault::NO_HTTP2].contains(&code))
    {
        error
            .message
            .push_str(". The option api: 'v3' needs gRPC over HTTP/2; api: 'v3-json' makes do with HTTP/1.1");
    }
    refusal
}
