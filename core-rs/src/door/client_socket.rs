//! A client's connection that waits for its client neither too long nor too shortly.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::patience::Patience;

/// How long a client that ends its side behind a request is still waited for with the answer. It may be
/// gone, which the application is to learn, or read on, as some do that have nothing more to say.
const GRACE: Duration = Duration::from_secs(1);

/// A socket whose writes fail once the client has taken nothing for so long, and whose end comes late
/// while the client may wait for an answer.
///
/// hyper limits only how long a client may take to say something: one that reads nothing would keep its
/// response, and with it a connection to the application, for as long as it likes. And it gives a
/// request up at once when the client has ended its side, though the answer may be at hand.
pub(super) struct ClientSocket {
    socket: TcpStream,
    write_timeout: Duration,
    /// Is told what passes.
    patience: Rc<Patience>,
    /// Runs while there is something to write and the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The client has said something since it was last written to.
    waits: bool,
    /// Runs since the client has ended its side while it waited.
    ended: Option<Pin<Box<Sleep>>>,
}

impl ClientSocket {
    pub(super) fn new(
        socket: TcpStream,
        write_timeout: Duration,
        patience: Rc<Patience>,
    ) -> ClientSocket {
        ClientSocket { socket, write_timeout, patience, stalled: None, waits: false, ended: None }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.socket
    }

    /// Fails a write that was put off for too long.
    fn limit(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            self.waits = false;
            self.patience.note_written();
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// The client has ended its side.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waits || self.ended.is_some() {
            let ended = self.ended.get_or_insert_with(|| Box::pin(sleep(GRACE)));
            ready!(ended.as_mut().poll(context));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        if self.ended.is_none() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        }
        if buffer.filled().len() == filled {
            return self.poll_end(context);
        }
        self.waits = true;
        self.patience.note_read();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.limit(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.limit(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
