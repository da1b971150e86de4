//! Whom to trust and how to prove oneself over TLS.

mod certificate;
pub mod verifier;

use crate::wire::tls::verifier::Verifier;
use p12_keystore::Pkcs12Archive;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;

/// The options of Node's `tls` that concern a client's trust and identity.
#[derive(Clone, Default)]
pub struct TlsOptions {
    /// PEM texts of the only certificates to trust; each may hold several.
    pub ca: Vec<Vec<u8>>,
    /// Leave out of `ca` what cannot be used, instead of refusing it.
    pub skips_unusable_ca: bool,
    /// The client's own certificate in PEM, followed by its chain.
    pub cert: Option<Vec<u8>>,
    /// The unencrypted private key of `cert` in PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: Option<Vec<u8>>,
    /// Instead of `cert` and `key`: a PKCS#12 archive and its passphrase.
    pub pfx: Option<(Vec<u8>, String)>,
    /// Take any server's certificate.
    pub accept_any_server: bool,
    /// See [`Tls::server_name`].
    pub server_name: Option<String>,
}

/// How to speak TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    pub config: ClientConfig,
    /// The name that the server's certificate must hold, and that goes along in the handshake, instead of the host's.
    pub server_name: Option<ServerName<'static>>,
}

/// A TLS option that cannot be used, by the name it has for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("options.{option}: {reason}")]
pub struct InvalidTls {
    pub option: &'static str,
    pub reason: String,
}

/// A client's certificates and the key of the first.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl TlsOptions {
    /// # Errors
    /// [`InvalidTls`] naming the option that holds no usable certificate, key or name.
    pub fn build(&self) -> Result<Tls, InvalidTls> {
        let provider = Arc::new(default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("ca", error))?
            .dangerous();
        let server_name = self.server_name.clone().map(ServerName::try_from).transpose();
        let server_name = server_name.map_err(|error| invalid("servername", error))?;
        let verifier = Verifier::new(self.roots()?, self.accept_any_server, provider)
            .map_err(|error| invalid("ca", error))?;
        let builder = builder.with_custom_certificate_verifier(Arc::new(verifier));
        let config = match self.identity()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
                let option = match error {
                    _ if self.pfx.is_some() => "pfx",
                    rustls::Error::InvalidCertificate(_) => "cert",
                    _ => "key",
                };
                invalid(option, error)
            })?,
            None => builder.with_no_client_auth(),
        };
        Ok(Tls { config, server_name })
    }

    fn roots(&self) -> Result<Vec<CertificateDer<'static>>, InvalidTls> {
        let found = self.ca.iter().map(|pem| certificates("ca", pem));
        if self.skips_unusable_ca {
            let is_usable = |root: &CertificateDer<'static>| RootCertStore::empty().add(root.clone()).is_ok();
            return Ok(found.flatten().flatten().filter(is_usable).collect());
        }
        Ok(found.collect::<Result<Vec<_>, _>>()?.concat())
    }

    fn identity(&self) -> Result<Option<Identity>, InvalidTls> {
        match (&self.pfx, &self.cert, &self.key) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                Err(invalid("pfx", "cannot be combined with cert and key"))
            }
            (Some((archive, passphrase)), None, None) => unpack(archive, passphrase).map(Some),
            (None, Some(cert), Some(key)) => {
                let chain = certificates("cert", cert)?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
                    invalid("key", format!("expected an unencrypted private key in PEM ({error})"))
                })?;
                Ok(Some((chain, key)))
            }
            (None, None, None) => Ok(None),
            (None, Some(_), None) => Err(invalid("key", "missing: a certificate needs its private key")),
            (None, None, Some(_)) => Err(invalid("cert", "missing: a private key needs its certificate")),
        }
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

/// The key of a PKCS#12 archive with its certificate first and the others behind.
fn unpack(archive: &[u8], passphrase: &str) -> Result<Identity, InvalidTls> {
    let archive = Pkcs12Archive::from_pkcs12(archive, passphrase).map_err(|error| {
        invalid("pfx", format!("expected a PKCS#12 archive that the passphrase opens ({error})"))
    })?;
    let key = archive.keys.into_iter().next().ok_or_else(|| invalid("pfx", "holds no private key"))?;
    let id = key.local_key_id.map(|id| id.0);
    let (own, others): (Vec<_>, Vec<_>) = archive.certs.into_iter().partition(|bag| bag.local_key_id == id);
    let chain: Vec<_> =
        own.iter().chain(&others).map(|bag| CertificateDer::from(bag.cert.as_der().to_vec())).collect();
    if chain.is_empty() {
        return Err(invalid("pfx", "holds no certificate"));
    }
    let key = PrivateKeyDer::try_from(key.key.as_der().to_vec()).map_err(|error| invalid("pfx", error))?;
    Ok((chain, key))
}

fn invalid(option: &'static str, reason: impl fmt::Display) -> InvalidTls {
    InvalidTls { option, reason: reason.to_string() }
}

/// Keys and passphrases stay out of every log.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions").field("ca", &self.ca.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        let pfx = TlsOptions { pfx: Some((b"garbage".to_vec(), "geheim".into())), ..TlsOptions::default() };
        assert!(refused(&pfx).starts_with("options.pfx: expected a PKCS#12 archive"));
        let name = TlsOptions { server_name: Some("no name".into()), ..TlsOptions::default() };
        assert!(refused(&name).starts_with("options.servername: "));
    }

    #[test]
    fn of_certificates_that_nobody_chose_the_unusable_are_left_out() {
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let ca = vec![b"garbage".to_vec(), broken];
        let options = TlsOptions { ca, skips_unusable_ca: true, ..TlsOptions::default() };
        assert!(options.build().is_ok());
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

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, base64 in "[A-Za-z0-9+/=\\n]{0,200}") {
            let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n").into_bytes();
            let key = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n").into_bytes();
            for text in [&bytes, &pem] {
                let ca = TlsOptions { ca: vec![text.clone()], ..TlsOptions::default() };
                prop_assert!(ca.build().is_err());
            }
            let identity = TlsOptions { cert: Some(pem), key: Some(key), ..TlsOptions::default() };
            prop_assert!(identity.build().is_err());
            let pfx = TlsOptions { pfx: Some((bytes, String::new())), ..TlsOptions::default() };
            prop_assert!(pfx.build().is_err());
        }
    }
}
