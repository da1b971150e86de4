//! Which transport a client has.

use crate::transport::http::{Http, HttpOptions};
use crate::transport::memory::Memory;
use crate::transport::memory::server::Server;
use crate::transport::v3::carrier::CarrierOptions;
use crate::transport::v3::protocol::{AnyCarrier, Protocol};
use crate::transport::v3::session::Session;
use crate::transport::v3::{Credentials, V3};
use crate::transport::{Broken, Feed, Transport};
use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Watch};
use crate::wire::endpoint::Endpoint;
use std::sync::Arc;

/// What is needed to reach a cluster: made once for a client, connected once for each runtime that it is used on.
#[derive(Debug)]
pub enum ClusterOptions {
    Http(Arc<HttpOptions>),
    V3(V3Options),
    /// The store in this process with this name.
    Memory(String),
}

/// What is needed to keep v2 on v3.
#[derive(Debug)]
pub struct V3Options {
    pub protocol: Protocol,
    pub carrier: Arc<CarrierOptions>,
    /// Who asks each of the members.
    pub credentials: Vec<Option<Credentials>>,
    /// The prefix of all keys.
    pub namespace: String,
    /// For what neither v2 nor v3 is asked, but the server: `/version`, `/health`, `/metrics`.
    pub http: Arc<HttpOptions>,
}

impl V3Options {
    fn connect(&self) -> OverV3 {
        let carrier = self.protocol.carrier(Arc::clone(&self.carrier));
        let session = Session::new(carrier, self.credentials.clone());
        OverV3 {
            keys: V3::new(session, &self.namespace, self.carrier.max_response_size),
            server: Http::new(Arc::clone(&self.http)),
        }
    }
}

impl ClusterOptions {
    /// How many members the cluster has, as far as the client knows.
    #[must_use]
    pub fn members(&self) -> usize {
        match self {
            Self::Http(_) | Self::V3(_) => self.endpoints().len(),
            Self::Memory(_) => 1,
        }
    }

    /// Whether it needs no wire, so that a request may be answered at once.
    #[must_use]
    pub const fn is_in_process(&self) -> bool {
        matches!(self, Self::Memory(_))
    }

    /// The cleaned hosts of the members, with the credentials that they hold.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        match self {
            Self::Http(_) | Self::V3(_) => {
                self.endpoints().iter().map(|endpoint| endpoint.host().to_owned()).collect()
            }
            Self::Memory(name) => vec![format!("memory:{name}")],
        }
    }

    /// The same without credentials.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        match self {
            Self::Http(_) | Self::V3(_) => {
                self.endpoints().iter().map(|endpoint| endpoint.server().to_owned()).collect()
            }
            Self::Memory(name) => vec![format!("memory:{name}")],
        }
    }

    fn endpoints(&self) -> &[Endpoint] {
        match self {
            Self::Http(options) => &options.endpoints,
            Self::V3(options) => &options.carrier.endpoints,
            Self::Memory(_) => &[],
        }
    }

    /// The place where a client's transport is made. Nothing is opened before the first request.
    #[must_use]
    pub fn connect(&self) -> Cluster {
        match self {
            Self::Http(options) => Cluster::Http(Http::new(Arc::clone(options))),
            Self::V3(options) => Cluster::V3(Box::new(options.connect())),
            Self::Memory(name) => Cluster::Memory(Memory::new(Server::named(name))),
        }
    }
}

/// v2 kept on v3, and the server itself for all other paths. What a call over v3 needs is boxed: it is many times what
/// one over HTTP needs, and every request of any transport would be moved with room for it.
pub struct OverV3 {
    keys: V3<AnyCarrier>,
    server: Http,
}

impl Transport for OverV3 {
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        if V3::<AnyCarrier>::answers(request) {
            Box::pin(self.keys.call(member, request)).await
        } else {
            self.server.call(member, request).await
        }
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        Box::pin(self.keys.watch(member, watch, since, feed)).await
    }
}

/// A transport.
pub enum Cluster {
    Http(Http),
    V3(Box<OverV3>),
    Memory(Memory),
}

impl Transport for Cluster {
    fn at_once(&self, request: &Request) -> Option<Reply> {
        match self {
            Self::Http(http) => http.at_once(request),
            Self::V3(over) => over.at_once(request),
            Self::Memory(memory) => memory.at_once(request),
        }
    }

    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        match self {
            Self::Http(http) => http.call(member, request).await,
            Self::V3(over) => over.call(member, request).await,
            Self::Memory(memory) => memory.call(member, request).await,
        }
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        match self {
            // Boxed, so that watches of the other transports have no room for it.
            Self::Http(http) => Box::pin(http.watch(member, watch, since, feed)).await,
            Self::V3(over) => over.watch(member, watch, since, feed).await,
            Self::Memory(memory) => memory.watch(member, watch, since, feed).await,
        }
    }
}
