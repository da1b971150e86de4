//! What goes over the wire.

use crate::transport::http::decoding;
use crate::transport::http::options::HttpOptions;
use crate::transport::http::redirect::Hop;
use crate::v2::failure::Failed;
use crate::v2::request::Verb;
use crate::wire::endpoint::{Endpoint, authorization};
use crate::wire::fault;
use bytes::Bytes;
use http::method::InvalidMethod;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::Full;
use url::Position;

/// How many headers a request can have beyond those that the client's user asked for.
const OWN_HEADERS: usize = 8;
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const NO_LENGTH: HeaderValue = HeaderValue::from_static("0");

/// The request of a hop.
///
/// # Errors
/// When its verb or URL cannot be sent.
pub fn message(
    headers: HeaderMap,
    form: Option<&Bytes>,
    hop: &Hop,
) -> Result<http::Request<Full<Bytes>>, Failed> {
    let form = form.filter(|_| hop.with_form);
    let mut message = http::Request::new(Full::new(form.cloned().unwrap_or_default()));
    *message.method_mut() = method(&hop.verb).map_err(|error| fault::unsendable(&hop.way.origin, error))?;
    *message.uri_mut() = uri(hop)?;
    *message.headers_mut() = headers;
    if form.is_some() {
        message.headers_mut().insert(header::CONTENT_TYPE, FORM);
    } else if !hop.verb.is_read() {
        // hyper leaves it out, and some servers then refuse the request.
        message.headers_mut().insert(header::CONTENT_LENGTH, NO_LENGTH);
    }
    Ok(message)
}

fn method(verb: &Verb) -> Result<Method, InvalidMethod> {
    Method::from_bytes(verb.as_str().as_bytes())
}

fn uri(hop: &Hop) -> Result<Uri, Failed> {
    let text = if hop.way.is_forwarded() { hop.url_text().into() } else { hop.path.clone() };
    // A query may hold a value, which belongs in no message.
    Uri::from_maybe_shared(text).map_err(|error| fault::unsendable(&hop.way.origin, error))
}

/// The headers of a hop, but for those of its form.
#[must_use]
pub fn headers(options: &HttpOptions, endpoint: &Endpoint, hop: &Hop) -> HeaderMap {
    let mut headers = options.headers.clone();
    headers.reserve(OWN_HEADERS);
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    if hop.is_redirected() {
        headers.remove(header::HOST);
    }
    if let Ok(host) = HeaderValue::try_from(&hop.way.server[Position::BeforeHost..Position::AfterPort]) {
        headers.entry(header::HOST).or_insert(host);
    }
    if options.gzip && !headers.contains_key(header::RANGE) {
        headers.entry(header::ACCEPT_ENCODING).or_insert(decoding::ACCEPTED);
    }
    if !hop.with_credentials {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
    } else if let Some(authorization) = &options.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    } else if let Some(authorization) = endpoint.authorization() {
        headers.entry(header::AUTHORIZATION).or_insert(authorization);
    }
    if !hop.way.is_forwarded() {
        // For a proxy alone: a tunnel's gets it when it is opened.
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    let proxy = hop.way.proxy.as_ref().filter(|_| hop.way.is_forwarded());
    if let Some(authorization) = proxy.and_then(authorization) {
        headers.entry(header::PROXY_AUTHORIZATION).or_insert(authorization);
    }
    headers
}
