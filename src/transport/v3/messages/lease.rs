//! Leases.

use crate::transport::v3::messages::json::{is_default, number};
use crate::transport::v3::messages::kv::ResponseHeader;
use prost::Message;
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct LeaseGrantRequest {
    #[prost(int64, tag = "1")]
    #[serde(rename = "TTL", with = "number", skip_serializing_if = "is_default")]
    pub ttl: i64,
    #[prost(int64, tag = "2")]
    #[serde(rename = "ID", with = "number", skip_serializing_if = "is_default")]
    pub id: i64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct LeaseGrantResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(int64, tag = "2")]
    #[serde(rename = "ID", with = "number")]
    pub id: i64,
    #[prost(int64, tag = "3")]
    #[serde(rename = "TTL", with = "number")]
    pub ttl: i64,
    #[prost(string, tag = "4")]
    pub error: String,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct LeaseRevokeRequest {
    #[prost(int64, tag = "1")]
    #[serde(rename = "ID", with = "number", skip_serializing_if = "is_default")]
    pub id: i64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct LeaseRevokeResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
}
