//! etcd's v2 model: the words that all other parts share. No I/O.

pub mod answer;
pub mod command;
pub mod error;
pub mod event;
pub mod failure;
pub mod form;
pub mod key;
pub mod path;
pub mod render;
pub mod reply;
pub mod request;
pub mod time;
pub mod values;
