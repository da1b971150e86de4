//! What carries etcd's v3 calls to one member: gRPC, or the JSON gateway. It knows nothing of v2's model.

use crate::transport::v3::messages::{
    AuthenticateRequest, AuthenticateResponse, Event, LeaseGrantRequest, LeaseGrantResponse,
    LeaseRevokeRequest, LeaseRevokeResponse, MemberListRequest, MemberListResponse, RangeRequest,
    RangeResponse, Request, StatusRequest, StatusResponse, TxnRequest, TxnResponse, WatchCreateRequest,
};
use crate::transport::v3::status::Status;
use crate::v2::failure::Failed;
use crate::wire::connector::ConnectorOptions;
use crate::wire::endpoint::Endpoint;
use crate::wire::proxy::Proxies;
use http::{HeaderMap, HeaderValue};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::time::Duration;

/// A request with one answer.
pub trait Call: Message + Serialize + 'static {
    type Answer: Message + DeserializeOwned + Default + 'static;
    /// The method's path over gRPC.
    const METHOD: &'static str;
    /// Its path at the JSON gateway.
    const GATEWAY: &'static str;

    /// Whether it only asks, so that sending it twice is harmless.
    fn is_read(&self) -> bool {
        true
    }
}

impl Call for RangeRequest {
    type Answer = RangeResponse;
    const METHOD: &'static str = "/etcdserverpb.KV/Range";
    const GATEWAY: &'static str = "/v3/kv/range";
}

impl Call for TxnRequest {
    type Answer = TxnResponse;
    const METHOD: &'static str = "/etcdserverpb.KV/Txn";
    const GATEWAY: &'static str = "/v3/kv/txn";

    fn is_read(&self) -> bool {
        let mut operations = self.success.iter().chain(&self.failure);
        operations.all(|operation| matches!(operation.request, Some(Request::RequestRange(_))))
    }
}

impl Call for LeaseGrantRequest {
    type Answer = LeaseGrantResponse;
    const METHOD: &'static str = "/etcdserverpb.Lease/LeaseGrant";
    const GATEWAY: &'static str = "/v3/lease/grant";

    fn is_read(&self) -> bool {
        false
    }
}

impl Call for LeaseRevokeRequest {
    type Answer = LeaseRevokeResponse;
    const METHOD: &'static str = "/etcdserverpb.Lease/LeaseRevoke";
    const GATEWAY: &'static str = "/v3/lease/revoke";

    fn is_read(&self) -> bool {
        false
    }
}

impl Call for MemberListRequest {
    type Answer = MemberListResponse;
    const METHOD: &'static str = "/etcdserverpb.Cluster/MemberList";
    const GATEWAY: &'static str = "/v3/cluster/member/list";
}

impl Call for StatusRequest {
    type Answer = StatusResponse;
    const METHOD: &'static str = "/etcdserverpb.Maintenance/Status";
    const GATEWAY: &'static str = "/v3/maintenance/status";
}

impl Call for AuthenticateRequest {
    type Answer = AuthenticateResponse;
    const METHOD: &'static str = "/etcdserverpb.Auth/Authenticate";
    const GATEWAY: &'static str = "/v3/auth/authenticate";
}

/// How to reach the members of one cluster, whatever carries the calls.
#[derive(Debug)]
pub struct CarrierOptions {
    pub endpoints: Vec<Endpoint>,
    /// Headers of every request, and metadata of every call.
    pub headers: HeaderMap,
    /// Take compressed replies.
    pub gzip: bool,
    /// The largest message taken, in bytes, after decompression.
    pub max_response_size: usize,
    /// How many redirects are followed in a row. There are none over gRPC.
    pub max_redirects: usize,
    /// Calls that may be under way at once to one member, watches not counted.
    pub max_sockets: usize,
    /// Whether a connection serves further requests.
    pub keep_alive: bool,
    pub connector: ConnectorOptions,
    pub proxies: Proxies,
}

/// How a call is made, or a watch registered.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallOptions {
    /// How long connecting, and then every wait for the next bytes, may take. Of a watch: until it is registered.
    pub timeout: Option<Duration>,
    /// Whether the member has to know a leader, and else refuses at once: for all but serializable reads. A watch ends
    /// when its member loses the leader.
    pub needs_leader: bool,
    /// Whether it must not be sent again when a failure leaves open whether it was carried out.
    pub once: bool,
}

/// Who asks: a token's header, if there is one.
pub type Authorization<'a> = Option<&'a HeaderValue>;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// No etcd answered.
    Failed(Failed),
    /// etcd answered that it does not do what was asked.
    Status(Status),
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Carries calls to the members of a cluster, by their place in the client's list. Belongs to the runtime that it was
/// first used on.
pub trait Carrier: Send + Sync + 'static {
    type Watched: Watched;

    /// One attempt of a call at one member. Dropped, it is given up.
    fn call<Q: Call>(
        &self,
        member: usize,
        request: &Q,
        authorization: Authorization<'_>,
        options: CallOptions,
    ) -> impl Future<Output = Result<Q::Answer, Refusal>> + Send;

    /// Registers a watch at one member. Its `watch_id`, `fragment` and `progress_notify` are the carrier's.
    fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        authorization: Authorization<'_>,
        options: CallOptions,
        liveness: Duration,
    ) -> impl Future<Output = Result<Self::Watched, Refusal>> + Send;
}

/// A registered watch. Dropped, it is cancelled.
pub trait Watched: Send + 'static {
    /// The store's revision when the watch was registered: without a start revision every change after this one comes.
    fn registered(&self) -> i64;

    /// What comes next. Pending until something does; after an error, or a compaction, nothing comes.
    fn next(&mut self) -> impl Future<Output = Result<Told, Refusal>> + Send;
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Changes, in order: whole revisions, one or more. `revision` is the store's.
    Events { revision: i64, events: Vec<Event> },
    /// Everything up to this revision was told.
    Progress { revision: i64 },
    /// What the watch was to start from has been compacted: it has ended.
    Compacted { compact_revision: i64, revision: i64 },
}
