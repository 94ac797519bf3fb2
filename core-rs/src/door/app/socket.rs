//! A socket to the application that does not lose the last bytes that the application has sent.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

use crate::door::config::STREAM_BUFFER_BYTES;

/// Bytes that are read at once. hyper reads more at a time the more it gets, up to what the head of
/// a response may have; a body streams through in less.
const READ_BYTES: usize = STREAM_BUFFER_BYTES;

/// A socket whose other end may answer and close before it has read the whole request.
///
/// hyper gives up at the first write that fails, though the answer is there to be read. So nothing
/// fails here because the application has closed: what is written then is thrown away, and what it
/// had sent is read up to its end. Without a whole answer before that end, hyper finds it missing,
/// and [`SocketStatus`] shows whether the application can have acted on the request.
pub(crate) struct AppSocket {
    socket: UnixStream,
    /// Bytes had to wait for room since the last flush.
    has_waited: bool,
    status: Rc<SocketStatus>,
}

/// What is known of a socket that hyper has. The socket writes it, and the request that waits for
/// the answer reads it.
#[derive(Default)]
pub(crate) struct SocketStatus {
    unread: Cell<bool>,
    unsent: Cell<bool>,
}

impl SocketStatus {
    /// Whether the application closed its end before it had read all that was written to it. What
    /// it has left unread it has not acted on.
    pub(crate) fn has_unread(&self) -> bool {
        self.unread.get()
    }

    /// Whether hyper still holds bytes that were not written.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent.get()
    }
}

impl AppSocket {
    /// The socket, and what will be known of it.
    pub(crate) fn new(socket: UnixStream) -> (AppSocket, Rc<SocketStatus>) {
        let status = Rc::new(SocketStatus::default());
        (AppSocket { socket, has_waited: false, status: Rc::clone(&status) }, status)
    }

    /// Takes a write to an application that has closed for done.
    fn settle(&self, written: io::Result<usize>, length: usize) -> io::Result<usize> {
        if !written.as_ref().is_err_and(is_closed) {
            return written;
        }
        // Its end is ours, so that no request after this one is thrown away whole. An error means
        // that it was.
        self.status.unread.set(true);
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Both);
        Ok(length)
    }
}

impl AsyncRead for AppSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut part = buffer.take(READ_BYTES);
        match ready!(Pin::new(&mut self.socket).poll_read(context, &mut part)) {
            Ok(()) => {
                let read = part.filled().len();
                // SAFETY: The part begins where the unfilled bytes do, and so many of it are read.
                unsafe { buffer.assume_init(read) };
                buffer.advance(read);
                Poll::Ready(Ok(()))
            }
            // It has closed with bytes unread, which a unix socket reports after its last byte.
            Err(error) if is_closed(&error) => {
                self.status.unread.set(true);
                Poll::Ready(Ok(()))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for AppSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.status.unsent.set(true);
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.has_waited |= written.is_pending();
        let written = ready!(written);
        Poll::Ready(self.settle(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.status.unsent.set(true);
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.has_waited |= written.is_pending();
        let written = ready!(written);
        Poll::Ready(self.settle(written, slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// hyper flushes when it has written all that it held.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.status.unsent.set(false);
        if mem::take(&mut self.has_waited) {
            // hyper has looked for another request, or for the end of them, before it wrote the
            // rest of this one, and does not look again by itself.
            context.waker().wake_by_ref();
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream as BlockingStream;

    use super::*;

    async fn write(socket: &mut AppSocket, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|context| Pin::new(&mut *socket).poll_write(context, bytes)).await
    }

    async fn read(socket: &mut AppSocket) -> io::Result<Vec<u8>> {
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| Pin::new(&mut *socket).poll_read(context, &mut buffer)).await?;
        Ok(buffer.filled().to_vec())
    }

    fn with_application(test: impl AsyncFnOnce(AppSocket, BlockingStream)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        runtime.expect("a runtime").block_on(async {
            let (ours, application) = BlockingStream::pair().expect("a pair");
            ours.set_nonblocking(true).expect("a living socket");
            let ours = UnixStream::from_std(ours).expect("a living socket");
            test(AppSocket::new(ours).0, application).await;
        });
    }

    #[test]
    fn an_answer_before_the_end_of_the_request_is_read() {
        with_application(async |mut socket, mut application| {
            assert_eq!(write(&mut socket, b"half a request").await.ok(), Some(14));
            application.read_exact(&mut [0; 14]).expect("a living socket");
            application.write_all(b"enough").expect("a living socket");
            drop(application);
            assert!(!socket.status.has_unread());
            assert_eq!(write(&mut socket, b"the other half").await.ok(), Some(14));
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"enough".as_slice()));
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
        });
    }

    #[test]
    fn an_application_that_has_read_the_request_may_have_acted_on_it() {
        with_application(async |mut socket, mut application| {
            assert_eq!(write(&mut socket, b"a request").await.ok(), Some(9));
            application.read_exact(&mut [0; 9]).expect("a living socket");
            drop(application);
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
            assert!(!socket.status.has_unread());
        });
    }

    /// Only where a unix socket reports that.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_application_that_closes_before_it_reads_has_not_acted() {
        with_application(async |mut socket, application| {
            assert_eq!(write(&mut socket, b"a request").await.ok(), Some(9));
            drop(application);
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
            assert!(socket.status.has_unread());
        });
    }

    #[test]
    fn an_application_that_has_stopped_reading_is_left() {
        with_application(async |mut socket, mut application| {
            application.shutdown(Shutdown::Read).expect("a living socket");
            assert_eq!(write(&mut socket, b"a request").await.ok(), Some(9));
            assert!(socket.status.has_unread());
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
            assert_eq!(application.read(&mut [0]).ok(), Some(0));
            assert!(application.write_all(b"late").is_err());
        });
    }
}
