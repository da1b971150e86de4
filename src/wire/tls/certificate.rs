//! The little that must be known of a certificate beside what rustls checks.

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// Whether a certificate names itself as its issuer.
pub fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|certificate| {
        certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
    })
}

/// Where a point in time lies with respect to a certificate's validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    NotYet,
    Valid,
    Expired,
    Unreadable,
}

pub fn validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Validity {
    let Some(certificate) = parse(certificate) else { return Validity::Unreadable };
    let validity = certificate.tbs_certificate().validity();
    let seconds = now.as_secs();
    if seconds < validity.not_before.to_unix_duration().as_secs() {
        Validity::NotYet
    } else if seconds > validity.not_after.to_unix_duration().as_secs() {
        Validity::Expired
    } else {
        Validity::Valid
    }
}

fn parse(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(certificate).ok()
}
