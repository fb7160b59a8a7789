//! Certificate, key and CA bundle, and their exchange while the process runs.

use super::proof::{Callers, ExpectedPeer};
use super::{HTTP2, provider, spiffe};
use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_rustls::rustls::client::{ClientConfig, Resumption, verify_server_cert_signed_by_trust_anchor};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{
    NoServerSessionStorage, ParsedCertificate, ServerConfig, WebPkiClientVerifier, danger::ClientCertVerifier,
};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{Error as TlsError, RootCertStore, version};

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How long before its end the log warns of a certificate, at most. Of one that lives for less than three times as long it warns
/// in the last third of the time that was left when it was read.
const EXPIRY_NOTICE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where certificate, key and CA bundle are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
}

/// What the files held at one moment, found to fit together.
struct Material {
    own: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    server: Arc<ServerConfig>,
    /// Says whether a certificate is of the CA and in its time.
    authority: Arc<dyn ClientCertVerifier>,
    digest: Digested,
    /// How long before its end the log warns of the certificate.
    notice: Duration,
}

/// SHA-256 over the three files.
type Digested = [u8; 32];

/// This service's proof of who it is, and what others' proofs are checked against.
pub(crate) struct Credentials {
    files: Files,
    trust_domain: Arc<str>,
    service: Arc<str>,
    current: Mutex<Arc<Material>>,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    /// When a file can't be read, the key is not the certificate's, or the certificate is not of the CA, not in its time, or
    /// not `service`'s. The error says which file.
    pub(crate) fn read(files: Files, trust_domain: &str, service: &str) -> anyhow::Result<Self> {
        ensure!(
            spiffe::is_service(service),
            "{service:?} can't stand in a SPIFFE name: 1 to 64 of a-z, 0-9 and -"
        );
        let (trust_domain, service): (Arc<str>, Arc<str>) = (trust_domain.into(), service.into());
        let material = Bytes::read(&files)?.material(&files, &trust_domain, &service)?;
        Ok(Self {
            files,
            trust_domain,
            service,
            current: Mutex::new(Arc::new(material)),
        })
    }

    pub(super) fn trust_domain(&self) -> &Arc<str> {
        &self.trust_domain
    }

    #[cfg(test)]
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Of what is in use.
    #[cfg(test)]
    pub(super) fn digest(&self) -> Digested {
        self.current().digest
    }

    /// For the next connection that comes in.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.current().server.clone()
    }

    /// For the next connection to a peer that is to be `expected`.
    pub(super) fn client(&self, expected: &Arc<str>) -> Arc<ClientConfig> {
        let current = self.current();
        let (roots, domain) = (current.roots.clone(), self.trust_domain.clone());
        let peer = ExpectedPeer::new(roots, domain, expected.clone());
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])
            .expect("ring has TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(peer))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(current.own.clone())));
        config.alpn_protocols = vec![HTTP2.to_vec()];
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }

    /// Looks at the files every 2 s, without end. A change is taken over where all three files fit together; otherwise the log
    /// warns once and what was there before goes on.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = Look::default();
        loop {
            looks.tick().await;
            let this = self.clone();
            let looked = tokio::task::spawn_blocking(move || {
                this.look(&mut look);
                look
            });
            match looked.await {
                Ok(after) => look = after,
                Err(error) => {
                    tracing::error!(%error, "a look at the certificates broke off");
                    look = Look::default();
                }
            }
        }
    }

    /// One look: takes over what is new and good.
    pub(super) fn look(&self, look: &mut Look) {
        match Bytes::read(&self.files) {
            Err(error) => {
                let error = format!("{error:#}");
                look.complain(Complaint::Unreadable(error.clone()), &error);
            }
            Ok(bytes) if bytes.digest() == self.current().digest => look.complaint = None,
            // Also what was refused before: a certificate that is not yet valid will be.
            Ok(bytes) => self.exchange(&bytes, look),
        }
        self.notice_expiry(look);
    }

    fn exchange(&self, bytes: &Bytes, look: &mut Look) {
        match bytes.material(&self.files, &self.trust_domain, &self.service) {
            Ok(material) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(material);
                *look = Look::default();
                tracing::info!("certificate, key and CA were exchanged; new connections use the new ones");
            }
            Err(error) => look.complain(Complaint::Refused(bytes.digest()), &format!("{error:#}")),
        }
    }

    fn notice_expiry(&self, look: &mut Look) {
        let (current, file) = (self.current(), self.files.certificate.display());
        let end = match current.check_own(now()) {
            Err(_) => End::Past,
            Ok(()) if current.check_own(later(now(), current.notice)).is_err() => End::Near,
            Ok(()) => End::Far,
        };
        if end > look.end {
            match end {
                End::Past => tracing::error!(%file, "the certificate has ended: every new connection is refused"),
                End::Near | End::Far => tracing::warn!(
                    %file,
                    "the certificate ends within {:?}, and no connection can be opened then: put a new one in its place",
                    current.notice
                ),
            }
        }
        look.end = end;
    }

    fn current(&self) -> Arc<Material> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What earlier looks said, so that each thing is said once.
#[derive(Default)]
pub(super) struct Look {
    complaint: Option<Complaint>,
    end: End,
}

/// What is wrong with the files.
#[derive(PartialEq)]
enum Complaint {
    Unreadable(String),
    /// By what they hold: the reason may have the present time in it.
    Refused(Digested),
}

/// When the certificate ends.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
enum End {
    #[default]
    Far,
    Near,
    Past,
}

impl Look {
    fn complain(&mut self, complaint: Complaint, error: &str) {
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::warn!(error, "the new certificates are of no use; the former ones go on");
            self.complaint = Some(complaint);
        }
    }
}

/// The content of the files.
struct Bytes {
    certificate: Vec<u8>,
    key: Vec<u8>,
    ca: Vec<u8>,
}

impl Bytes {
    fn read(files: &Files) -> anyhow::Result<Self> {
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("{} can't be read", file.display()));
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            ca: read(&files.ca)?,
        })
    }

    /// The key itself is not kept for the comparison.
    fn digest(&self) -> Digested {
        let mut all = Sha256::new();
        for part in [&self.certificate, &self.key, &self.ca] {
            all.update(Sha256::digest(part));
        }
        all.finalize().into()
    }

    fn material(&self, files: &Files, trust_domain: &Arc<str>, service: &Arc<str>) -> anyhow::Result<Material> {
        let (certificate, key, ca) = (files.certificate.display(), files.key.display(), files.ca.display());
        let chain = certificates(&self.certificate).with_context(|| format!("{certificate} can't be read"))?;
        let private =
            PrivateKeyDer::from_pem_slice(&self.key).with_context(|| format!("{key} holds no private key"))?;
        let own = CertifiedKey::from_der(chain, private, &provider())
            .with_context(|| format!("{key} is not the key of {certificate}"))?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.ca).with_context(|| format!("{ca} can't be read"))? {
            roots
                .add(root)
                .with_context(|| format!("{ca} holds a certificate that is no CA's"))?;
        }
        let roots = Arc::new(roots);
        let authority = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider())
            .build()
            .with_context(|| format!("{ca} can't be used"))?;
        let own = Arc::new(own);
        let callers = Callers::new(authority.clone(), trust_domain.clone());
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])?
            .with_client_cert_verifier(Arc::new(callers))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(own.clone())));
        server.alpn_protocols = vec![HTTP2.to_vec()];
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        let mut material = Material {
            own,
            roots,
            server: Arc::new(server),
            authority,
            digest: self.digest(),
            notice: EXPIRY_NOTICE,
        };
        material
            .check_own(now())
            .with_context(|| format!("{certificate} proves nothing to whoever has {ca}"))?;
        material.notice = EXPIRY_NOTICE.min(material.time_left(3 * EXPIRY_NOTICE) / 3);
        spiffe::expect(&material.own.cert[0], trust_domain, service)
            .with_context(|| format!("{certificate} is of no use"))?;
        Ok(material)
    }
}

impl Material {
    /// Whether our own certificate is one that we ourselves would accept at that moment, from a caller and from a peer.
    fn check_own(&self, at: UnixTime) -> Result<(), TlsError> {
        let [own, intermediates @ ..] = self.own.cert.as_slice() else {
            return Err(TlsError::NoCertificatesPresented);
        };
        self.authority.verify_client_cert(own, intermediates, at)?;
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(own)?,
            &self.roots,
            intermediates,
            at,
            provider().signature_verification_algorithms.all,
        )
    }

    /// How long our own certificate, which is good now, will be so yet, to the second and up to `most`.
    fn time_left(&self, most: Duration) -> Duration {
        let now = now();
        let is_good = |after: u64| self.check_own(later(now, Duration::from_secs(after))).is_ok();
        let (mut good, mut bad) = (0, most.as_secs() + 1);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            match is_good(middle) {
                true => good = middle,
                false => bad = middle,
            }
        }
        Duration::from_secs(good)
    }
}

pub(super) fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
    ensure!(!certificates.is_empty(), "no certificate in PEM");
    Ok(certificates)
}

fn later(now: UnixTime, by: Duration) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + by)
}

fn now() -> UnixTime {
    let since_1970 = crate::clock::now().duration_since(jiff::Timestamp::UNIX_EPOCH);
    UnixTime::since_unix_epoch(Duration::try_from(since_1970).unwrap_or_default())
}
