//! The application behind the door, played by the test.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::{env, fs, process, thread};

use crate::test_server::TIMEOUT;
use crate::wire::Wire;

/// A path for a unix socket that nothing else uses; removed when dropped.
pub(crate) struct SocketPath(PathBuf);

impl SocketPath {
    pub(crate) fn new() -> SocketPath {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("shardcast-door-{}-{number}.sock", process::id());
        SocketPath(env::temp_dir().join(name))
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The listening application.
pub(crate) struct Application {
    pub(crate) path: SocketPath,
    connections: Receiver<UnixStream>,
}

impl Application {
    pub(crate) fn listen() -> Application {
        let path = SocketPath::new();
        let listener = UnixListener::bind(path.as_path()).expect("a free path");
        Application::accepting(listener, path)
    }

    /// An application that accepts what comes to this listener.
    pub(crate) fn accepting(listener: UnixListener, path: SocketPath) -> Application {
        let (sender, connections) = channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                match connection {
                    Ok(connection) => {
                        if sender.send(connection).is_err() {
                            return;
                        }
                    }
                    // A test may leave its whole process without descriptors for a while.
                    Err(_) => thread::yield_now(),
                }
            }
        });
        Application { path, connections }
    }

    /// The door's next connection.
    pub(crate) fn accept(&self) -> Wire<UnixStream> {
        let connection = self.connections.recv_timeout(TIMEOUT).expect("the door connects");
        connection.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        Wire::new(connection)
    }

    /// Whether the door has opened a connection that was not accepted yet.
    pub(crate) fn has_connection(&self) -> bool {
        self.connections.try_recv().is_ok()
    }
}
