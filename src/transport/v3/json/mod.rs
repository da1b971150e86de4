//! etcd's v3 API over its JSON gateway: HTTP/1.1, which gets through where gRPC does not. What has rules of its own in
//! the v2 API, as connections that are kept and redirects, is a client library's here.

mod gateway;
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
use crate::wire::fault;
use gateway::{Gateway, Post};
use std::sync::Arc;
use std::time::Duration;
use watch::Question;

pub use watch::JsonWatched;

/// The JSON gateway of one client. Belongs to the runtime that it was first used on.
pub struct Json(Arc<Gateway>);

impl Json {
    #[must_use]
    pub fn new(options: Arc<CarrierOptions>) -> Self {
        Self(Arc::new(Gateway::new(options)))
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
        let at = self.0.member(member);
        let _permit = at.permit().await;
        let body = serde_json::to_vec(request).map_err(|error| fault::unsendable(at.origin(), error))?;
        let is_read = request.is_read();
        let post = Post { path: Q::GATEWAY, body: &body, authorization, options, is_read, ends: None };
        let (response, way) = self.0.open(member, post).await?;
        self.0.body(member, response, &way, options.timeout).answer().await
    }

    async fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<JsonWatched, Refusal> {
        let authorization = authorization.cloned();
        let gateway = Arc::clone(&self.0);
        let question = Question { gateway, member, create, authorization, options, liveness };
        JsonWatched::register(question).await
    }
}
