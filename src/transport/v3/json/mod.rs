//! etcd's v3 API over its JSON gateway: HTTP/1.1, which gets through where gRPC does not. What has rules of its own in
//! the v2 API, as connections that are kept and redirects, is a client library's here.

mod lines;
mod member;
mod phase;
mod reply;
mod resolve;
mod watch;

#[cfg(test)]
mod tests;

use crate::transport::v3::carrier::{Authorization, Call, CallOptions, Carrier, CarrierOptions, Refusal};
use crate::transport::v3::messages::WatchCreateRequest;
use crate::v2::failure::{Failed, Kind};
use crate::wire::fault::{self, Stage};
use crate::wire::way::Way;
use member::Member;
use phase::{Phase, limited};
use reply::Body;
use reqwest::Response;
use std::sync::Arc;
use std::time::Duration;

pub use watch::JsonWatched;

/// How often a call is sent that only asks: the server may close a connection that was kept at that very moment.
const TRIES: u32 = 3;

/// The JSON gateway of one client. Belongs to the runtime that it was first used on.
#[derive(Clone)]
pub struct Json(Arc<Members>);

struct Members {
    options: Arc<CarrierOptions>,
    members: Vec<Member>,
}

impl Json {
    #[must_use]
    pub fn new(options: Arc<CarrierOptions>) -> Self {
        let members = options.endpoints.iter().map(|endpoint| Member::new(&options, endpoint)).collect();
        Self(Arc::new(Members { options, members }))
    }

    /// Sends a request, to the headers of its reply.
    async fn open(
        &self,
        member: usize,
        path: &str,
        body: &[u8],
        authorization: Authorization<'_>,
        options: CallOptions,
        is_read: bool,
    ) -> Result<(Response, Way), Failed> {
        let member = &self.0.members[member];
        let way = member.way()?;
        let mut tries = TRIES;
        loop {
            let client = member.client(options.once && !is_read)?;
            let request = member.request(path, authorization, options, body.to_vec())?;
            let phase = Arc::<Phase>::default();
            let error = match limited(client.execute(request), &phase, options.timeout).await? {
                Ok(response) => return Ok((response, way)),
                Err(error) => error,
            };
            let is_unsent = phase.is_connecting();
            let failed = member.failed(error, Stage::Request, &way);
            tries -= 1;
            if !(is_read && phase.is_kept() && failed.kind == Kind::Reset && tries > 0) {
                return Err(Failed { sent: failed.sent && !is_unsent, ..failed });
            }
        }
    }

    fn limit(&self) -> usize {
        self.0.options.max_response_size
    }
}

impl Carrier for Json {
    type Watched = JsonWatched;

    async fn call<Q: Call>(
        &self,
        member: usize,
        request: &Q,
        authorization: Authorization<'_>,
        options: CallOptions,
    ) -> Result<Q::Answer, Refusal> {
        let at = &self.0.members[member];
        let _permit = at.permit().await;
        let body = serde_json::to_vec(request).map_err(|error| fault::unsendable(at.origin(), error))?;
        let opening = self.open(member, Q::GATEWAY, &body, authorization, options, request.is_read());
        let (response, way) = opening.await?;
        let body = Body { response, member: at, way: &way, idle: options.timeout, limit: self.limit() };
        body.answer().await
    }

    async fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<JsonWatched, Refusal> {
        JsonWatched::register(self.clone(), member, create, authorization.cloned(), options, liveness).await
    }
}
