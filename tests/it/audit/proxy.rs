//! A way to a server that can be cut, blocked and slowed while it is used.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The way.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    to: SocketAddr,
    open: AtomicBool,
    delay_ms: AtomicU64,
    under_way: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = State {
            to: SocketAddr::from(([127, 0, 0, 1], port)),
            open: AtomicBool::new(true),
            delay_ms: AtomicU64::new(0),
            under_way: Mutex::default(),
        };
        let proxy = Self { address: listener.local_addr().unwrap(), state: Arc::new(state) };
        let state = Arc::clone(&proxy.state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Who is not let through finds the connection closed.
                if state.open.load(Ordering::SeqCst) {
                    state.join(near);
                }
            }
        });
        proxy
    }

    /// Breaks every connection, and lets none through until [`Self::mend`].
    pub(super) fn cut(&self) {
        self.state.open.store(false, Ordering::SeqCst);
        for stream in self.state.under_way.lock().unwrap().drain(..) {
            // It may be closed by now.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    pub(super) fn mend(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }

    /// Every piece takes so long from now on.
    pub(super) fn slow(&self, delay: Duration) {
        self.state.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

impl State {
    fn join(self: &Arc<Self>, near: TcpStream) {
        let Ok(far) = TcpStream::connect(self.to) else { return };
        for stream in [&near, &far] {
            stream.set_nodelay(true).unwrap();
            self.under_way.lock().unwrap().push(stream.try_clone().unwrap());
        }
        for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
            let (state, from, to) = (Arc::clone(self), from.unwrap(), to.unwrap());
            std::thread::spawn(move || state.pass(from, to));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = vec![0; 1 << 16];
        while let Ok(read) = from.read(&mut piece) {
            std::thread::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst)));
            if read == 0 || to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        for stream in [from, to] {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}
