//! gRPC against servers that follow a script.

mod calls;
mod hostile;
mod server;
mod watches;
