//! Names of hosts become addresses, for a client library.

use crate::wire::resolver::SystemResolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The system's resolver.
#[derive(Debug, Clone, Default)]
pub struct Resolver {
    /// What the URL names by the name that the server's certificate must hold.
    alias: Option<Alias>,
    found: Arc<Mutex<Option<SocketAddr>>>,
}

#[derive(Debug, Clone)]
struct Alias {
    name: String,
    host: String,
}

impl Resolver {
    /// With another name for a host.
    #[must_use]
    pub fn with_alias(name: String, host: String) -> Self {
        Self { alias: Some(Alias { name, host }), ..Self::default() }
    }

    /// The first address of the name looked up last, for messages.
    #[must_use]
    pub fn found(&self) -> Option<SocketAddr> {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let alias = self.alias.as_ref().filter(|alias| alias.name == name.as_str());
        let host = alias.map_or_else(|| name.as_str().to_owned(), |alias| alias.host.clone());
        let found = Arc::clone(&self.found);
        Box::pin(async move {
            let addresses = SystemResolver::look_up(&host).await?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = addresses.first().copied();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
