//! What goes over the wire.

use crate::transport::http::HttpOptions;
use crate::transport::http::decoding;
use crate::transport::http::redirect::Hop;
use crate::v2::failure::TransportError;
use crate::v2::request::Request;
use crate::wire::connector::Way;
use crate::wire::endpoint::{Endpoint, authorization};
use crate::wire::fault;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::Full;
use url::{Position, Url};

/// How many headers a request can have beyond those that the client's user asked for.
const OWN_HEADERS: usize = 8;

/// The request of a hop.
pub fn message(
    headers: HeaderMap,
    request: &Request,
    hop: &Hop,
    way: &Way,
) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let form = request.form.as_ref().filter(|_| hop.with_form);
    let mut message = http::Request::new(Full::new(form.cloned().unwrap_or_default()));
    *message.method_mut() = hop.method.clone();
    *message.uri_mut() = uri(hop, way)?;
    *message.headers_mut() = headers;
    if form.is_some() {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        message.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    if form.is_none_or(Bytes::is_empty) && !matches!(hop.method, Method::GET | Method::HEAD) {
        // hyper leaves it out, and some servers then refuse the request.
        message.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(message)
}

fn uri(hop: &Hop, way: &Way) -> Result<Uri, TransportError> {
    let from = if way.is_forwarded() { Position::BeforeScheme } else { Position::BeforePath };
    let text = Bytes::copy_from_slice(hop.url[from..Position::AfterQuery].as_bytes());
    Uri::from_maybe_shared(text).map_err(|error| fault::unsendable(hop.url.as_str(), error))
}

/// The headers of a hop, but for those of its form.
pub fn headers(options: &HttpOptions, endpoint: &Endpoint, hop: &Hop, way: &Way) -> HeaderMap {
    let mut headers = options.headers.clone();
    headers.reserve(OWN_HEADERS);
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    if hop.is_redirected() {
        headers.remove(header::HOST);
    }
    if let Ok(host) = HeaderValue::try_from(&hop.url[Position::BeforeHost..Position::AfterPort]) {
        headers.entry(header::HOST).or_insert(host);
    }
    if options.pool.gzip && !headers.contains_key(header::RANGE) {
        headers.entry(header::ACCEPT_ENCODING).or_insert(decoding::ACCEPTED);
    }
    if !hop.with_credentials {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
    } else if let Some(authorization) = &options.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    } else if let Some(authorization) = endpoint.authorization() {
        headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
    }
    let is_tunnelled = way.proxy.is_some() && !way.is_forwarded();
    if is_tunnelled || !(way.is_forwarded() || hop.with_credentials) {
        // For a proxy alone: a tunnel's gets it when it is opened.
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    let proxy = way.proxy.as_ref().filter(|_| way.is_forwarded());
    if let Some(authorization) = proxy.and_then(authorization) {
        headers.entry(header::PROXY_AUTHORIZATION).or_insert(authorization);
    }
    headers
}

/// The URL of a request. The endpoint's is read once: a key only takes its place in it.
pub fn url(server: &Url, request: &Request) -> Result<Url, url::ParseError> {
    match request.key_path() {
        Some(path) => {
            let mut url = server.clone();
            let prefix = server.path().trim_end_matches('/');
            url.set_path(&[prefix, &path].concat());
            url.set_query((!request.query.is_empty()).then_some(&request.query));
            Ok(url)
        }
        None => Url::parse(&(server.as_str().trim_end_matches('/').to_owned() + &request.path_and_query())),
    }
}
