//! A connection to the application that does not lose what the application said last.

use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// A socket whose other end may answer and close before it has read the whole request.
///
/// hyper gives up at the first write that fails, though the answer is there to be read. So nothing
/// fails here because the application has closed: what is written then is thrown away, and what it
/// had sent is read up to its end. Without a whole answer before that end, hyper finds it missing.
pub(super) struct AppSocket(pub(super) UnixStream);

impl AppSocket {
    /// Takes a write to an application that has closed for done.
    fn settle(&self, written: io::Result<usize>, length: usize) -> io::Result<usize> {
        if !written.as_ref().is_err_and(is_closed) {
            return written;
        }
        // Its end is ours, so that no request after this one is thrown away whole. An error says
        // that it was.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
        Ok(length)
    }
}

impl AsyncRead for AppSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.0).poll_read(context, buffer)) {
            // It has closed with bytes unread. A unix socket tells so after what it had sent.
            Err(error) if is_closed(&error) => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for AppSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.0).poll_write(context, bytes));
        Poll::Ready(self.settle(written, bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.0).poll_write_vectored(context, slices));
        Poll::Ready(self.settle(written, slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl Connection for AppSocket {
    fn connected(&self) -> Connected {
        Connected::new()
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
            test(AppSocket(UnixStream::from_std(ours).expect("a living socket")), application)
                .await;
        });
    }

    #[test]
    fn an_answer_before_the_end_of_the_request_is_read() {
        with_application(async |mut socket, mut application| {
            assert_eq!(write(&mut socket, b"half a request").await.ok(), Some(14));
            application.write_all(b"enough").expect("a living socket");
            drop(application);
            assert_eq!(write(&mut socket, b"the other half").await.ok(), Some(14));
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"enough".as_slice()));
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
        });
    }

    #[test]
    fn an_application_that_has_stopped_reading_is_left() {
        with_application(async |mut socket, mut application| {
            application.shutdown(Shutdown::Read).expect("a living socket");
            assert_eq!(write(&mut socket, b"a request").await.ok(), Some(9));
            assert_eq!(read(&mut socket).await.ok().as_deref(), Some(b"".as_slice()));
            assert_eq!(application.read(&mut [0]).ok(), Some(0));
            assert!(application.write_all(b"late").is_err());
        });
    }
}
