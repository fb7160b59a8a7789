//! TLS to Temporal and to the OTLP collector, which are servers of somebody else: known by the names of their addresses, not by
//! SPIFFE names.

use super::credentials::certificates;
use super::provider;
use anyhow::{Context, bail, ensure};
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use temporalio_client::{ClientTlsOptions, TlsOptions};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::sign::CertifiedKey;
use tonic::transport::{Certificate, ClientTlsConfig};
use url::Url;

/// The settings of TLS with Temporal.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct TemporalSettings {
    /// The CA certificates that Temporal's frontend is checked against, in PEM; by default the system's. With this or any of
    /// the following, temporal-url begins with https://. These files are read at start.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) temporal_tls_ca: Option<PathBuf>,
    /// The certificate that this service shows to Temporal, in PEM.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) temporal_tls_certificate: Option<PathBuf>,
    /// The private key of temporal-tls-certificate, in PEM.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) temporal_tls_key: Option<PathBuf>,
    /// The name that the certificate of Temporal's frontend must have; by default the host of temporal-url.
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub(crate) temporal_tls_server_name: Option<String>,
    /// A file with the API key for Temporal, one line.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) temporal_api_key_file: Option<PathBuf>,
}

/// What the client of Temporal needs.
#[derive(Clone, Default)]
pub(crate) struct TemporalAccess {
    /// Nothing for `http`.
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) api_key: Option<SecretString>,
}

impl TemporalAccess {
    /// Reads the files.
    ///
    /// # Errors
    /// When a file can't be used, a certificate comes without its key, or something would go over plain HTTP.
    pub(crate) fn read(settings: &TemporalSettings, url: &Url) -> anyhow::Result<Self> {
        let api_key = settings.temporal_api_key_file.as_deref().map(api_key).transpose()?;
        let client = match (&settings.temporal_tls_certificate, &settings.temporal_tls_key) {
            (Some(certificate), Some(key)) => Some(client(certificate, key)?),
            (None, None) => None,
            _ => bail!("temporal-tls-certificate and temporal-tls-key belong together"),
        };
        let ca = settings.temporal_tls_ca.as_deref().map(ca).transpose()?;
        let server_name = settings.temporal_tls_server_name.clone();
        if url.scheme() == "https" {
            let tls = TlsOptions::builder()
                .maybe_server_root_ca_cert(ca)
                .maybe_domain(server_name)
                .maybe_client_tls_options(client)
                .build();
            return Ok(Self {
                tls: Some(tls),
                api_key,
            });
        }
        let is_plain = ca.is_none() && server_name.is_none() && client.is_none() && api_key.is_none();
        ensure!(
            is_plain,
            "temporal-url must begin with https://, because there are settings of TLS or an API key, and {url} is plaintext"
        );
        Ok(Self::default())
    }
}

/// What the OTLP exporter needs; nothing for `http`. Without a CA it trusts the system's.
///
/// # Errors
/// When the CA can't be used, or `url` is plaintext.
pub(crate) fn collector(url: &Url, file: Option<&Path>) -> anyhow::Result<Option<ClientTlsConfig>> {
    match (url.scheme(), file) {
        ("https", Some(file)) => Ok(Some(
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca(file)?)),
        )),
        ("https", None) => Ok(Some(ClientTlsConfig::new().with_native_roots())),
        (_, Some(_)) => {
            bail!("otlp-endpoint must begin with https://, because there is otlp-ca, and {url} is plaintext")
        }
        (_, None) => Ok(None),
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))
}

/// CA certificates in PEM.
///
/// # Errors
/// When the file can't be read, or holds none.
pub(crate) fn ca(file: &Path) -> anyhow::Result<Vec<u8>> {
    let pem = read(file)?;
    certificates(&pem).with_context(|| format!("{} can't be read", file.display()))?;
    Ok(pem)
}

fn client(certificate: &Path, key: &Path) -> anyhow::Result<ClientTlsOptions> {
    let (chain, private) = (ca(certificate)?, read(key)?);
    let parsed =
        PrivateKeyDer::from_pem_slice(&private).with_context(|| format!("{} holds no private key", key.display()))?;
    CertifiedKey::from_der(certificates(&chain)?, parsed, &provider())
        .with_context(|| format!("{} is not the key of {}", key.display(), certificate.display()))?;
    Ok(ClientTlsOptions::builder()
        .client_cert(chain)
        .client_private_key(private)
        .build())
}

/// The error never holds what is in the file.
fn api_key(file: &Path) -> anyhow::Result<SecretString> {
    let text = String::from_utf8(read(file)?).ok();
    let key = text.map(|text| SecretString::from(text.trim().to_owned()));
    let is_key = |key: &SecretString| {
        let key = key.expose_secret();
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    key.filter(is_key)
        .with_context(|| format!("{} is not one line with an API key", file.display()))
}
