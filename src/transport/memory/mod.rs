//! etcd's v2 store in this process: a [`Store`](store::Store) takes commands and gives replies, errors and events, all
//! of them those of an etcd with one member.
//!
//! Nothing here waits or asks for the time: who owns a store gives it the time with each command, ends what has expired
//! when [`next_expiration`](store::Store::next_expiration) has come, and takes the events of each watch through a
//! [`Subscriber`](hub::Subscriber). The store is not durable.

mod entry;
mod history;
pub mod hub;
mod removed;
pub mod snapshot;
mod stats;
pub mod store;
mod tree;

#[cfg(test)]
mod tests;
