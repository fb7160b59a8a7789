//! A TCP proxy that fails on demand, before a dependency that itself stays well.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What is wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// As if it were killed: connections break, new ones are closed at once.
    Cut,
    /// As if it hung: connections stay and new ones are taken, but nothing arrives either way. What was sent arrives when the
    /// fault is over.
    Hang,
    /// Nothing arrives at the dependency. What was sent arrives when the fault is over.
    HoldRequests,
    /// Nothing comes back from the dependency. What was answered arrives when the fault is over.
    HoldAnswers,
    /// What the dependency answers arrives so much later.
    DelayAnswers(Duration),
}

/// Stands before an address; ends with its owner.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    _accepting: JoinSet<()>,
}

/// How long the dependency may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl FaultProxy {
    /// Listens on a free port and passes everything on to `upstream`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
        let address = listener.local_addr()?;
        let fault = watch::Sender::new(Fault::None);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, upstream, fault.subscribe()));
        Ok(Self {
            address,
            fault,
            _accepting: accepting,
        })
    }

    /// Where clients connect instead.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is wrong from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, fault: watch::Receiver<Fault>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                if *fault.borrow() != Fault::Cut {
                    connections.spawn(carry(client, upstream, fault.clone()));
                }
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// Carries one connection until an end closes it or it is cut.
async fn carry(client: TcpStream, upstream: SocketAddr, mut fault: watch::Receiver<Fault>) {
    let Ok(Ok(server)) = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(upstream)).await else {
        return;
    };
    // Small messages go back and forth; waiting for more of them would slow every call down.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let requests = pump(
        from_client,
        to_server,
        fault.clone(),
        &[Fault::Hang, Fault::HoldRequests],
    );
    let answers = pump(
        from_server,
        to_client,
        fault.clone(),
        &[Fault::Hang, Fault::HoldAnswers],
    );
    tokio::select! {
        () = async { tokio::join!(requests, answers); } => {}
        _cut = fault.wait_for(|fault| *fault == Fault::Cut) => {}
    }
}

/// Carries bytes one way while none of `held_by` is the fault.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut fault: watch::Receiver<Fault>,
    held_by: &'static [Fault],
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let late = match *fault.borrow_and_update() {
            Fault::DelayAnswers(late) if held_by.contains(&Fault::HoldAnswers) => late,
            _ => Duration::ZERO,
        };
        let _its_time_is_over_or_the_fault_is = tokio::time::timeout(late, fault.changed()).await;
        let is_over = fault.wait_for(|fault| !held_by.contains(fault)).await.is_ok();
        if !is_over || to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    let _closed_already = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const MOMENT: Duration = Duration::from_millis(50);

    /// Answers each byte with the next one.
    async fn counter() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        if stream.write_u8(byte + 1).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (address, tasks)
    }

    async fn answer(stream: &mut TcpStream) -> Option<u8> {
        tokio::time::timeout(SOON, stream.read_u8()).await.ok()?.ok()
    }

    #[tokio::test]
    async fn what_is_held_arrives_when_the_fault_is_over() {
        let (upstream, _serving) = counter().await;
        let proxy = FaultProxy::before(upstream).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_u8(1).await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(2));
        for fault in [Fault::Hang, Fault::HoldRequests, Fault::HoldAnswers] {
            proxy.set(fault);
            stream.write_u8(3).await.unwrap();
            let early = tokio::time::timeout(MOMENT, stream.read_u8()).await;
            assert!(early.is_err(), "{fault:?}: {early:?}");
            proxy.set(Fault::None);
            assert_eq!(answer(&mut stream).await, Some(4), "{fault:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_as_late_as_the_fault_says() {
        let (upstream, _serving) = counter().await;
        let proxy = FaultProxy::before(upstream).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        for late in [MOMENT, Duration::ZERO] {
            proxy.set(Fault::DelayAnswers(late));
            let begun = std::time::Instant::now();
            stream.write_u8(1).await.unwrap();
            assert_eq!(answer(&mut stream).await, Some(2));
            assert!(begun.elapsed() >= late, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn a_cut_breaks_connections_and_lets_none_in_until_it_is_over() {
        let (upstream, _serving) = counter().await;
        let proxy = FaultProxy::before(upstream).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_u8(1).await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(2));
        proxy.set(Fault::Cut);
        assert_eq!(answer(&mut stream).await, None, "it is closed");
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(answer(&mut refused).await, None, "it is closed at once");
        proxy.set(Fault::None);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_u8(5).await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(6));
    }
}
