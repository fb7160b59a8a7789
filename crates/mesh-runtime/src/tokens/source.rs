//! Where an issuer publishes its keys: a file, or a page.

use anyhow::{Context, bail, ensure};
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use url::{Host, Url};

/// The largest JWKS, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A JWKS as a file or a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Read again when it is time to, and when a token names an unknown key and the file has changed.
    File(PathBuf),
    /// `https`, or `http` at a loopback address.
    Page {
        url: Url,
        /// The CA certificates that the page is checked against, in PEM; without, the system's.
        ca: Option<Vec<u8>>,
    },
}

impl Source {
    /// # Errors
    /// When a URL is neither `https` nor `http` at a loopback address, or holds a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url: Url = text.parse().map_err(|error| format!("no URL: {error}"))?;
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => {
                return Err("keys that come over http can be anybody's: use https (http is for 127.0.0.1)".to_owned());
            }
            _ => return Err("must be a file's path, or an https URL".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a name or a password".to_owned());
        }
        Ok(Self::Page { url, ca: None })
    }

    /// The same, checked against these CA certificates, in PEM.
    ///
    /// # Errors
    /// When it is no `https` URL.
    pub(crate) fn checked_against(self, ca: Vec<u8>) -> Result<Self, String> {
        match self {
            Self::Page { url, .. } if url.scheme() == "https" => Ok(Self::Page { url, ca: Some(ca) }),
            _ => Err("jwks-ca needs a jwks that begins with https://".to_owned()),
        }
    }

    /// How long after the begin of one reading the next may begin, when a token names an unknown key. To see that a file has
    /// not changed costs nothing.
    pub(super) fn least_interval(&self) -> Duration {
        match self {
            Self::File(_) => Duration::ZERO,
            Self::Page { .. } => Duration::from_secs(10),
        }
    }
}

impl fmt::Display for Source {
    /// Without the query, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Page { url, .. } => write!(f, "{}{}", url.origin().ascii_serialization(), url.path()),
        }
    }
}

/// Why a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is time to.
    Due,
    /// A token names a key that is not known.
    Wanted,
}

/// Reads a source again and again.
pub(super) enum Reader {
    File { path: PathBuf, seen: Option<Stamp> },
    Page { url: Url, client: reqwest::Client },
}

/// What changes with a file: its inode, its size in bytes, its time in nanoseconds.
pub(super) type Stamp = (u64, u64, i64, i64);

impl Reader {
    /// # Errors
    /// When the CA can't be used.
    pub(super) fn new(source: &Source) -> anyhow::Result<Self> {
        match source {
            Source::File(path) => Ok(Self::File {
                path: path.clone(),
                seen: None,
            }),
            Source::Page { url, ca } => {
                let client = reqwest::Client::builder()
                    // Each reading is by itself, and one that fails is not tried again.
                    .pool_max_idle_per_host(0)
                    .retry(reqwest::retry::never())
                    .redirect(reqwest::redirect::Policy::none())
                    .user_agent("mesh-runtime");
                // What listens on this machine is not behind the proxy that the environment may name.
                let client = if url.scheme() == "http" {
                    client.no_proxy()
                } else {
                    client
                };
                let client = match ca {
                    Some(pem) => client.tls_certs_only(
                        reqwest::Certificate::from_pem_bundle(pem).context("jwks-ca holds something else than PEM")?,
                    ),
                    None => client,
                };
                Ok(Self::Page {
                    url: url.clone(),
                    client: client
                        .build()
                        .context("no HTTP client can be made; jwks-ca must hold certificates of a CA")?,
                })
            }
        }
    }

    /// The JWKS; `None` when it is wanted from a file that has not changed. The caller bounds the time.
    ///
    /// # Errors
    /// When it can't be read, is larger than 1 MiB, or the page answers with anything but 200.
    pub(super) async fn read(&mut self, why: Why) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::File { path, seen } => {
                let stamp = stamp(path).await?;
                if why == Why::Wanted && *seen == Some(stamp) {
                    return Ok(None);
                }
                let bytes = read_file(path).await?;
                *seen = Some(stamp);
                Ok(Some(bytes))
            }
            Self::Page { url, client } => read_page(url, client).await.map(Some),
        }
    }
}

async fn stamp(path: &Path) -> anyhow::Result<Stamp> {
    let facts = tokio::fs::metadata(path).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!("there is no such file"),
        _ => error.into(),
    })?;
    Ok((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))
}

async fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).await?;
    ensure!(bytes.len() <= MAX_BYTES, "it is larger than {MAX_BYTES} bytes");
    Ok(bytes)
}

async fn read_page(url: &Url, client: &reqwest::Client) -> anyhow::Result<Vec<u8>> {
    let without_url = |error: reqwest::Error| error.without_url();
    let mut response = client.get(url.clone()).send().await.map_err(without_url)?;
    if response.status() != http::StatusCode::OK {
        bail!("it answered with {}", response.status());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(without_url)? {
        ensure!(
            bytes.len() + chunk.len() <= MAX_BYTES,
            "it is larger than {MAX_BYTES} bytes"
        );
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
