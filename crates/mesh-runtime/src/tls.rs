//! Who is at the other end of a connection, proven by certificates on both sides (mutual TLS).
//!
//! A service is named by its certificate: the one URI among its names is `spiffe://<trust domain>/<service>` (SPIFFE
//! X.509-SVID). Certificate, key and CA bundle are files, read anew when they change; each new connection uses the newest.
//! The server asks every client for a certificate of the CA and of its trust domain, and hands the proven name to the RPCs of
//! the connection as [`PeerService`]. The client wants the name of the service that it calls, whatever its address is.
//!
//! Absent on purpose: TLS 1.2, since all callers are services of today; resumed sessions, since a resumed one repeats no check
//! of the certificate; revocation lists: certificates live for hours or days, the CA bundle can be exchanged, and a
//! connection gives way to a new one after an hour.

mod client;
mod credentials;
pub(crate) mod engines;
mod proof;
mod server;
mod spiffe;
#[cfg(test)]
mod tests;

pub(crate) use client::Connector;
pub(crate) use credentials::{Credentials, Files};
pub(crate) use server::incoming;
pub(crate) use spiffe::parse_trust_domain;

use anyhow::bail;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The protocol that both sides agree on within TLS (ALPN): HTTP/2.
const HTTP2: &[u8] = b"h2";

/// The cryptography, named here so that it never depends on which other one some library brings along.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The settings of mutual TLS.
// Not a group of clap: its name would be taken from a service's own settings.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct Settings {
    /// This service's certificate in PEM, with intermediate ones after it, whose one URI name is
    /// spiffe://<trust-domain>/<service>. Read anew when it changes, as are tls-key and tls-ca.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The private key of tls-certificate, in PEM.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The CA certificates that callers and peers are checked against, in PEM.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The trust domain of the SPIFFE names of callers and peers.
    #[arg(long, value_name = "NAME", default_value = "voluntier.internal", value_parser = parse_trust_domain, help_heading = "TLS")]
    pub(crate) trust_domain: String,
    /// Serve and call without TLS, so without knowing who calls; on this machine's loopback addresses only.
    #[arg(long, help_heading = "TLS")]
    pub(crate) insecure_plaintext: bool,
}

/// A setting that can't work, found out late, while the service is put together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misconfigured(pub(crate) String);

/// How this process talks to other services.
#[derive(Clone)]
pub(crate) enum Transport {
    /// With proof of who it is, and of who they are.
    Tls(Arc<Credentials>),
    /// Without, on this machine alone.
    Plaintext,
    /// Not at all.
    None,
}

impl Transport {
    /// Reads the files, if there are any. `listen` is where this process serves, if it does.
    ///
    /// # Errors
    /// When the settings contradict each other, or the files can't be used; the error says what to do.
    pub(crate) fn of(service: &str, settings: &Settings, listen: Option<SocketAddr>) -> anyhow::Result<Self> {
        match files_of(settings)? {
            Some(_) if settings.insecure_plaintext => {
                bail!("insecure-plaintext and tls-certificate contradict each other: leave one out")
            }
            Some(files) => {
                let credentials = Credentials::read(files, &settings.trust_domain, service)?;
                Ok(Self::Tls(Arc::new(credentials)))
            }
            None if settings.insecure_plaintext => match listen.filter(|address| !address.ip().is_loopback()) {
                Some(address) => bail!(
                    "insecure-plaintext is for loopback addresses, and grpc-listen is {address}: listen on 127.0.0.1, or \
                     give tls-certificate, tls-key and tls-ca"
                ),
                None => Ok(Self::Plaintext),
            },
            None if listen.is_some() => bail!(
                "there is no certificate: give tls-certificate, tls-key and tls-ca; or, on a loopback address, \
                 insecure-plaintext"
            ),
            // A worker without peers talks to no other service.
            None => Ok(Self::None),
        }
    }

    /// What a server needs for TLS; nothing without it.
    pub(crate) fn credentials(&self) -> Option<Arc<Credentials>> {
        match self {
            Self::Tls(credentials) => Some(credentials.clone()),
            Self::Plaintext | Self::None => None,
        }
    }
}

fn files_of(settings: &Settings) -> anyhow::Result<Option<Files>> {
    let given = [
        ("tls-certificate", &settings.tls_certificate),
        ("tls-key", &settings.tls_key),
        ("tls-ca", &settings.tls_ca),
    ];
    if let [Some(certificate), Some(key), Some(ca)] = given.map(|(_, file)| file.clone()) {
        return Ok(Some(Files { certificate, key, ca }));
    }
    let missing: Vec<&str> = given
        .iter()
        .filter_map(|(name, file)| file.is_none().then_some(*name))
        .collect();
    if missing.len() == given.len() {
        return Ok(None);
    }
    bail!(
        "tls-certificate, tls-key and tls-ca belong together; missing: {}",
        missing.join(", ")
    );
}

/// The service at the other end of the connection that an RPC came over, among the RPC's extensions:
/// `request.extensions().get::<PeerService>()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerService(Option<Arc<str>>);

impl PeerService {
    /// The one that a certificate has proven.
    pub(crate) fn proven(name: Arc<str>) -> Self {
        Self(Some(name))
    }

    /// Its name, proven by its certificate; `None` in plaintext, which proves nothing.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}
