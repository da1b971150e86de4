//! Watches.

use crate::transport::v3::messages::json::{bytes_in_base64, is_default, number};
use crate::transport::v3::messages::kv::{KeyValue, ResponseHeader};
use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};
use serde::{Deserialize, Deserializer, Serialize};

#[derive(Clone, PartialEq, Message, Serialize)]
#[serde(transparent)]
pub struct WatchRequest {
    #[prost(oneof = "WatchRequestUnion", tags = "1, 2, 3")]
    pub request_union: Option<WatchRequestUnion>,
}

/// What is asked of a stream of watches.
#[derive(Clone, PartialEq, Oneof, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchRequestUnion {
    #[prost(message, tag = "1")]
    CreateRequest(WatchCreateRequest),
    #[prost(message, tag = "2")]
    CancelRequest(WatchCancelRequest),
    #[prost(message, tag = "3")]
    ProgressRequest(WatchProgressRequest),
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct WatchCreateRequest {
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(with = "bytes_in_base64", skip_serializing_if = "is_default")]
    pub range_end: Bytes,
    #[prost(int64, tag = "3")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub start_revision: i64,
    #[prost(bool, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub progress_notify: bool,
    #[prost(bool, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub prev_kv: bool,
    #[prost(int64, tag = "7")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub watch_id: i64,
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub fragment: bool,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct WatchCancelRequest {
    #[prost(int64, tag = "1")]
    #[serde(with = "number", skip_serializing_if = "is_default")]
    pub watch_id: i64,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct WatchProgressRequest {}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct WatchResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(int64, tag = "2")]
    #[serde(with = "number")]
    pub watch_id: i64,
    #[prost(bool, tag = "3")]
    pub created: bool,
    #[prost(bool, tag = "4")]
    pub canceled: bool,
    #[prost(int64, tag = "5")]
    #[serde(with = "number")]
    pub compact_revision: i64,
    #[prost(string, tag = "6")]
    pub cancel_reason: String,
    #[prost(bool, tag = "7")]
    pub fragment: bool,
    #[prost(message, repeated, tag = "11")]
    pub events: Vec<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
pub enum EventType {
    Put = 0,
    Delete = 1,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct Event {
    #[prost(enumeration = "EventType", tag = "1")]
    #[serde(deserialize_with = "event_type")]
    pub r#type: i32,
    #[prost(message, optional, tag = "2")]
    pub kv: Option<KeyValue>,
    #[prost(message, optional, tag = "3")]
    pub prev_kv: Option<KeyValue>,
}

/// JSON has its name.
fn event_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    enum Name {
        Put,
        Delete,
    }
    Ok(match Name::deserialize(deserializer)? {
        Name::Put => EventType::Put.into(),
        Name::Delete => EventType::Delete.into(),
    })
}
