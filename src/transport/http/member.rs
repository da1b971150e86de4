//! One member of a cluster, as requests over HTTP need it: what is the same for each of them is made once.

use crate::transport::http::encode;
use crate::transport::http::options::HttpOptions;
use crate::transport::http::redirect::Hop;
use crate::v2::failure::Failed;
use crate::v2::request::{KEYS, Target, Verb};
use crate::wire::endpoint::Endpoint;
use crate::wire::fault;
use crate::wire::way::Way;
use bytes::Bytes;
use http::HeaderMap;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::{Position, Url};

pub struct Member {
    /// The direct way there.
    pub way: Arc<Way>,
    /// The endpoint's path, below which the server's paths lie.
    prefix: String,
    /// Those of a request by the direct way.
    headers: HeaderMap,
    permits: Arc<Semaphore>,
}

impl Member {
    #[must_use]
    pub fn new(options: &HttpOptions, endpoint: &Endpoint) -> Self {
        let way = Arc::new(Way::new(endpoint.url(), None));
        let hop = Hop::first(Verb::Get, Arc::clone(&way), Bytes::new());
        Self {
            headers: encode::headers(options, endpoint, &hop),
            prefix: endpoint.url().path().trim_end_matches('/').to_owned(),
            permits: Arc::new(Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS))),
            way,
        }
    }

    /// Waits until a request may be under way.
    pub async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// The headers of a hop by the direct way: a redirect or a proxy makes another way of it.
    #[must_use]
    pub fn direct_headers(&self, hop: &Hop) -> Option<&HeaderMap> {
        Arc::ptr_eq(&hop.way, &self.way).then_some(&self.headers)
    }

    /// Path and query of a request, as URLs write them.
    ///
    /// # Errors
    /// When the path, which is the caller's, makes no URL.
    pub fn path(&self, target: &Target, query: &str) -> Result<Bytes, Failed> {
        match target {
            Target::Key(key) => Ok(joined(&[&self.prefix, KEYS, key.path()], query).into()),
            Target::Path(path) => {
                let text = joined(&[&self.way.origin, &self.prefix, path], query);
                let url = Url::parse(&text).map_err(|error| fault::unsendable(&self.way.origin, error))?;
                Ok(url[Position::BeforePath..Position::AfterQuery].to_owned().into())
            }
        }
    }
}

/// A path in parts, which may have a query, and further parameters.
fn joined(path: &[&str], parameters: &str) -> String {
    let mut text =
        String::with_capacity(path.iter().map(|part| part.len()).sum::<usize>() + 1 + parameters.len());
    text.extend(path.iter().copied());
    if !parameters.is_empty() {
        text.push(if text.contains('?') { '&' } else { '?' });
        text.push_str(parameters);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_join_the_query_that_a_path_already_has() {
        assert_eq!(joined(&["/v2/keys", "/a%20b"], ""), "/v2/keys/a%20b");
        assert_eq!(joined(&["/v2/keys", "/a%20b"], "wait=true"), "/v2/keys/a%20b?wait=true");
        assert_eq!(joined(&["/x", "/v2/keys/a?x=1"], ""), "/x/v2/keys/a?x=1");
        assert_eq!(joined(&["/v2/keys/a?x=1"], "y=2"), "/v2/keys/a?x=1&y=2");
    }
}
