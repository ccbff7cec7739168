//! Tells the service manager that started us how far we are; without one, nothing is told.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The service answers.
pub(crate) const READY: &str = "READY=1\nSTATUS=answering calls";

/// The service is about to end.
pub(crate) const STOPPING: &str = "STOPPING=1\nSTATUS=answering the last requests";

/// Sends a state to the manager's socket. A manager that does not listen is its own trouble: calls go first.
pub(crate) fn tell(state: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(socket.as_bytes(), state)
    {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

fn send(socket: &[u8], state: &str) -> std::io::Result<()> {
    let address = match socket.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(socket))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_hears_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_bytes(), READY).unwrap();
        let mut heard = [0; 100];
        let length = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], READY.as_bytes());
        assert!(send(folder.path().join("nobody").as_os_str().as_bytes(), READY).is_err());
    }
}
