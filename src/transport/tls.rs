//! Whom to trust and how to prove oneself over TLS.

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;

/// PEM texts, as Node's `tls` takes them.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// The only certificates to trust; each text may hold several.
    pub ca: Vec<Vec<u8>>,
    /// The client's own certificate, followed by its chain.
    pub cert: Option<Vec<u8>>,
    /// The private key of `cert`: PKCS#8, PKCS#1 or SEC1.
    pub key: Option<Vec<u8>>,
}

/// A TLS option that cannot be used, by the name it has for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("options.{option}: {reason}")]
pub struct InvalidTls {
    pub option: &'static str,
    pub reason: String,
}

impl TlsOptions {
    /// # Errors
    /// [`InvalidTls`] naming the option that holds no usable certificate or key.
    pub fn build(&self) -> Result<ClientConfig, InvalidTls> {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("ca", error))?
            .with_root_certificates(self.roots()?);
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates("cert", cert)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
                    invalid("key", format!("expected an unencrypted private key in PEM ({error})"))
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| invalid("key", error))
            }
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(_), None) => Err(invalid("key", "missing: a certificate needs its private key")),
            (None, Some(_)) => Err(invalid("cert", "missing: a private key needs its certificate")),
        }
    }

    fn roots(&self) -> Result<RootCertStore, InvalidTls> {
        let mut roots = RootCertStore::empty();
        for pem in &self.ca {
            for certificate in certificates("ca", pem)? {
                roots.add(certificate).map_err(|error| invalid("ca", error))?;
            }
        }
        Ok(roots)
    }
}

fn certificates(option: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidTls> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| invalid(option, format!("expected certificates in PEM ({error})")))?;
    if found.is_empty() {
        return Err(invalid(option, "expected certificates in PEM, found none"));
    }
    Ok(found)
}

fn invalid(option: &'static str, reason: impl fmt::Display) -> InvalidTls {
    InvalidTls { option, reason: reason.to_string() }
}

/// Keys stay out of every log.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").field("ca", &self.ca.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: &TlsOptions) -> String {
        options.build().unwrap_err().to_string()
    }

    #[test]
    fn garbage_is_refused_by_the_name_of_its_option() {
        let garbage = || Some(b"garbage".to_vec());
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let ca = |pem: &[u8]| TlsOptions { ca: vec![pem.to_vec()], ..TlsOptions::default() };
        assert!(refused(&ca(b"garbage")).starts_with("options.ca: expected certificates in PEM"));
        assert!(refused(&ca(&broken)).starts_with("options.ca: "));
        let cert = TlsOptions { cert: garbage(), key: garbage(), ..TlsOptions::default() };
        assert!(refused(&cert).starts_with("options.cert: "));
        let key = TlsOptions { cert: Some(broken), key: garbage(), ..TlsOptions::default() };
        assert!(refused(&key).starts_with("options.key: expected an unencrypted private key"));
    }

    #[test]
    fn certificate_and_key_need_each_other() {
        let cert = TlsOptions { cert: Some(Vec::new()), ..TlsOptions::default() };
        let key = TlsOptions { key: Some(b"geheim".to_vec()), ..TlsOptions::default() };
        assert!(refused(&cert).starts_with("options.key: missing"));
        assert!(refused(&key).starts_with("options.cert: missing"));
        assert!(!format!("{key:?}").contains("geheim"));
    }

    #[test]
    fn nothing_given_trusts_nobody() {
        assert!(TlsOptions::default().build().is_ok());
    }
}
