//! One exchange with one server: the way there, connections, TLS, and what goes wrong in Node's words. Nothing of etcd.

pub mod bounded;
pub mod connector;
pub mod credentials;
pub mod endpoint;
pub mod fault;
pub mod headers;
pub mod http1;
pub mod http2;
#[cfg(test)]
pub mod loopback;
pub mod pool;
pub mod proxy;
pub mod resolver;
pub mod shared;
pub mod system_error;
pub mod thread;
pub mod tls;
pub mod way;
mod witness;
mod yielding;
