//! How streams to servers are opened: TCP, TLS, and the ways through proxies.

use crate::wire::endpoint::authorization;
use crate::wire::resolver::SystemResolver;
use crate::wire::tls::Tls;
use crate::wire::way::{Way, is_secure};
use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use std::error::Error;
use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Url;

pub type BoxError = Box<dyn Error + Send + Sync>;

/// There is no TCP connection.
#[derive(Debug, thiserror::Error)]
pub enum Unconnected {
    /// The own address cannot be had.
    #[error("bind to {0}")]
    Bind(IpAddr, #[source] BoxError),
    #[error("connect")]
    Connect(#[source] BoxError),
}

impl Unconnected {
    /// What an error of hyper-util's connector is, to one who connects from this own address.
    #[must_use]
    pub fn new(error: BoxError, local_address: Option<IpAddr>) -> Self {
        match local_address {
            Some(address) if is_about_binding(error.as_ref()) => Self::Bind(address, error),
            _ => Self::Connect(error),
        }
    }
}

/// After so long without a byte the system asks whether the other side is still there, in such steps, so often.
pub const TCP_KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(15), 3);
/// How long sent bytes may stay unacknowledged.
pub const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How connections are made.
#[derive(Debug, Clone)]
pub struct ConnectorOptions {
    pub tls: Tls,
    /// What proves to a proxy who is asking, instead of what its URL says.
    pub proxy_authorization: Option<HeaderValue>,
    /// The own address to connect from.
    pub local_address: Option<IpAddr>,
}

pub trait Stream: Read + Write + Send + Unpin {}
impl<T: Read + Write + Send + Unpin> Stream for T {}
pub type BoxStream = Box<dyn Stream>;

/// What is spoken over a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    /// Its name in a TLS handshake.
    const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Opens streams.
pub struct Connector {
    protocol: Protocol,
    tls: TlsConnector,
    server_name: Option<ServerName<'static>>,
    proxy_tls: TlsConnector,
    proxy_authorization: Option<HeaderValue>,
    local_address: Option<IpAddr>,
}

impl Connector {
    pub fn new(options: &ConnectorOptions, protocol: Protocol) -> Self {
        let mut tls = options.tls.config.clone();
        let proxy_tls = TlsConnector::from(Arc::new(tls.clone()));
        tls.alpn_protocols = vec![protocol.alpn().to_vec()];
        Self {
            protocol,
            tls: Arc::new(tls).into(),
            server_name: options.tls.server_name.clone(),
            proxy_tls,
            proxy_authorization: options.proxy_authorization.clone(),
            local_address: options.local_address,
        }
    }

    /// Opens a stream to the server, or for a request over HTTP/1.1 that a proxy forwards to that proxy.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn stream(&self, way: &Way, resolver: SystemResolver) -> Result<BoxStream, BoxError> {
        let mut stream = self.tcp(way.peer(), resolver).await?;
        if let Some(proxy) = &way.proxy {
            if is_secure(proxy) {
                stream = secured(&self.proxy_tls, name_of(proxy)?, stream).await?;
            }
            // A proxy that forwards requests takes them apart, and knows no HTTP/2.
            if is_secure(&way.server) || self.protocol == Protocol::Http2 {
                stream = self.tunnel(proxy, &way.server, stream).await?;
            }
        }
        if is_secure(&way.server) {
            let name = self.server_name.clone().map_or_else(|| name_of(&way.server), Ok)?;
            stream = secured(&self.tls, name, stream).await?;
        }
        Ok(stream)
    }

    async fn tcp(&self, peer: &Url, resolver: SystemResolver) -> Result<BoxStream, BoxError> {
        let mut connector = HttpConnector::new_with_resolver(resolver);
        let (after, interval, retries) = TCP_KEEPALIVE;
        connector.set_keepalive(Some(after));
        connector.set_keepalive_interval(Some(interval));
        connector.set_keepalive_retries(Some(retries));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        connector.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
        connector.set_nodelay(true);
        connector.set_local_address(self.local_address);
        let connecting = connector.call(uri("http", peer)?);
        let stream = connecting.await.map_err(|error| Unconnected::new(error.into(), self.local_address))?;
        Ok(Box::new(stream))
    }

    async fn tunnel(&self, proxy: &Url, server: &Url, stream: BoxStream) -> Result<BoxStream, BoxError> {
        let mut tunnel = Tunnel::new(uri("http", proxy)?, Connected(Some(stream)));
        if let Some(authorization) = self.proxy_authorization.clone().or_else(|| authorization(proxy)) {
            tunnel = tunnel.with_auth(authorization);
        }
        Ok(tunnel.call(uri("https", server)?).await?)
    }
}

fn name_of(server: &Url) -> Result<ServerName<'static>, InvalidDnsNameError> {
    ServerName::try_from(host(server).trim_matches(['[', ']']).to_owned())
}

async fn secured(
    tls: &TlsConnector,
    name: ServerName<'static>,
    stream: BoxStream,
) -> Result<BoxStream, BoxError> {
    Ok(Box::new(TokioIo::new(tls.connect(name, TokioIo::new(stream)).await?)))
}

/// A connector that has connected already.
struct Connected(Option<BoxStream>);

impl Service<Uri> for Connected {
    type Response = BoxStream;
    type Error = BoxError;
    type Future = Ready<Result<BoxStream, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| "a tunnel is dug once".into()))
    }
}

/// Whether it was the own address that failed: hyper-util's texts alone tell which call it was. It leaves out addresses
/// of another family than the own one, and is not connected when none is left.
fn is_about_binding(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        let of_system = error.downcast_ref::<io::Error>();
        error.to_string() == "tcp bind local error"
            || of_system.is_some_and(|error| {
                error.kind() == io::ErrorKind::NotConnected && error.raw_os_error().is_none()
            })
    })
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Host and port alone.
fn uri(scheme: &str, url: &Url) -> Result<Uri, http::uri::InvalidUri> {
    format!("{scheme}://{}:{}", host(url), url.port_or_known_default().unwrap_or_default()).parse()
}
