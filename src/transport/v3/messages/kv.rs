//! Reading and writing keys.

use crate::transport::v3::messages::json::{bytes_in_base64, is_default, number};
use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct ResponseHeader {
    #[prost(uint64, tag = "1")]
    #[serde(with = "number")]
    pub cluster_id: u64,
    #[prost(uint64, tag = "2")]
    #[serde(with = "number")]
    pub member_id: u64,
    #[prost(int64, tag = "3")]
    #[serde(with = "number")]
    pub revision: i64,
    #[prost(uint64, tag = "4")]
    #[serde(with = "number")]
    pub raft_term: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(with = "bytes_in_base64")]
    pub key: Bytes,
    #[prost(int64, tag = "2")]
    #[serde(with = "number")]
    pub create_revision: i64,
    #[prost(int64, tag = "3")]
    #[serde(with = "number")]
    pub mod_revision: i64,
    #[prost(int64, tag = "4")]
    #[serde(with = "number")]
    pub version: i64,
    #[prost(bytes = "bytes", tag = "5")]
    #[serde(with = "bytes_in_base64")]
    pub value: Bytes,
    #[prost(int64, tag = "6")]
    #[serde(with = "number")]
    pub lease: i64,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct RangeRequest {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub range_end: Bytes,
    #[prost(int64, tag = "3")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub limit: i64,
    #[prost(int64, tag = "4")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub revision: i64,
    #[prost(bool, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub serializable: bool,
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub keys_only: bool,
    #[prost(bool, tag = "9")]
    #[serde(skip_serializing_if = "is_default")]
    pub count_only: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct RangeResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KeyValue>,
    #[prost(bool, tag = "3")]
    pub more: bool,
    #[prost(int64, tag = "4")]
    #[serde(with = "number")]
    pub count: i64,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct PutRequest {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub value: Bytes,
    #[prost(int64, tag = "3")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub lease: i64,
    #[prost(bool, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub prev_kv: bool,
    #[prost(bool, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_value: bool,
    #[prost(bool, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub ignore_lease: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct PutResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    pub prev_kv: Option<KeyValue>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct DeleteRangeRequest {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub range_end: Bytes,
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub prev_kv: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct DeleteRangeResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(int64, tag = "2")]
    #[serde(with = "number")]
    pub deleted: i64,
    #[prost(message, repeated, tag = "3")]
    pub prev_kvs: Vec<KeyValue>,
}
