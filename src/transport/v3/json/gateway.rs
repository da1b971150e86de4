//! Requests to the gateways of one client's members.

use crate::transport::v3::carrier::{Authorization, CallOptions, CarrierOptions};
use crate::transport::v3::json::member::Member;
use crate::transport::v3::json::phase::{Phase, limited};
use crate::transport::v3::json::reply::Body;
use crate::v2::failure::{Failed, Kind};
use crate::wire::fault::Stage;
use crate::wire::way::Way;
use http::{HeaderName, HeaderValue};
use reqwest::Response;
use std::sync::Arc;
use std::time::Duration;

/// How often a call is sent that only asks: the server may close a connection that was kept at that very moment.
const TRIES: u32 = 3;
/// gRPC's name of a call's deadline, in milliseconds with an `m`: eight digits at most.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

pub struct Gateway {
    options: Arc<CarrierOptions>,
    members: Vec<Member>,
}

/// What is sent, and how.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    pub path: &'static str,
    pub body: &'a [u8],
    pub authorization: Authorization<'a>,
    pub options: CallOptions,
    pub is_read: bool,
    /// After this time the gateway itself ends the reply.
    pub ends: Option<Duration>,
}

impl Gateway {
    #[must_use]
    pub fn new(options: Arc<CarrierOptions>) -> Self {
        let members = options.endpoints.iter().map(|endpoint| Member::new(&options, endpoint)).collect();
        Self { options, members }
    }

    pub fn member(&self, member: usize) -> &Member {
        &self.members[member]
    }

    /// The largest reply, in bytes.
    pub fn limit(&self) -> usize {
        self.options.max_response_size
    }

    /// Sends a request, to the headers of its reply.
    ///
    /// # Errors
    /// When there is no reply.
    pub async fn open(&self, member: usize, post: Post<'_>) -> Result<(Response, Way), Failed> {
        let Post { path, body, authorization, options, is_read, ends } = post;
        let member = self.member(member);
        let way = member.way()?;
        let mut tries = TRIES;
        loop {
            let client = member.client(options.once && !is_read)?;
            let mut request = member.request(path, authorization, options, body.to_vec())?;
            if let Some(ends) = ends {
                let value = HeaderValue::try_from(format!("{}m", ends.as_millis()));
                // Digits and a letter are a header's value.
                request.headers_mut().extend(value.ok().map(|value| (TIMEOUT, value)));
            }

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

    /// The body of a reply.
    pub fn body<'a>(
        &'a self,
        member: usize,
        response: Response,
        way: &'a Way,
        idle: Option<Duration>,
    ) -> Body<'a> {
        Body { response, member: self.member(member), way, idle, limit: self.limit() }
    }
}
