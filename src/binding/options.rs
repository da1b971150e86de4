//! Options of a client as JavaScript hands them over, already checked for their types.

use crate::client::{ResendPolicy, RetryWaits};
use crate::transport::cluster::{ClusterOptions, V3Options};
use crate::transport::http::HttpOptions;
use crate::transport::http::redirect::{Follow, RedirectPolicy};
use crate::transport::v3::Credentials;
use crate::transport::v3::carrier::CarrierOptions;
use crate::transport::v3::protocol::Protocol;
use crate::wire::connector::ConnectorOptions;
use crate::wire::credentials;
use crate::wire::endpoint::Endpoint;
use crate::wire::proxy::Proxies;
use crate::wire::tls::TlsOptions;
use crate::wire::way::is_secure;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use napi::bindgen_prelude::*;
use napi_derive::napi;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What an `Etcd` object needs of its constructor's arguments.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    /// The name of a store in this process, instead of hosts.
    pub memory: Option<String>,
    pub hosts: Vec<String>,
    /// Pairs of name and value.
    pub headers: Vec<Vec<String>>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub bearer: Option<String>,
    /// PEM texts.
    pub ca: Vec<Buffer>,
    /// Those that cannot be used are left out, as Node and not the user chose them.
    pub skips_unusable_ca: bool,
    pub cert: Option<Buffer>,
    pub key: Option<Buffer>,
    /// A PKCS#12 archive.
    pub pfx: Option<Buffer>,
    pub passphrase: Option<String>,
    pub accept_any_server: bool,
    pub servername: Option<String>,
    pub max_redirects: u32,
    pub follow_writes: bool,
    pub follow_reads: bool,
    pub gzip: bool,
    pub max_sockets: u32,
    pub keep_alive: bool,
    pub local_address: Option<String>,
    /// Bytes.
    pub max_response_size: f64,
    pub resend_writes: bool,
    /// Retries of an election wait a millisecond only (RUNNING_UNIT_TESTS).
    pub short_waits: bool,
    /// Which of etcd's APIs keeps the keys.
    pub api: EtcdApi,
    /// The prefix of all keys on v3.
    pub namespace: String,
}

/// The APIs of etcd that can keep the keys.
#[napi(string_enum)]
#[derive(Debug, PartialEq, Eq)]
pub enum EtcdApi {
    #[napi(value = "v2")]
    V2,
    /// Over gRPC.
    #[napi(value = "v3")]
    V3,
    /// Over the JSON gateway.
    #[napi(value = "v3-json")]
    V3Json,
}

impl ClientOptions {
    /// # Errors
    /// `InvalidArg`, naming the option, when a value has the right type but no usable content.
    pub fn cluster(&self, proxies: &Proxies) -> Result<ClusterOptions> {
        if let Some(name) = &self.memory {
            return Ok(ClusterOptions::Memory(name.clone()));
        }
        let http = self.http(proxies)?;
        Ok(match self.api {
            EtcdApi::V2 => ClusterOptions::Http(Arc::new(http)),
            EtcdApi::V3 => ClusterOptions::V3(self.v3(http, Protocol::Grpc)?),
            EtcdApi::V3Json => ClusterOptions::V3(self.v3(http, Protocol::Json)?),
        })
    }

    fn v3(&self, http: HttpOptions, protocol: Protocol) -> Result<V3Options> {
        let given = self.credentials()?;
        let credentials = http.endpoints.iter().map(|endpoint| {
            let own = || endpoint.user().map(|(name, password)| Credentials::User { name, password });
            given.clone().or_else(own)
        });
        Ok(V3Options {
            protocol,
            credentials: credentials.collect(),
            carrier: Arc::new(CarrierOptions {
                endpoints: http.endpoints.clone(),
                headers: http.headers.clone(),
                gzip: http.gzip,
                max_response_size: http.max_response_size,
                max_redirects: if self.follow_writes { self.max_redirects as usize } else { 0 },
                max_sockets: http.max_sockets,
                keep_alive: http.keep_alive,
                connector: http.connector.clone(),
                proxies: http.proxies.clone(),
            }),
            namespace: self.namespace.clone(),
            // etcd knows users by tokens, and none of them is needed to ask how it is.
            http: Arc::new(HttpOptions { authorization: None, ..http }),
        })
    }

    /// What v3 is to be proven who asks by: a token, or a user for whom one is fetched.
    fn credentials(&self) -> Result<Option<Credentials>> {
        if let Some(token) = &self.bearer {
            let token = credentials::token(token)
                .map_err(|_| invalid("options.auth.bearer: the token cannot be sent in a header"))?;
            return Ok(Some(Credentials::Token(token)));
        }
        let password = self.password.clone().unwrap_or_default();
        Ok(self.user.clone().map(|name| Credentials::User { name, password }))
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>> {
        let parse = |(index, host): (usize, &String)| {
            Endpoint::parse(host).map_err(|error| invalid(format!("hosts[{index}]: {error}")))
        };
        self.hosts.iter().enumerate().map(parse).collect()
    }

    fn http(&self, proxies: &Proxies) -> Result<HttpOptions> {
        let endpoints = self.endpoints()?;
        let headers = self.headers()?;
        Ok(HttpOptions {
            authorization: self.authorization()?,
            gzip: self.gzip,
            // A size beyond memory is no limit.
            max_response_size: self.max_response_size as usize,
            max_sockets: self.max_sockets as usize,
            keep_alive: self.keep_alive,
            redirects: self.redirects(&endpoints),
            connector: ConnectorOptions {
                tls: self.tls().build().map_err(invalid)?,
                proxy_authorization: headers.get(PROXY_AUTHORIZATION).cloned(),
                local_address: self.local_address()?,
            },
            proxies: proxies.clone(),
            endpoints,
            headers,
        })
    }

    #[must_use]
    pub const fn resend_policy(&self) -> ResendPolicy {
        let waits = if self.short_waits { RetryWaits::UNIT_TESTS } else { RetryWaits::ELECTION };
        ResendPolicy { waits, resend_writes: self.resend_writes }
    }

    fn redirects(&self, endpoints: &[Endpoint]) -> RedirectPolicy {
        let follow = match (self.follow_writes, self.follow_reads) {
            (true, _) => Follow::All,
            (false, true) => Follow::Reads,
            (false, false) => Follow::None,
        };
        RedirectPolicy {
            follow,
            max: self.max_redirects,
            tls: endpoints.iter().any(|endpoint| is_secure(endpoint.url())),
        }
    }

    fn tls(&self) -> TlsOptions {
        let bytes = |buffer: &Buffer| buffer.to_vec();
        let passphrase = self.passphrase.clone().unwrap_or_default();
        TlsOptions {
            ca: self.ca.iter().map(bytes).collect(),
            skips_unusable_ca: self.skips_unusable_ca,
            cert: self.cert.as_ref().map(bytes),
            key: self.key.as_ref().map(bytes),
            pfx: self.pfx.as_ref().map(bytes).map(|archive| (archive, passphrase)),
            accept_any_server: self.accept_any_server,
            server_name: self.servername.clone(),
        }
    }

    fn local_address(&self) -> Result<Option<IpAddr>> {
        let parse = |text: &String| {
            text.parse().map_err(|_| invalid(format!("options.localAddress: {text:?} is no IP address")))
        };
        self.local_address.as_ref().map(parse).transpose()
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for pair in &self.headers {
            let [name, value] = pair.as_slice() else {
                return Err(invalid("options.headers: expected pairs"));
            };
            let key = HeaderName::try_from(name)
                .map_err(|_| invalid(format!("options.headers: {name:?} is no header name")))?;
            // The value stays out of the message: it may be a secret.
            let value = HeaderValue::try_from(value)
                .map_err(|_| invalid(format!("options.headers: the value of {name:?} cannot be sent")))?;
            headers.append(key, value);
        }
        Ok(headers)
    }

    fn authorization(&self) -> Result<Option<HeaderValue>> {
        if let Some(token) = &self.bearer {
            let header = credentials::bearer(token)
                .map_err(|_| invalid("options.auth.bearer: the token cannot be sent in a header"))?;
            return Ok(Some(header));
        }
        let password = self.password.as_deref().unwrap_or_default();
        Ok(self.user.as_ref().map(|user| credentials::basic(user, password)))
    }
}

/// Milliseconds as JavaScript gives them. Zero, and anything beyond time, stands for no limit, as it did in `request`.
#[must_use]
pub fn limit(milliseconds: f64) -> Option<Duration> {
    let limit = Duration::try_from_secs_f64(milliseconds / 1000.0).ok()?;
    // What is less than a duration can say is a limit, too.
    (milliseconds > 0.0).then(|| limit.max(Duration::from_nanos(1)))
}

/// An error of an argument, which says what is wrong with it.
pub fn invalid(reason: impl ToString) -> Error {
    Error::new(Status::InvalidArg, reason.to_string())
}
