//! One exchange with one server: the way there, connections, TLS, and what goes wrong in Node's words. Nothing of etcd.

pub mod connector;
pub mod credentials;
pub mod endpoint;
pub mod fault;
pub mod pool;
pub mod proxy;
pub mod resolver;
pub mod system_error;
pub mod thread;
pub mod tls;
pub mod way;
mod yielding;
