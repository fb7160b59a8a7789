//! Free TCP ports for processes that cannot be told "port 0" because their peers must know the address beforehand.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    sync::{
        Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use anyhow::{Context, bail};

/// Below the kernel's default range for outgoing connections, so that none of those takes a port between its
/// reservation and its use.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The lock files of this process's reservations; they unlock when the process ends, however it ends.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
static NEXT: AtomicU16 = AtomicU16::new(0);

/// Reserves a port of 127.0.0.1 that no other process using this function gets while this one lives.
///
/// # Errors
/// When the reservations' folder cannot be written, or no port is free.
pub fn reserve() -> anyhow::Result<u16> {
    let folder = std::env::temp_dir().join(format!("voluntier-mesh-ports-{}", rustix::process::geteuid().as_raw()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let spread = (std::process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (u32::from(spread) + u32::from(step)).rem_euclid(u32::from(COUNT)) as u16;
        let lock = File::create(folder.join(port.to_string())).context("cannot create a port's lock file")?;
        if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            HELD.lock().expect("no holder of this lock panics").push(lock);
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST} and {}", FIRST + COUNT)
}

/// Makes sure that nobody listens on a port that was chosen by somebody.
///
/// # Errors
/// When it is in use.
pub fn take(port: u16) -> anyhow::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port} of 127.0.0.1 is in use"))?;
    Ok(port)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn a_port_is_never_handed_out_twice() {
        let ports: BTreeSet<u16> = (0..50).map(|_| super::reserve().unwrap()).collect();
        assert_eq!(ports.len(), 50);
    }
}
