//! One member of a cluster, as calls over gRPC need it: what is the same for each of them is made once.

use crate::transport::v3::carrier::{Authorization, CallOptions, CarrierOptions};
use crate::transport::v3::grpc::requests::Requests;
use crate::v2::failure::Failed;
use crate::wire::connector::Connector;
use crate::wire::endpoint::Endpoint;
use crate::wire::fault;
use crate::wire::shared::SharedConnection;
use crate::wire::way::{Way, is_secure};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Position;

pub struct Member {
    /// The direct way there.
    way: Arc<Way>,
    scheme: Scheme,
    /// Whom the requests name as their server.
    authority: HeaderValue,
    /// The endpoint's path, below which the methods' paths lie.
    prefix: String,
    headers: HeaderMap,
    permits: Semaphore,
    /// Carries all calls.
    pub calls: SharedConnection<Full<Bytes>>,
    /// Carries all watches: they stay, and much may come that is not read at once.
    pub watches: SharedConnection<Requests>,
}

impl Member {
    #[must_use]
    pub fn new(options: &CarrierOptions, endpoint: &Endpoint, connector: &Arc<Connector>) -> Self {
        let way = Arc::new(Way::new(endpoint.url(), None));
        let own = &way.server[Position::BeforeHost..Position::AfterPort];
        let host = options.headers.get(header::HOST).cloned();
        Self {
            scheme: if is_secure(&way.server) { Scheme::HTTPS } else { Scheme::HTTP },
            authority: host
                .or_else(|| HeaderValue::from_str(own).ok())
                .unwrap_or_else(|| HeaderValue::from_static("")),
            prefix: endpoint.url().path().trim_end_matches('/').to_owned(),
            headers: headers(options),
            permits: Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS)),
            calls: SharedConnection::new(Arc::clone(connector), options.keep_alive),
            watches: SharedConnection::new(Arc::clone(connector), options.keep_alive),
            way,
        }
    }

    /// Waits until a call may be under way.
    pub async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.permits.acquire().await.ok()
    }

    /// The way there, for now: its proxy may change.
    ///
    /// # Errors
    /// When what the rules name is no proxy's URL.
    pub fn way(&self, options: &CarrierOptions) -> Result<Arc<Way>, Failed> {
        Ok(match options.proxies.on_the_way_to(&self.way.server)? {
            None => Arc::clone(&self.way),
            Some(proxy) => Arc::new(Way::new(&self.way.server, Some(proxy))),
        })
    }

    /// The request that calls a method.
    ///
    /// # Errors
    /// When the endpoint's path or the `host` of the client's headers makes no URL.
    pub fn request<B>(
        &self,
        method: &'static str,
        authorization: Authorization<'_>,
        options: CallOptions,
        body: B,
    ) -> Result<Request<B>, Failed> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(method).map_err(|error| fault::unsendable(&self.way.origin, error))?;
        let mut headers = self.headers.clone();
        if let Some(token) = authorization {
            headers.insert(header::AUTHORIZATION, token.clone());
        }
        if options.needs_leader {
            headers.insert("hasleader", HeaderValue::from_static("true"));
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn uri(&self, method: &'static str) -> Result<Uri, http::Error> {
        let path = if self.prefix.is_empty() {
            PathAndQuery::from_static(method)
        } else {
            PathAndQuery::try_from(format!("{}{method}", self.prefix))?
        };
        let authority = Authority::try_from(self.authority.as_bytes())?;
        Uri::builder().scheme(self.scheme.clone()).authority(authority).path_and_query(path).build()
    }
}

/// Those of every call: the client's, but for what is HTTP/1.1's or a proxy's.
fn headers(options: &CarrierOptions) -> HeaderMap {
    let mut headers = options.headers.clone();
    for name in [header::HOST, header::CONTENT_LENGTH, header::PROXY_AUTHORIZATION, header::ACCEPT_ENCODING] {
        headers.remove(name);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if options.gzip {
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("gzip"));
    }
    headers
}
