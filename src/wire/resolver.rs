//! Names of hosts become addresses.

use crate::wire::{system_error, thread};
use hyper_util::client::legacy::connect::dns::Name;
use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tower_service::Service;

/// The system's resolver, as Node uses it, for one connection.
#[derive(Debug, Clone, Default)]
pub struct SystemResolver {
    /// The first address found, for messages.
    pub found: Arc<OnceLock<SocketAddr>>,
}

/// A name that has no address, or none can be looked up.
#[derive(Debug, thiserror::Error)]
#[error("getaddrinfo {code} {host}")]
pub struct ResolveError {
    pub host: String,
    pub code: Cow<'static, str>,
}

impl SystemResolver {
    /// The addresses of a host.
    ///
    /// # Errors
    /// When it has none, or none can be looked up.
    pub async fn look_up(host: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        look_up(host.to_owned())
            .await
            .map_err(|error| ResolveError { host: host.to_owned(), code: resolve_code(&error) })
    }
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
            let found = Self::look_up(name.as_str()).await?;
            if let Some(&address) = found.first() {
                // Set before only if one connection resolves twice, which it does not.
                let _ = first.set(address);
            }
            Ok(found.into_iter())
        })
    }
}

/// On a thread of ours, as the system's resolver blocks. Of tokio's own one hears of no thread that is refused: it panics,
/// or waits for another that never ends.
async fn look_up(host: String) -> io::Result<Vec<SocketAddr>> {
    let (tell, told) = oneshot::channel();
    let look = move || {
        let found = (host.as_str(), 0).to_socket_addrs().map(Iterator::collect);
        // Whoever asked may have gone meanwhile.
        let _ = tell.send(found);
    };
    thread::start("node-etcd-dns", look)?;
    told.await.unwrap_or_else(|_| Err(io::Error::other("the resolver's thread ended without a word")))
}

/// The standard library gives getaddrinfo's EAI_* only as text, except for the one that stands for a system error.
fn resolve_code(error: &io::Error) -> Cow<'static, str> {
    match error.raw_os_error() {
        Some(_) => system_error::code(error).unwrap_or("ENOTFOUND".into()),
        None if error.to_string().contains("Temporary failure") => "EAI_AGAIN".into(),
        None => "ENOTFOUND".into(),
    }
}
