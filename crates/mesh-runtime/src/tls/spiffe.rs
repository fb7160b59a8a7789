//! The name that a certificate proves.

use std::sync::Arc;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{CertificateError, Error as TlsError, OtherError};

const SCHEME: &str = "spiffe://";
const LONGEST_SERVICE: usize = 64;
/// As SPIFFE has it.
const LONGEST_TRUST_DOMAIN: usize = 255;

/// Why a certificate names no service of the trust domain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the certificate can't be read")]
    Unreadable(#[source] webpki::Error),
    #[error("the certificate has no SPIFFE name")]
    NoName,
    #[error("the certificate has several URI names; a SPIFFE certificate has one")]
    SeveralNames,
    #[error("{0:?} is no SPIFFE name of the trust domain {1:?}")]
    OtherDomain(String, String),
    #[error("{0:?} does not name a service: spiffe://<trust domain>/<service>, 1 to 64 of a-z, 0-9 and -")]
    NoService(String),
    #[error("the certificate names {found:?}, and {expected:?} is wanted")]
    OtherService { found: Arc<str>, expected: Arc<str> },
}

impl From<Error> for TlsError {
    /// Ends a handshake.
    fn from(error: Error) -> Self {
        CertificateError::Other(OtherError(Arc::new(error))).into()
    }
}

/// The service that a certificate names, which somebody else has found to be of the CA.
///
/// # Errors
/// When its URI names are not exactly one, `spiffe://<trust domain>/<service>`.
pub(super) fn service_of(certificate: &CertificateDer<'_>, trust_domain: &str) -> Result<Arc<str>, Error> {
    let certificate = webpki::EndEntityCert::try_from(certificate).map_err(Error::Unreadable)?;
    let mut names = certificate.valid_uri_names();
    let name = names.next().ok_or(Error::NoName)?;
    if names.next().is_some() {
        return Err(Error::SeveralNames);
    }
    let rest = name.strip_prefix(SCHEME).ok_or(Error::NoName)?;
    let (domain, service) = rest.split_once('/').unwrap_or((rest, ""));
    if domain != trust_domain {
        return Err(Error::OtherDomain(name.to_owned(), trust_domain.to_owned()));
    }
    if !is_service(service) {
        return Err(Error::NoService(name.to_owned()));
    }
    Ok(service.into())
}

/// The same, where one service alone will do.
pub(super) fn expect(certificate: &CertificateDer<'_>, trust_domain: &str, expected: &Arc<str>) -> Result<(), Error> {
    let found = service_of(certificate, trust_domain)?;
    if found == *expected {
        return Ok(());
    }
    let expected = expected.clone();
    Err(Error::OtherService { found, expected })
}

/// Whether this may be the name of a service.
pub(super) fn is_service(name: &str) -> bool {
    (1..=LONGEST_SERVICE).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Reads a trust domain as SPIFFE allows it.
pub(crate) fn parse_trust_domain(text: &str) -> Result<String, String> {
    let is_plain = (1..=LONGEST_TRUST_DOMAIN).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_'));
    match is_plain {
        true => Ok(text.to_owned()),
        false => Err("a trust domain is 1 to 255 of a-z, 0-9, '.', '-' and '_'".to_owned()),
    }
}
