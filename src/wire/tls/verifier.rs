//! Whether a server is who it says: rustls' verification with what Node's users rely on around it.

use crate::wire::tls::certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

/// A certificate that is not taken for a reason that rustls has no error for, by the code that OpenSSL, and so Node, has for
/// the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("self-signed certificate")]
    SelfSigned,
    #[error("self-signed certificate in certificate chain")]
    SelfSignedInChain,
    #[error("unable to verify the first certificate")]
    UnknownIssuer,
    #[error("the certificate of its authority has expired")]
    ExpiredAuthority,
    #[error("the certificate of its authority is not yet valid")]
    FutureAuthority,
    #[error(
        "its certificate is of X.509 version 1, which has no subjectAltName; issue one of version 3 that has"
    )]
    Version1,
    #[error(
        "its certificate has a common name alone, which is not looked at; issue one with a subjectAltName"
    )]
    Unnamed,
    #[error("the RSA key of its certificate has {0} bits; it takes {LEAST_BITS}")]
    ShortKey(usize),
    #[error("the RSA key of an authority's certificate has {0} bits; it takes {LEAST_BITS}")]
    ShortAuthorityKey(usize),
}

/// Of an RSA key.
const LEAST_BITS: usize = 2048;

impl Untrusted {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SelfSigned => "DEPTH_ZERO_SELF_SIGNED_CERT",
            Self::SelfSignedInChain => "SELF_SIGNED_CERT_IN_CHAIN",
            Self::UnknownIssuer => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            Self::ExpiredAuthority => "CERT_HAS_EXPIRED",
            Self::FutureAuthority => "CERT_NOT_YET_VALID",
            Self::Version1 | Self::Unnamed => "ERR_TLS_CERT_ALTNAME_INVALID",
            Self::ShortKey(_) => "EE_KEY_TOO_SMALL",
            Self::ShortAuthorityKey(_) => "CA_KEY_TOO_SMALL",
        }
    }

    fn of(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Self {
        if certificate::is_self_issued(end_entity) {
            Self::SelfSigned
        } else if intermediates.iter().any(certificate::is_self_issued) {
            Self::SelfSignedInChain
        } else {
            Self::UnknownIssuer
        }
    }
}

/// The length of an RSA key that is too short.
fn short_key(certificate: &CertificateDer<'_>) -> Option<usize> {
    certificate::rsa_bits(certificate).filter(|&bits| bits < LEAST_BITS)
}

/// What to hold a server's certificate against.
#[derive(Debug)]
pub struct Verifier {
    /// `None` when nothing is trusted: then every certificate is unknown.
    chains: Option<Arc<WebPkiServerVerifier>>,
    /// Trusted themselves: as in OpenSSL, a server may present one of them as its own, though it is a CA's.
    roots: Vec<CertificateDer<'static>>,
    /// Of the roots, in their order. Read when the first server is verified.
    validities: OnceLock<Vec<Option<RangeInclusive<u64>>>>,
    /// Take every certificate: `rejectUnauthorized: false`.
    accept_any: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub fn new(
        roots: Vec<CertificateDer<'static>>,
        accept_any: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut store = RootCertStore::empty();
        for root in &roots {
            store.add(root.clone())?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider));
        let chains = if roots.is_empty() { None } else { Some(builder.build().map_err(other)?) };
        Ok(Self { chains, roots, validities: OnceLock::new(), accept_any, provider })
    }

    /// rustls takes an authority at its word for ever, OpenSSL only in its time.
    fn verify_authorities(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let validities =
            self.validities.get_or_init(|| self.roots.iter().map(certificate::validity).collect());
        let is_valid = |validity: &Option<RangeInclusive<u64>>| {
            validity.as_ref().is_none_or(|validity| validity.contains(&now.as_secs()))
        };
        let roots = || self.roots.iter().zip(validities);
        let issued = || intermediates.iter().chain([end_entity]);
        let suspect = roots().find(|(root, validity)| {
            !is_valid(validity) && issued().any(|other| certificate::may_have_issued(root, other))
        });
        let Some((_, Some(validity))) = suspect else { return Ok(()) };
        let valid = roots().filter(|(_, validity)| is_valid(validity)).map(|(root, _)| root.clone());
        Self::new(valid.collect(), false, Arc::clone(&self.provider))?
            .verify_chain(end_entity, intermediates, server_name, now)
            .map_err(|_| {
                let is_over = *validity.end() < now.as_secs();
                other(if is_over { Untrusted::ExpiredAuthority } else { Untrusted::FutureAuthority })
            })
    }

    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        match &self.chains {
            Some(chains) => {
                chains.verify_server_cert(end_entity, intermediates, server_name, &[], now).map(drop)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    /// What rustls says, and where that says too little why.
    fn explained(
        &self,
        error: Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Error {
        use CertificateError as Certificate;
        let Error::InvalidCertificate(reason) = &error else { return error };
        match reason {
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                if certificate::is_unnamed(end_entity) {
                    other(Untrusted::Unnamed)
                } else {
                    error
                }
            }
            // BadSignature: a trusted authority only has the name of the issuer.
            Certificate::UnknownIssuer | Certificate::BadSignature | Certificate::Other(_) => {
                if certificate::is_version_1(end_entity) {
                    return other(Untrusted::Version1);
                }
                let chain = || intermediates.iter().chain([end_entity]);
                let is_authority = |root: &&CertificateDer<'_>| {
                    chain().any(|issued| certificate::may_have_issued(root, issued))
                };
                let mut authorities = intermediates.iter().chain(self.roots.iter().filter(is_authority));
                other(match authorities.find_map(short_key) {
                    Some(bits) => Untrusted::ShortAuthorityKey(bits),
                    None => Untrusted::of(end_entity, intermediates),
                })
            }
            _ => error,
        }
    }

    /// Whether the server holds the key of its certificate, which nobody asks of one that may be anybody.
    fn verify_signature(
        &self,
        certificate: &CertificateDer<'_>,
        verify: impl FnOnce() -> Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.accept_any {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify()
            .map_err(|error| short_key(certificate).map_or(error, |bits| other(Untrusted::ShortKey(bits))))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.accept_any {
            return Ok(ServerCertVerified::assertion());
        }
        let explained = |error| self.explained(error, end_entity, intermediates);
        if self.roots.iter().any(|root| root == end_entity) {
            verify_pinned(end_entity, server_name, now).map_err(explained)?;
        } else {
            self.verify_chain(end_entity, intermediates, server_name, now).map_err(explained)?;
            self.verify_authorities(end_entity, intermediates, server_name, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verify = || verify_tls12_signature(message, certificate, signature, algorithms);
        self.verify_signature(certificate, verify)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let verify = || verify_tls13_signature(message, certificate, signature, algorithms);
        self.verify_signature(certificate, verify)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate that is trusted itself.
fn verify_pinned(end_entity: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = certificate::validity(end_entity).ok_or(CertificateError::BadEncoding)?;
    if now.as_secs() < *validity.start() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > *validity.end() {
        return Err(CertificateError::Expired.into());
    }
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
