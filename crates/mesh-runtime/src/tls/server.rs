//! Connections that come in.

use super::credentials::Credentials;
use super::proof::describe;
use super::{HTTP2, PeerService, spiffe};
use futures::Stream;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::Error as TlsError;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// What a client of HTTP/2 sends first (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a handshake may take, up to the client's [`PREFACE`].
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes at once. One more ends the oldest: a handshake takes milliseconds, so the oldest is of a peer that says nothing.
pub(super) const MAX_HANDSHAKES: usize = 256;
/// How long nothing is accepted after the system refused a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// One refused connection is logged in this time at most: a stranger must not fill the log.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A connection with a caller.
pub(crate) enum Connection {
    Plaintext(TcpStream),
    Tls(Box<Proven>),
}

/// A connection within TLS.
pub(crate) struct Proven {
    stream: TlsStream<TcpStream>,
    /// The caller's name, which its certificate proves.
    name: Arc<str>,
    /// What of the [`PREFACE`] is yet to be handed on; it was read before.
    preface: &'static [u8],
}

impl Connected for Connection {
    type ConnectInfo = PeerService;

    fn connect_info(&self) -> PeerService {
        match self {
            Self::Plaintext(_) => PeerService::default(),
            Self::Tls(proven) => PeerService::proven(proven.name.clone()),
        }
    }
}

/// The connections that come in, ready to carry HTTP/2. With credentials each has proven who calls.
pub(crate) fn incoming(
    listener: TcpListener,
    credentials: Option<Arc<Credentials>>,
) -> impl Stream<Item = io::Result<Connection>> {
    let door = Door {
        listener,
        credentials,
        handshakes: JoinSet::new(),
        order: VecDeque::new(),
        refusals: Refusals::default(),
    };
    futures::stream::unfold(door, |mut door| async {
        let connection = door.next().await;
        Some((Ok(connection), door))
    })
}

/// Accepts connections and shakes hands with many peers at once.
struct Door {
    listener: TcpListener,
    credentials: Option<Arc<Credentials>>,
    handshakes: JoinSet<Result<Connection, Refused>>,
    /// The handshakes and whose they are, the oldest first; some have ended.
    order: VecDeque<(AbortHandle, SocketAddr)>,
    refusals: Refusals,
}

struct Refused {
    peer: SocketAddr,
    why: io::Error,
}

impl Door {
    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Err(error) => {
                        tracing::warn!(%error, "a connection can't be accepted");
                        let _nothing_comes = tokio::time::timeout(ACCEPT_PAUSE, std::future::pending::<()>()).await;
                    }
                    Ok((stream, peer)) => {
                        // Fails only for a connection that is gone, which the next read says as well.
                        let _ = stream.set_nodelay(true);
                        match &self.credentials {
                            None => return Connection::Plaintext(stream),
                            Some(credentials) => self.begin(stream, peer, credentials.clone()),
                        }
                    }
                },
                Some(ended) = self.handshakes.join_next() => match ended {
                    Ok(Ok(connection)) => return connection,
                    Ok(Err(refused)) => self.refusals.note(&refused),
                    Err(error) if error.is_panic() => tracing::error!(%error, "a handshake broke off"),
                    // Ended for a newer one, which is logged already.
                    Err(_) => {}
                },
            }
        }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr, credentials: Arc<Credentials>) {
        while self.order.front().is_some_and(|(oldest, _)| oldest.is_finished()) {
            self.order.pop_front();
        }
        if self.handshakes.len() >= MAX_HANDSHAKES
            && let Some((oldest, peer)) = self.order.pop_front()
        {
            oldest.abort();
            let why = io::Error::other(format!("{MAX_HANDSHAKES} handshakes went on, and this was the oldest"));
            self.refusals.note(&Refused { peer, why });
        }
        let handshake = async move {
            let limited = tokio::time::timeout(HANDSHAKE_TIMEOUT, shake_hands(stream, &credentials));
            let refused = |why| Refused { peer, why };
            limited.await.unwrap_or_else(|_| Err(too_slow())).map_err(refused)
        };
        self.order.push_back((self.handshakes.spawn(handshake), peer));
    }
}

async fn shake_hands(stream: TcpStream, credentials: &Credentials) -> io::Result<Connection> {
    let mut stream = TlsAcceptor::from(credentials.server()).accept(stream).await?;
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(HTTP2) {
        return Err(no_http2());
    }
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.ok_or(io::Error::other(TlsError::NoCertificatesPresented))?;
    let name = spiffe::service_of(certificate, credentials.trust_domain()).map_err(io::Error::other)?;
    // HTTP/2's own keepalive begins only after it.
    let mut first = [0; PREFACE.len()];
    stream.read_exact(&mut first).await?;
    if first != *PREFACE {
        return Err(no_http2());
    }
    Ok(Connection::Tls(Box::new(Proven {
        stream,
        name,
        preface: PREFACE,
    })))
}

fn no_http2() -> io::Error {
    io::Error::other("the client does not speak HTTP/2 within TLS")
}

fn too_slow() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no handshake within {HANDSHAKE_TIMEOUT:?}"),
    )
}

/// Says in the log why connections were refused.
#[derive(Default)]
struct Refusals {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl Refusals {
    fn note(&mut self, refused: &Refused) {
        let Refused { peer, why } = refused;
        // A probe of the port opens a connection and closes it.
        if why.kind() == io::ErrorKind::UnexpectedEof {
            tracing::debug!(%peer, "a connection ended before its handshake");
            return;
        }
        let now = Instant::now();
        if self.logged_at.is_some_and(|at| now < at + LOG_INTERVAL) {
            self.unlogged += 1;
            return;
        }
        tracing::warn!(%peer, why = describe(why), unlogged = self.unlogged, "a connection was refused");
        *self = Self {
            logged_at: Some(now),
            unlogged: 0,
        };
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(proven) if proven.preface.is_empty() => Pin::new(&mut proven.stream).poll_read(context, buffer),
            Self::Tls(proven) => {
                let (now, later) = proven.preface.split_at(buffer.remaining().min(proven.preface.len()));
                buffer.put_slice(now);
                proven.preface = later;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(proven) => Pin::new(&mut proven.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(proven) => Pin::new(&mut proven.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plaintext(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(proven) => Pin::new(&mut proven.stream).poll_shutdown(context),
        }
    }
}
