//! What certificate proves that the other end is who it must be.

use super::{provider, spiffe};
use std::io;
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, RootCertStore, SignatureScheme,
};

/// Accepts clients by certificate: of the CA, in its time, and of a service of the trust domain.
#[derive(Debug)]
pub(super) struct Callers {
    authority: Arc<dyn ClientCertVerifier>,
    trust_domain: Arc<str>,
}

impl Callers {
    pub(super) fn new(authority: Arc<dyn ClientCertVerifier>, trust_domain: Arc<str>) -> Self {
        Self {
            authority,
            trust_domain,
        }
    }
}

impl ClientCertVerifier for Callers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authority.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        let accepted = self.authority.verify_client_cert(certificate, intermediates, now)?;
        spiffe::service_of(certificate, &self.trust_domain)?;
        Ok(accepted)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.authority.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.authority.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authority.supported_verify_schemes()
    }
}

/// Accepts one service: by the name in its certificate, not by its address.
#[derive(Debug)]
pub(super) struct ExpectedPeer {
    roots: Arc<RootCertStore>,
    trust_domain: Arc<str>,
    service: Arc<str>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ExpectedPeer {
    pub(super) fn new(roots: Arc<RootCertStore>, trust_domain: Arc<str>, service: Arc<str>) -> Self {
        Self {
            roots,
            trust_domain,
            service,
            algorithms: provider().signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for ExpectedPeer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _address: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, self.algorithms.all)?;
        spiffe::expect(certificate, &self.trust_domain, &self.service)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a handshake failed, in words.
pub(super) fn describe(error: &io::Error) -> String {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match of_tls {
        Some(TlsError::InvalidMessage(_)) => "the other end speaks no TLS".to_owned(),
        Some(TlsError::NoCertificatesPresented) => "the other end has no certificate".to_owned(),
        Some(TlsError::InvalidCertificate(CertificateError::Other(why))) => why.0.to_string(),
        _ => error.to_string(),
    }
}
