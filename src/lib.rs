//! The native half of node-etcd-native: etcd's v2 API for Node.js.
//!
//! Three rings, and data flows one way through them: the JavaScript facade (`lib/`) shapes arguments and events, the
//! [`binding`] converts, and everything else here is the core, which knows nothing of JavaScript and is tested with
//! `cargo test --no-default-features`. In the core, [`client`] decides (endpoint choice, failover, retries) and a
//! [`transport`] carries, over [`wire`]; between them stand the words of [`v2`].

// Futures within futures: a request on v3 passes the client, the transport, a session, a carrier and hyper.
#![recursion_limit = "256"]
#![cfg_attr(not(test), warn(clippy::large_futures))]
#![deny(unsafe_code)]
// What `#[napi]` makes is allowed to; nothing else is.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]

/// What a request allocates on one thread is freed on the other, which glibc's allocator makes them wait for each other
/// for (docs/performance.md).
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "node")]
pub mod binding;
pub mod client;
pub mod runtime;
pub mod transport;
pub mod v2;
pub mod watch;
pub mod wire;
