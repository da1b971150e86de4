//! Whether a server is who it says: rustls' verification with what Node's users rely on around it.

use crate::wire::tls::certificate::{self, Validity};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// A certificate that no trusted one stands behind, by the code that OpenSSL, and so Node, has for the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("self-signed certificate")]
    SelfSigned,
    #[error("self-signed certificate in certificate chain")]
    SelfSignedInChain,
    #[error("unable to verify the first certificate")]
    UnknownIssuer,
}

impl Untrusted {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SelfSigned => "DEPTH_ZERO_SELF_SIGNED_CERT",
            Self::SelfSignedInChain => "SELF_SIGNED_CERT_IN_CHAIN",
            Self::UnknownIssuer => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
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

/// What to hold a server's certificate against.
#[derive(Debug)]
pub struct Verifier {
    /// `None` when nothing is trusted: then every certificate is unknown.
    chains: Option<Arc<WebPkiServerVerifier>>,
    /// Trusted themselves: as in OpenSSL, a server may present one of them as its own, though it is a CA's.
    roots: Vec<CertificateDer<'static>>,
    /// Take every certificate: `rejectUnauthorized: false`. The server must still hold its key.
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
        Ok(Self { chains, roots, accept_any, provider })
    }

    fn verify_pinned(
        &self,
        end_entity: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match certificate::validity(end_entity, now) {
            Validity::Valid => {}
            Validity::NotYet => return Err(CertificateError::NotValidYet.into()),
            Validity::Expired => return Err(CertificateError::Expired.into()),
            Validity::Unreadable => return Err(CertificateError::BadEncoding.into()),
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.accept_any {
            return Ok(ServerCertVerified::assertion());
        }
        if self.roots.iter().any(|root| root == end_entity) {
            return self.verify_pinned(end_entity, server_name, now);
        }
        let verified = match &self.chains {
            Some(chains) => {
                chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.map_err(|error| match error {
            // BadSignature: a trusted authority only has the name of the issuer.
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
            ) => other(Untrusted::of(end_entity, intermediates)),
            error => error,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}
