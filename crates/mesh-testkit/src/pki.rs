//! A development CA and the certificates of services, as files.

use std::{
    fs::OpenOptions,
    io::Write,
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// The trust domain of the services' names, as services have it by default.
pub const TRUST_DOMAIN: &str = "voluntier.internal";

/// A CA for development and tests. Its key is in memory only, and so is gone with the value.
pub struct Pki {
    folder: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
    /// Held while a certificate and its key are written or read, so that nobody of this process gets two that don't fit.
    files: Mutex<()>,
}

/// The three files that a service, or a caller of one, needs for TLS, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// Its certificate.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The CA's certificate.
    pub ca: PathBuf,
}

/// What is wrong with a certificate that a test makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It ended in 2021.
    Expired,
    /// It begins in 2099.
    NotYetValid,
    /// Its name is of another trust domain.
    OtherTrustDomain,
    /// Its name is not a service's: it has two segments.
    NoService,
    /// It has no SPIFFE name.
    NoName,
    /// It has two SPIFFE names.
    TwoNames,
    /// It is for clients alone.
    NoServer,
}

impl Pki {
    /// Makes a CA with a name of its own, and writes its certificate into `folder`, which must be there.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        let mut params = params(&format!("voluntier-mesh development CA {}", crate::new_uuid()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let pki = Self {
            folder: folder.to_owned(),
            authority,
            files: Mutex::new(()),
        };
        write(&pki.ca(), &pki.authority.pem())?;
        Ok(pki)
    }

    /// The file of the CA's certificate.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The files of a service, or a caller, which are made at the first call.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn of(&self, service: &str) -> anyhow::Result<CertificateFiles> {
        let files = self.files_of(service);
        match files.certificate.exists() && files.key.exists() {
            true => Ok(files),
            false => self.issue(service),
        }
    }

    /// What tonic's client needs to call services as `caller`.
    ///
    /// # Errors
    /// When the caller's files can't be written or read.
    pub fn client(&self, caller: &str) -> anyhow::Result<ClientTlsConfig> {
        let CertificateFiles { certificate, key, ca } = self.of(caller)?;
        let _unchanged = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        Ok(ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&ca)?))
            .identity(Identity::from_pem(read(&certificate)?, read(&key)?)))
    }

    /// Writes a new certificate and its key for a service, or a caller, of that name, over those that are there. It is good
    /// for clients and servers, and names `localhost` and 127.0.0.1 besides, for clients that look at the address.
    ///
    /// # Errors
    /// When the files can't be written.
    pub fn issue(&self, service: &str) -> anyhow::Result<CertificateFiles> {
        self.write_certificate(service, params(service), &[uri(TRUST_DOMAIN, service)?])
    }

    /// As [`Pki::issue`], with a certificate that ends after `lifetime`.
    ///
    /// # Errors
    /// When the files can't be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of a certificate is an instant, and there is no kit to ask"
    )]
    pub fn issue_for(&self, service: &str, lifetime: Duration) -> anyhow::Result<CertificateFiles> {
        let mut params = params(service);
        params.not_after = (SystemTime::now() + lifetime).into();
        self.write_certificate(service, params, &[uri(TRUST_DOMAIN, service)?])
    }

    /// As [`Pki::issue`], with a certificate that begins after `delay`.
    ///
    /// # Errors
    /// When the files can't be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "the begin of a certificate is an instant, and there is no kit to ask"
    )]
    pub fn issue_from(&self, service: &str, delay: Duration) -> anyhow::Result<CertificateFiles> {
        let mut params = params(service);
        params.not_before = (SystemTime::now() + delay).into();
        self.write_certificate(service, params, &[uri(TRUST_DOMAIN, service)?])
    }

    /// As [`Pki::issue`], but with something wrong, and in files of its own.
    ///
    /// # Errors
    /// When the files can't be written.
    pub fn issue_flawed(&self, service: &str, flaw: Flaw) -> anyhow::Result<CertificateFiles> {
        let mut params = params(service);
        let mut names = vec![uri(TRUST_DOMAIN, service)?];
        match flaw {
            Flaw::Expired => params.not_after = date_time_ymd(2021, 1, 1),
            Flaw::NotYetValid => params.not_before = date_time_ymd(2099, 1, 1),
            Flaw::OtherTrustDomain => names = vec![uri("elsewhere.internal", service)?],
            Flaw::NoService => names = vec![uri(TRUST_DOMAIN, &format!("{service}/1"))?],
            Flaw::NoName => names.clear(),
            Flaw::TwoNames => names.push(uri(TRUST_DOMAIN, "another")?),
            Flaw::NoServer => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        }
        self.write_certificate(&format!("{service}-{flaw:?}"), params, &names)
    }

    fn files_of(&self, name: &str) -> CertificateFiles {
        CertificateFiles {
            certificate: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}-key.pem")),
            ca: self.ca(),
        }
    }

    fn write_certificate(
        &self,
        file: &str,
        mut params: CertificateParams,
        names: &[SanType],
    ) -> anyhow::Result<CertificateFiles> {
        params.subject_alt_names = names.to_vec();
        params.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
        params
            .subject_alt_names
            .push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if params.extended_key_usages.is_empty() {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        }
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        let _alone = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let files = self.files_of(file);
        write(&files.certificate, &certificate.pem())?;
        write(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

impl std::fmt::Debug for Pki {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pki")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn uri(trust_domain: &str, path: &str) -> anyhow::Result<SanType> {
    Ok(SanType::URI(format!("spiffe://{trust_domain}/{path}").try_into()?))
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    // Development certificates live as long as the folder that they are in.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

/// Puts a file in its place at once, so that nobody reads a half of it; readable by its owner alone.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    let write = || {
        let mut opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        opened.write_all(text.as_bytes())?;
        std::fs::rename(&new, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}
