//! Members, and who asks them.

use crate::transport::v3::messages::json::{is_default, number};
use crate::transport::v3::messages::kv::ResponseHeader;
use prost::Message;
use serde::{Deserialize, Serialize};

/// Its answer is the member's own view: etcd 3.4 knows no other, and later ones ask the leader for `linearizable`.
#[derive(Clone, PartialEq, Message, Serialize)]
pub struct MemberListRequest {
    #[prost(bool, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub linearizable: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct Member {
    #[prost(uint64, tag = "1")]
    #[serde(rename = "ID", with = "number")]
    pub id: u64,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, repeated, tag = "3")]
    #[serde(rename = "peerURLs")]
    pub peer_urls: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    #[serde(rename = "clientURLs")]
    pub client_urls: Vec<String>,
    #[prost(bool, tag = "5")]
    #[serde(rename = "isLearner")]
    pub is_learner: bool,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct MemberListResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub members: Vec<Member>,
}

#[derive(Clone, PartialEq, Message, Serialize)]
pub struct StatusRequest {}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(string, tag = "2")]
    pub version: String,
    #[prost(int64, tag = "3")]
    #[serde(rename = "dbSize", with = "number")]
    pub db_size: i64,
    #[prost(uint64, tag = "4")]
    #[serde(with = "number")]
    pub leader: u64,
    #[prost(uint64, tag = "5")]
    #[serde(rename = "raftIndex", with = "number")]
    pub raft_index: u64,
    #[prost(uint64, tag = "6")]
    #[serde(rename = "raftTerm", with = "number")]
    pub raft_term: u64,
    #[prost(uint64, tag = "7")]
    #[serde(rename = "raftAppliedIndex", with = "number")]
    pub raft_applied_index: u64,
    #[prost(string, repeated, tag = "8")]
    pub errors: Vec<String>,
    #[prost(int64, tag = "9")]
    #[serde(rename = "dbSizeInUse", with = "number")]
    pub db_size_in_use: i64,
    #[prost(bool, tag = "10")]
    #[serde(rename = "isLearner")]
    pub is_learner: bool,
}

/// Holds a password: it is never printed.
#[derive(Clone, PartialEq, Message, Serialize)]
#[prost(skip_debug)]
pub struct AuthenticateRequest {
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub password: String,
}

/// Holds a token: it is never printed.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[prost(skip_debug)]
#[serde(default)]
pub struct AuthenticateResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(string, tag = "2")]
    pub token: String,
}
