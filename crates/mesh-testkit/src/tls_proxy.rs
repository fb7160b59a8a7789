//! TLS before a server that has none, such as Temporal's development server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
};

use crate::CertificateFiles;

/// How long a handshake, and the server's accepting, may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a client has to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProof {
    /// None is asked for.
    NotAsked,
    /// One of the CA.
    Required,
}

/// Takes TLS off on the way to an address; ends with its owner.
#[derive(Debug)]
pub struct TlsProxy {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl TlsProxy {
    /// Listens on a free port, as the owner of `own`, and passes everything on to `upstream`.
    ///
    /// # Errors
    /// When no port is free, or the files hold no certificate and key.
    pub async fn before(upstream: SocketAddr, own: &CertificateFiles, clients: ClientProof) -> anyhow::Result<Self> {
        let acceptor = TlsAcceptor::from(Arc::new(config(own, clients)?));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
        let address = listener.local_addr()?;
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, acceptor, upstream));
        Ok(Self {
            address,
            _accepting: accepting,
        })
    }

    /// Where clients connect instead: `https://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

fn config(own: &CertificateFiles, clients: ClientProof) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let builder = match clients {
        ClientProof::NotAsked => builder.with_no_client_auth(),
        ClientProof::Required => {
            let mut roots = RootCertStore::empty();
            for root in CertificateDer::pem_file_iter(&own.ca)? {
                roots.add(root?)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = CertificateDer::pem_file_iter(&own.certificate)?.collect::<Result<_, _>>()?;
    let mut config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(&own.key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, upstream: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                connections.spawn(carry(client, acceptor.clone(), upstream));
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// Carries one connection until an end closes it. A client that is refused has heard why by an alert.
async fn carry(client: TcpStream, acceptor: TlsAcceptor, upstream: SocketAddr) {
    let opened = tokio::time::timeout(TIMEOUT, async {
        client.set_nodelay(true)?;
        let client = acceptor.accept(client).await?;
        let server = TcpStream::connect(upstream).await?;
        server.set_nodelay(true)?;
        std::io::Result::Ok((client, server))
    });
    if let Ok(Ok((mut client, mut server))) = opened.await {
        let _ended_by_either = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
