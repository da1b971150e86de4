//! etcd's v2 model: the words that all other parts share. No I/O.

pub mod failure;
pub mod key;
pub mod reply;
pub mod request;
