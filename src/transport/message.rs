//! What goes over the wire.

use crate::endpoint::Endpoint;
use crate::request::Request;
use crate::transport::http::HttpOptions;
use crate::transport::redirect::Hop;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::Body;

/// The request of a hop, with everything that goes over the wire.
pub fn message(
    options: &HttpOptions,
    endpoint: &Endpoint,
    request: &Request,
    hop: &Hop,
    proxied: bool,
) -> reqwest::Request {
    let mut message = reqwest::Request::new(hop.method.clone(), hop.url.clone());
    *message.headers_mut() = headers(options, endpoint, hop, proxied);
    match &request.form {
        Some(form) if hop.with_form => {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            message.headers_mut().insert(header::CONTENT_TYPE, kind);
            *message.body_mut() = Some(Body::from(form.clone()));
        }
        _ => {}
    }
    let is_empty = !hop.with_form || request.form.as_ref().is_none_or(Bytes::is_empty);
    if is_empty && !matches!(hop.method, Method::GET | Method::HEAD) {
        // hyper leaves it out, and some servers then refuse the request.
        message.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    message
}

fn headers(options: &HttpOptions, endpoint: &Endpoint, hop: &Hop, proxied: bool) -> HeaderMap {
    let mut headers = options.headers.clone();
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    if hop.is_redirected() {
        headers.remove(header::HOST);
    }
    let is_tunnelled = proxied && hop.url.scheme() == "https";
    if is_tunnelled || !(proxied || hop.with_credentials) {
        // For a proxy alone: a tunnel's gets it when it is opened.
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    if !hop.with_credentials {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
    } else if let Some(authorization) = &options.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    } else if let Some(authorization) = endpoint.authorization() {
        headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
    }
    headers
}
