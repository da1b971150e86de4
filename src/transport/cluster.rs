//! Which transport a client has.

use crate::transport::http::{Http, HttpOptions};
use crate::transport::{Broken, Feed, Transport};
use crate::v2::failure::Failed;
use crate::v2::reply::Reply;
use crate::v2::request::{Request, Watch};
use std::sync::Arc;

/// What is needed to reach a cluster: made once for a client, connected once for each runtime that it is used on.
#[derive(Debug)]
pub enum ClusterOptions {
    Http(Arc<HttpOptions>),
}

impl ClusterOptions {
    /// The cleaned hosts of the members, with the credentials that they hold.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        match self {
            Self::Http(options) => {
                options.endpoints.iter().map(|endpoint| endpoint.host().to_owned()).collect()
            }
        }
    }

    /// The same without credentials.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        match self {
            Self::Http(options) => {
                options.endpoints.iter().map(|endpoint| endpoint.server().to_owned()).collect()
            }
        }
    }

    /// The place where a client's transport is made. Nothing is opened before the first request.
    #[must_use]
    pub fn connect(&self) -> Cluster {
        match self {
            Self::Http(options) => Cluster::Http(Http::new(Arc::clone(options))),
        }
    }
}

/// A transport.
pub enum Cluster {
    Http(Http),
}

impl Transport for Cluster {
    async fn call(&self, member: usize, request: &Request) -> Result<Reply, Failed> {
        match self {
            Self::Http(http) => http.call(member, request).await,
        }
    }

    async fn watch<F: Feed>(&self, member: usize, watch: &Watch, since: Option<u64>, feed: &mut F) -> Broken {
        match self {
            Self::Http(http) => http.watch(member, watch, since, feed).await,
        }
    }
}
