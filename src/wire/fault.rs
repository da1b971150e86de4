//! Errors of the HTTP stack in the words of Node's errors, which programs compare with.

use crate::v2::failure::{Failed, Kind, NodeError};
use crate::wire::connector::{BoxError, Unconnected};
use crate::wire::resolver::ResolveError;
use crate::wire::system_error;
use crate::wire::tls::verifier::Untrusted;
use crate::wire::way::Way;
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// Where in an attempt an error struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the reply's headers.
    Request,
    /// After them: the reply is cut short.
    Body,
}

/// No connection, or no TLS session, within the time limit.
pub fn connect_timeout() -> Failed {
    let error = NodeError { connect: Some(true), ..NodeError::with_code("ETIMEDOUT", "ETIMEDOUT") };
    error.failed(Kind::Other, false)
}

/// Connected, but no byte within the time limit.
pub fn idle_timeout() -> Failed {
    let error = NodeError::with_code("ESOCKETTIMEDOUT", "ESOCKETTIMEDOUT");
    NodeError { connect: Some(false), ..error }.failed(Kind::Other, true)
}

/// A reply that is larger than the client takes.
pub fn reply_too_large(limit: usize) -> Failed {
    let message = format!("The reply is larger than maxResponseSize ({limit} bytes)");
    NodeError::with_code(message, "ERR_RESPONSE_TOO_LARGE").failed(Kind::Other, true)
}

/// A reply that JavaScript would make too much of.
pub fn too_many_values(limit: usize) -> Failed {
    let message = format!("The reply holds more than {limit} values (a larger maxResponseSize allows more)");
    NodeError::with_code(message, "ERR_RESPONSE_TOO_LARGE").failed(Kind::Other, true)
}

/// A change of the store that is larger than the client takes.
pub fn event_too_large(index: u64, limit: usize) -> NodeError {
    let message = format!("The change at index {index} is larger than maxResponseSize ({limit} bytes)");
    NodeError::with_code(message, "ERR_RESPONSE_TOO_LARGE")
}

/// A reply with more headers than Node takes.
pub fn header_overflow() -> Failed {
    malformed("HPE_HEADER_OVERFLOW", "Header overflow").failed(Kind::Other, true)
}

/// A request that could not be made at all.
pub fn unsendable(server: &str, reason: impl std::fmt::Display) -> Failed {
    let message = format!("Request to {server} cannot be sent: {reason}");
    NodeError::with_code(message, "ERR_INVALID_URL").failed(Kind::Other, false)
}

/// A server that was to speak HTTP/2.
pub fn other_protocol(way: &Way) -> Failed {
    let message = format!("{} does not speak HTTP/2", way.origin);
    NodeError::with_code(message, NO_HTTP2).failed(Kind::Other, false)
}

/// Node's code for what is wrong with HTTP/2 itself.
pub const NO_HTTP2: &str = "ERR_HTTP2_ERROR";

/// Of a connection that speaks HTTP/2: the most telling error that is known.
pub fn http2_failed(error: &(dyn Error + 'static), stage: Stage, way: &Way) -> Failed {
    let error_of_node = http2_error(error, stage, way);
    let kind = kind(&error_of_node);
    error_of_node.failed(kind, !is_unprocessed(error))
}

/// Of a client library over HTTP/1.1. With the address that the name stands for, if it was asked for, and the own one.
pub fn client_failed(
    error: BoxError,
    stage: Stage,
    way: &Way,
    address: Option<SocketAddr>,
    local_address: Option<IpAddr>,
) -> Failed {
    let chain: &(dyn Error + 'static) = error.as_ref();
    if find::<hyper_util::client::legacy::Error>(chain).is_some_and(|error| error.is_connect()) {
        let is_about_tcp = find::<ResolveError>(chain).is_none()
            && find::<rustls::Error>(chain).is_none()
            && (local_address.is_some() || find_system_code(chain).is_some());
        let error = if is_about_tcp { Box::new(Unconnected::new(error, local_address)) } else { error };
        return Fault::Connect(error, address).failed(way);
    }
    let error = match find::<hyper::Error>(chain) {
        Some(error) => http_error(error, stage, way),
        None => NodeError::with_code(innermost(chain), "Z_DATA_ERROR"),
    };
    let kind = kind(&error);
    error.failed(kind, true)
}

/// Whether a server ended one request and goes on with the others.
pub fn concerns_one_stream(error: &hyper::Error) -> bool {
    find::<h2::Error>(error).is_some_and(h2::Error::is_reset)
}

/// Whether the server says that it did nothing of what was asked (RFC 9113 8.7).
fn is_unprocessed(error: &(dyn Error + 'static)) -> bool {
    find::<h2::Error>(error).filter(|error| error.is_remote()).is_some_and(|error| {
        let reason = if error.is_reset() { h2::Reason::REFUSED_STREAM } else { h2::Reason::NO_ERROR };
        error.reason() == Some(reason)
    })
}

/// What can go wrong below a request.
pub enum Fault {
    /// There is no connection. With the address that the name stands for, if it was asked for.
    Connect(BoxError, Option<SocketAddr>),
    Http(hyper::Error, Stage),
    Decode(io::Error),
}

impl Fault {
    /// What it is to the one who asked, by this way.
    pub fn failed(&self, way: &Way) -> Failed {
        let (error, sent) = match self {
            Self::Connect(error, address) => (connect_error(error.as_ref(), way, *address), false),
            Self::Http(error, stage) => (http_error(error, *stage, way), true),
            Self::Decode(error) => (NodeError::with_code(error.to_string(), "Z_DATA_ERROR"), true),
        };
        let kind = kind(&error);
        error.failed(kind, sent)
    }
}

/// The one place where a code decides what is done.
fn kind(error: &NodeError) -> Kind {
    match error.code.as_deref() {
        Some("ECONNREFUSED") => Kind::Refused,
        Some("ECONNRESET") => Kind::Reset,
        _ => Kind::Other,
    }
}

fn connect_error(error: &(dyn Error + 'static), way: &Way, address: Option<SocketAddr>) -> NodeError {
    if let Some(unresolved) = find::<ResolveError>(error) {
        return NodeError {
            syscall: Some("getaddrinfo"),
            hostname: Some(unresolved.host.clone()),
            ..NodeError::with_code(unresolved.to_string(), unresolved.code.clone())
        };
    }
    if let Some(unconnected) = find::<Unconnected>(error) {
        return unconnected_error(unconnected, way.peer(), address);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_error(tls, way);
    }
    match find_system_code(error) {
        Some(code) => stream_error(code),
        // The tunnel's errors have no public type.
        None if way.proxy.is_some() => {
            let message = format!("tunneling socket could not be established: {}", innermost(error));
            NodeError::with_code(message, "ECONNRESET")
        }
        // The peer of a TLS handshake that just hangs up.
        None => hang_up(Stage::Request),
    }
}

/// Says what the system says: it can be this machine that lacks something, and no server that refuses.
fn unconnected_error(unconnected: &Unconnected, peer: &Url, address: Option<SocketAddr>) -> NodeError {
    let code = find_system_code(unconnected);
    let (syscall, code, address, port) = match unconnected {
        // All ports are taken. As in Node, it is the connecting that fails.
        Unconnected::Bind(own, _) if code.as_deref() != Some("EADDRINUSE") => {
            // To addresses of another family hyper-util does not even try.
            ("bind", code.or(Some("EINVAL".into())), own.to_string(), None)
        }
        _ => {
            let host = || peer.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let address = address.map_or_else(host, |resolved| resolved.ip().to_string());
            ("connect", code, address, peer.port_or_known_default().filter(|&port| port != 0))
        }
    };
    let what = code.clone().unwrap_or_else(|| innermost(unconnected).into());
    let at = port.map(|port| format!(":{port}")).unwrap_or_default();
    let message = format!("{syscall} {what} {address}{at}");
    NodeError { code, syscall: Some(syscall), address: Some(address), port, ..NodeError::new(message) }
}

/// Of an open connection.
fn stream_error(code: Cow<'static, str>) -> NodeError {
    let syscall = if code == "EPIPE" { "write" } else { "read" };
    NodeError { syscall: Some(syscall), ..NodeError::with_code(format!("{syscall} {code}"), code) }
}

fn http_error(error: &hyper::Error, stage: Stage, way: &Way) -> NodeError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_error(tls, way);
    }
    if let Some(code) = find_system_code(error) {
        return stream_error(code);
    }
    // That it is too large hyper says to its servers in another way, to clients by its text alone.
    if error.is_parse() && innermost(error) == "message head is too large" {
        malformed("HPE_HEADER_OVERFLOW", "Header overflow")
    } else if error.is_parse() {
        malformed("HPE_INVALID_CONSTANT", &innermost(error))
    } else if is_malformed(error) {
        malformed("HPE_INVALID_CHUNK_SIZE", &innermost(error))
    } else {
        // The connection ended: hyper calls it incomplete, canceled or a body error, Node a reset.
        hang_up(stage)
    }
}

fn http2_error(error: &(dyn Error + 'static), stage: Stage, way: &Way) -> NodeError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_error(tls, way);
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_timeout) {
        // No answer to a ping, as when the system gets none to what it sent.
        return stream_error("ETIMEDOUT".into());
    }
    if let Some(error) = find::<h2::Error>(error).filter(|_| !is_unprocessed(error)) {
        match error.reason() {
            // The end of a connection or of a stream, without a word about why.
            None | Some(h2::Reason::NO_ERROR | h2::Reason::CANCEL) => {}
            Some(reason) if error.is_reset() => return stream_closed(reason),
            Some(_) => {
                return NodeError::with_code(format!("{} breaks HTTP/2: {error}", way.origin), NO_HTTP2);
            }
        }
    }
    match find_system_code(error) {
        // h2's word for a connection that has gone.
        Some(code) if code != "EPIPE" => stream_error(code),
        _ => hang_up(stage),
    }
}

fn stream_closed(reason: h2::Reason) -> NodeError {
    let message = format!("Stream closed with error code {} ({})", u32::from(reason), reason.description());
    NodeError::with_code(message, "ERR_HTTP2_STREAM_ERROR")
}

fn malformed(code: &'static str, reason: &str) -> NodeError {
    NodeError::with_code(format!("Parse Error: {reason}"), code)
}

fn hang_up(stage: Stage) -> NodeError {
    let message = if stage == Stage::Request { "socket hang up" } else { "aborted" };
    NodeError::with_code(message, "ECONNRESET")
}

/// The code of the first system error in a chain; an `io::Error` may only wrap another one.
fn find_system_code(error: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().and_then(system_error::code))
}

/// Whether a body's chunks are not what HTTP says, as opposed to cut short.
fn is_malformed(error: &(dyn Error + 'static)) -> bool {
    let invalid =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    causes(error).any(|cause| cause.downcast_ref::<io::Error>().is_some_and(invalid))
}

fn tls_error(error: &rustls::Error, way: &Way) -> NodeError {
    use rustls::CertificateError as Certificate;
    use rustls::Error as Tls;
    let code: Option<Cow<'static, str>> = match error {
        Tls::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => Some("CERT_HAS_EXPIRED"),
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Some("CERT_NOT_YET_VALID"),
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                Some("ERR_TLS_CERT_ALTNAME_INVALID")
            }
            Certificate::Revoked => Some("CERT_REVOKED"),
            Certificate::BadSignature => Some("CERT_SIGNATURE_FAILURE"),
            Certificate::Other(other) => {
                other.0.downcast_ref::<Untrusted>().map(|untrusted| untrusted.code())
            }
            _ => None,
        },
        Tls::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => Some(NO_HTTP2),
        Tls::AlertReceived(rustls::AlertDescription::CertificateRequired) => {
            Some("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")
        }
        _ => None,
    }
    .map(Cow::Borrowed);
    let reason = match error {
        Tls::InvalidCertificate(Certificate::Other(other)) => other.0.to_string(),
        error => error.to_string(),
    };
    NodeError { code, ..NodeError::new(format!("TLS with {} failed: {reason}", way.origin)) }
}

/// The first error of a type in a chain of causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

/// An error and its causes, also those that hide in an `io::Error` or in one of h2's.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            return Some(inner as &(dyn Error + 'static));
        }
        if let Some(inner) = error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io) {
            return Some(inner as &(dyn Error + 'static));
        }
        error.source()
    })
}

fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
