//! Names of hosts become addresses.

use hyper_util::client::legacy::connect::dns::Name;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tower_service::Service;

/// The system's resolver, as Node uses it, for one connection.
#[derive(Debug, Clone, Default)]
pub struct SystemResolver {
    /// The first address found, for messages.
    pub found: Arc<OnceLock<SocketAddr>>,
}

/// A name that the system's resolver has no address for.
#[derive(Debug, thiserror::Error)]
#[error("getaddrinfo {code} {host}")]
pub struct ResolveError {
    pub host: String,
    pub code: &'static str,
}

impl Service<Name> for SystemResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let first = Arc::clone(&self.found);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|error| ResolveError { host: host.to_owned(), code: resolve_code(&error) })?
                .collect();
            if let Some(&address) = found.first() {
                // Set before only if one connection resolves twice, which it does not.
                let _ = first.set(address);
            }
            Ok(found.into_iter())
        })
    }
}

/// The standard library gives getaddrinfo's EAI_* only as text.
fn resolve_code(error: &std::io::Error) -> &'static str {
    if error.to_string().contains("Temporary failure") { "EAI_AGAIN" } else { "ENOTFOUND" }
}
