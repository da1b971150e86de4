//! Which carrier a client has. What is above the carriers is compiled once for both.

use crate::transport::v3::carrier::{
    Authorization, Call, CallOptions, Carrier, CarrierOptions, Refusal, Told, Watched,
};
use crate::transport::v3::grpc::{Grpc, GrpcWatched};
use crate::transport::v3::json::{Json, JsonWatched};
use crate::transport::v3::messages::WatchCreateRequest;
use std::sync::Arc;
use std::time::Duration;

/// How v3 is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    /// Over the JSON gateway.
    Json,
}

impl Protocol {
    /// Nothing is opened before the first call.
    #[must_use]
    pub fn carrier(self, options: Arc<CarrierOptions>) -> AnyCarrier {
        match self {
            Self::Grpc => AnyCarrier::Grpc(Grpc::new(options)),
            Self::Json => AnyCarrier::Json(Json::new(options)),
        }
    }
}

/// A carrier of one of the kinds.
pub enum AnyCarrier {
    Grpc(Grpc),
    Json(Json),
}

impl Carrier for AnyCarrier {
    type Watched = AnyWatched;

    async fn call<Q: Call>(
        &self,
        member: usize,
        request: &Q,
        authorization: Authorization<'_>,
        options: CallOptions,
    ) -> Result<Q::Answer, Refusal> {
        match self {
            Self::Grpc(grpc) => grpc.call(member, request, authorization, options).await,
            Self::Json(json) => json.call(member, request, authorization, options).await,
        }
    }

    async fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<AnyWatched, Refusal> {
        Ok(match self {
            Self::Grpc(grpc) => {
                AnyWatched::Grpc(grpc.watch(member, create, authorization, options, liveness).await?)
            }
            Self::Json(json) => AnyWatched::Json(Box::new(
                json.watch(member, create, authorization, options, liveness).await?,
            )),
        })
    }
}

/// A registered watch of one of the kinds.
pub enum AnyWatched {
    Grpc(GrpcWatched),
    Json(Box<JsonWatched>),
}

impl Watched for AnyWatched {
    fn registered(&self) -> i64 {
        match self {
            Self::Grpc(watched) => watched.registered(),
            Self::Json(watched) => watched.registered(),
        }
    }

    async fn next(&mut self) -> Result<Told, Refusal> {
        match self {
            Self::Grpc(watched) => watched.next().await,
            Self::Json(watched) => watched.next().await,
        }
    }
}
