//! Connections to peers.

use super::credentials::Credentials;
use super::proof::describe;
use super::{HTTP2, spiffe};
use anyhow::ensure;
use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tower::Service;

/// Opens connections to one service, wherever it is, each with the newest certificates.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    credentials: Arc<Credentials>,
    expected: Arc<str>,
}

impl Connector {
    pub(crate) fn new(credentials: Arc<Credentials>, expected: &str) -> anyhow::Result<Self> {
        ensure!(
            spiffe::is_service(expected),
            "{expected:?} can't be the name of a service"
        );
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        Ok(Self {
            tcp,
            credentials,
            expected: expected.into(),
        })
    }
}

impl Service<http::Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let connect = self.tcp.call(uri.clone());
        let config = self.credentials.client(&self.expected);
        let expected = self.expected.clone();
        Box::pin(async move {
            let tcp = connect.await?.into_inner();
            let host = uri.host().unwrap_or_default();
            let host = ServerName::try_from(host.trim_matches(['[', ']']))?.to_owned();
            let connected = TlsConnector::from(config).connect(host, tcp).await;
            let unproven = |error| format!("no proof that this is {expected:?}: {}", describe(&error));
            let stream = connected.map_err(unproven)?;
            if stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
                return Err("the peer does not speak HTTP/2 within TLS".into());
            }
            Ok(TokioIo::new(stream))
        })
    }
}
