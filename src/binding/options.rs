//! Options of a client as JavaScript hands them over, already checked for their types.

use crate::credentials;
use crate::endpoint::Endpoint;
use crate::transport::http::HttpOptions;
use crate::transport::tls::TlsOptions;
use http::{HeaderMap, HeaderName, HeaderValue};
use napi::bindgen_prelude::*;
use napi_derive::napi;

/// What an `Etcd` object needs of its constructor's arguments.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    pub hosts: Vec<String>,
    /// Pairs of name and value.
    pub headers: Vec<Vec<String>>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub bearer: Option<String>,
    /// PEM texts.
    pub ca: Vec<Buffer>,
    pub cert: Option<Buffer>,
    pub key: Option<Buffer>,
    /// Bytes.
    pub max_response_size: f64,
    /// Retries of an election wait a millisecond only (RUNNING_UNIT_TESTS).
    pub short_waits: bool,
}

impl ClientOptions {
    /// # Errors
    /// `InvalidArg`, naming the option, when a value has the right type but no usable content.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>> {
        let parse = |(index, host): (usize, &String)| {
            Endpoint::parse(host).map_err(|error| invalid(format!("hosts[{index}]: {error}")))
        };
        self.hosts.iter().enumerate().map(parse).collect()
    }

    /// # Errors
    /// As [`Self::endpoints`].
    pub fn http(&self, endpoints: &[Endpoint]) -> Result<HttpOptions> {
        let bytes = |buffer: &Buffer| buffer.to_vec();
        let tls = TlsOptions {
            ca: self.ca.iter().map(bytes).collect(),
            cert: self.cert.as_ref().map(bytes),
            key: self.key.as_ref().map(bytes),
        };
        Ok(HttpOptions {
            headers: self.headers()?,
            authorization: self.authorization()?,
            tls: tls.build().map_err(invalid)?,
            // A size beyond memory is no limit.
            max_response_size: self.max_response_size as usize,
            trusted: endpoints.iter().map(|endpoint| endpoint.name().to_owned()).collect(),
        })
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

fn invalid(reason: impl ToString) -> Error {
    Error::new(Status::InvalidArg, reason.to_string())
}
