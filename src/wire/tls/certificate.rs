//! The little that must be known of a certificate beside what rustls checks.

use rustls::pki_types::CertificateDer;
use std::ops::RangeInclusive;
use x509_cert::certificate::Version;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::{Certificate, spki::SubjectPublicKeyInfoOwned};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// Whether a certificate names itself as its issuer.
pub fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|certificate| {
        certificate.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
    })
}

/// Whether this certificate has the name of the other one's issuer.
pub fn may_have_issued(certificate: &CertificateDer<'_>, other: &CertificateDer<'_>) -> bool {
    let (Some(certificate), Some(other)) = (parse(certificate), parse(other)) else { return false };
    certificate.tbs_certificate().subject() == other.tbs_certificate().issuer()
}

/// The seconds since 1970 in which a certificate is valid.
pub fn validity(certificate: &CertificateDer<'_>) -> Option<RangeInclusive<u64>> {
    let certificate = parse(certificate)?;
    let validity = certificate.tbs_certificate().validity();
    let [start, end] =
        [validity.not_before, validity.not_after].map(|time| time.to_unix_duration().as_secs());
    Some(start..=end)
}

/// Whether it is of X.509 version 1, which has no extensions.
pub fn is_version_1(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|certificate| certificate.tbs_certificate().version() == Version::V1)
}

/// Whether it holds no names but its subject's.
pub fn is_unnamed(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|certificate| {
        let mut extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
        !extensions.any(|extension| extension.extn_id == SUBJECT_ALT_NAME)
    })
}

/// The length of its key in bits, if that is an RSA key.
pub fn rsa_bits(certificate: &CertificateDer<'_>) -> Option<usize> {
    let certificate = parse(certificate)?;
    let key: &SubjectPublicKeyInfoOwned = certificate.tbs_certificate().subject_public_key_info();
    if key.algorithm.oid != RSA {
        return None;
    }
    let mut reader = SliceReader::new(key.subject_public_key.as_bytes()?).ok()?;
    let modulus = reader.sequence(|fields| {
        let modulus = UintRef::decode(fields)?.as_bytes();
        UintRef::decode(fields)?;
        Ok::<_, x509_cert::der::Error>(modulus)
    });
    let modulus = modulus.ok()?;
    let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(modulus.len() * 8 - leading_zeros)
}

fn parse(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    Certificate::from_der(certificate).ok()
}
