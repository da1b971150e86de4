//! The messages of etcd's v3 API that v2's model needs, with the names of etcd's `rpc.proto` and `kv.proto`. They are
//! written by hand: a compiler of protocol buffers would be one more tool to build with.

mod cluster;
mod json;
mod kv;
mod lease;
mod txn;
mod watch;

pub use cluster::{
    AuthenticateRequest, AuthenticateResponse, Member, MemberListRequest, MemberListResponse, StatusRequest,
    StatusResponse,
};
pub use kv::{
    DeleteRangeRequest, DeleteRangeResponse, KeyValue, PutRequest, PutResponse, RangeRequest, RangeResponse,
    ResponseHeader,
};
pub use lease::{LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse};
pub use txn::{
    Compare, CompareResult, CompareTarget, Request, RequestOp, Response, ResponseOp, TargetUnion, TxnRequest,
    TxnResponse,
};
pub use watch::{
    Event, EventType, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest,
    WatchRequestUnion, WatchResponse,
};
