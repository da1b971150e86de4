//! v2 kept on etcd's v3 API.

pub mod carrier;
mod gather;
pub mod grpc;
mod identity;
pub mod messages;
pub mod session;
pub mod status;

pub use identity::Credentials;
