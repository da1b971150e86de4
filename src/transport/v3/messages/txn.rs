//! Transactions.

use crate::transport::v3::messages::json::{bytes_in_base64, is_default, number};
use crate::transport::v3::messages::kv::{
    DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse,
    ResponseHeader,
};
use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(transparent)]
pub struct RequestOp {
    #[prost(oneof = "Request", tags = "1, 2, 3")]
    pub request: Option<Request>,
}

/// One of a transaction's operations.
#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    #[prost(message, tag = "1")]
    RequestRange(RangeRequest),
    #[prost(message, tag = "2")]
    RequestPut(PutRequest),
    #[prost(message, tag = "3")]
    RequestDeleteRange(DeleteRangeRequest),
}

impl From<RangeRequest> for RequestOp {
    fn from(range: RangeRequest) -> Self {
        Self { request: Some(Request::RequestRange(range)) }
    }
}

impl From<PutRequest> for RequestOp {
    fn from(put: PutRequest) -> Self {
        Self { request: Some(Request::RequestPut(put)) }
    }
}

impl From<DeleteRangeRequest> for RequestOp {
    fn from(delete_range: DeleteRangeRequest) -> Self {
        Self { request: Some(Request::RequestDeleteRange(delete_range)) }
    }
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(transparent)]
pub struct ResponseOp {
    #[prost(oneof = "Response", tags = "1, 2, 3")]
    pub response: Option<Response>,
}

/// What came of one of a transaction's operations.
#[derive(Clone, PartialEq, Oneof, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    #[prost(message, tag = "1")]
    ResponseRange(RangeResponse),
    #[prost(message, tag = "2")]
    ResponsePut(PutResponse),
    #[prost(message, tag = "3")]
    ResponseDeleteRange(DeleteRangeResponse),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
pub enum CompareResult {
    Equal = 0,
    Greater = 1,
    Less = 2,
    NotEqual = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
pub enum CompareTarget {
    Version = 0,
    Create = 1,
    Mod = 2,
    Value = 3,
    Lease = 4,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct Compare {
    #[prost(enumeration = "CompareResult", tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub result: i32,
    #[prost(enumeration = "CompareTarget", tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub target: i32,
    #[prost(bytes = "bytes", tag = "3")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub key: Bytes,
    #[prost(oneof = "TargetUnion", tags = "4, 5, 6, 7, 8")]
    #[serde(flatten)]
    pub target_union: Option<TargetUnion>,
    #[prost(bytes = "bytes", tag = "64")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub range_end: Bytes,
}

/// What a key is compared with.
#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetUnion {
    #[prost(int64, tag = "4")]
    #[serde(with = "number")]
    Version(i64),
    #[prost(int64, tag = "5")]
    #[serde(with = "number")]
    CreateRevision(i64),
    #[prost(int64, tag = "6")]
    #[serde(with = "number")]
    ModRevision(i64),
    #[prost(bytes = "bytes", tag = "7")]
    #[serde(with = "bytes_in_base64")]
    Value(Bytes),
    #[prost(int64, tag = "8")]
    #[serde(with = "number")]
    Lease(i64),
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct TxnRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub success: Vec<RequestOp>,
    #[prost(message, repeated, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub failure: Vec<RequestOp>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct TxnResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(bool, tag = "2")]
    pub succeeded: bool,
    #[prost(message, repeated, tag = "3")]
    pub responses: Vec<ResponseOp>,
}
