//! A client's connection that waits for its client neither too long nor too shortly.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connection_timer::ConnectionTimer;
use super::half_close::{HalfCloseLimit, HalfCloseTimer};

/// A socket whose writes fail once the client has taken nothing for so long, and whose end comes
/// late while the client may wait for an answer.
///
/// hyper limits only how long a client may take to say something: one that reads nothing would keep
/// its response, and with it a connection to the application, for as long as it likes. And it gives
/// a request up at once when the client has ended its side, though the answer may be at hand.
pub(super) struct ClientSocket {
    socket: TcpStream,
    /// What the door has read of it already.
    unread: Bytes,
    write_timeout: Duration,
    /// Is told what passes.
    timer: Rc<ConnectionTimer>,
    /// Runs while there is something to write and the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    half_close_limit: HalfCloseLimit,
    /// Of a client that has ended its side while it waited.
    half_close: Option<HalfCloseTimer>,
}

impl ClientSocket {
    pub(super) fn new(
        socket: TcpStream,
        unread: Bytes,
        write_timeout: Duration,
        timer: Rc<ConnectionTimer>,
        half_close_limit: HalfCloseLimit,
    ) -> ClientSocket {
        ClientSocket {
            socket,
            unread,
            write_timeout,
            timer,
            stalled: None,
            half_close_limit,
            half_close: None,
        }
    }

    /// The socket, and what was read of it that nobody has asked for.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.socket, self.unread)
    }

    /// Fails a write that was put off for too long.
    fn limit(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            self.timer.note_written();
            if let Some(half_close) = &mut self.half_close {
                half_close.restart(context);
            }
            return written;
        }
        self.timer.note_stalled();
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }

    /// The client has ended its side.
    ///
    /// One that waits for an upgrade is gone: nobody gives up the other side of a WebSocket, and
    /// the application is not to be asked in vain.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.half_close.is_none() && self.timer.is_for_an_answer() {
            self.half_close = self.half_close_limit.begin();
        }
        match &mut self.half_close {
            // The write that is put off wakes the task, and restarts the half_close.
            Some(_) if self.stalled.is_some() => return Poll::Pending,
            Some(half_close) if !self.timer.is_between_requests() => {
                ready!(half_close.poll_over(context))
            }
            _ => {}
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
        if !self.unread.is_empty() {
            let fitting = self.unread.len().min(buffer.remaining());
            buffer.put_slice(&self.unread.split_to(fitting));
        } else if self.half_close.is_none() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        }
        if buffer.filled().len() == filled {
            return self.poll_end(context);
        }
        self.timer.note_read();
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::{Shutdown, TcpStream as Client};

    use http_body_util::{Either, Full};
    use tokio::net::TcpListener;
    use tokio::time::{Instant, timeout};

    use super::super::connection_timer::TimedBody;
    use super::super::half_close::HALF_CLOSE_TIMEOUT;
    use super::*;

    const LONG: Duration = Duration::from_secs(100);

    /// A client that has ended its side when this much is known of it, in a time that passes only
    /// where everybody waits.
    fn with_ended(know: fn(&ConnectionTimer), test: impl AsyncFnOnce(ClientSocket, Client)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let client = Client::connect(address).expect("it listens");
            let (socket, _) = listener.accept().await.expect("a client");
            client.shutdown(Shutdown::Write).expect("a living socket");
            let timer = Rc::new(ConnectionTimer::new(Instant::now(), LONG, Some(LONG)));
            know(&timer);
            let socket =
                ClientSocket::new(socket, Bytes::new(), LONG, timer, HalfCloseLimit::new());
            test(socket, client).await;
        });
    }

    async fn ended(socket: &mut ClientSocket) {
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let read = poll_fn(|context| Pin::new(&mut *socket).poll_read(context, &mut buffer)).await;
        assert!(read.is_ok());
        assert!(buffer.filled().is_empty());
    }

    /// How long the end is held back.
    async fn is_waited_for(socket: &mut ClientSocket) -> Duration {
        let began = Instant::now();
        ended(socket).await;
        began.elapsed()
    }

    /// Whether the end is still held back after so long.
    async fn outlives(socket: &mut ClientSocket, time: Duration) -> bool {
        timeout(time, ended(socket)).await.is_err()
    }

    async fn write(socket: &mut ClientSocket, bytes: &[u8]) {
        let written = poll_fn(|context| Pin::new(&mut *socket).poll_write(context, bytes)).await;
        assert_eq!(written.ok(), Some(bytes.len()));
    }

    async fn fill(socket: &mut ClientSocket) {
        let part = [0; 1 << 16];
        let is_full = |written: Poll<_>| Poll::Ready(written.is_pending());
        while !poll_fn(|context| is_full(Pin::new(&mut *socket).poll_write(context, &part))).await {
        }
    }

    #[test]
    fn a_client_that_ends_its_side_behind_a_request_is_waited_for() {
        with_ended(ConnectionTimer::note_request, async |mut socket, _client| {
            assert_eq!(is_waited_for(&mut socket).await, HALF_CLOSE_TIMEOUT);
        });
    }

    #[test]
    fn a_client_that_has_no_answer_to_wait_for_is_gone_at_once() {
        for know in [|_: &ConnectionTimer| {}, ConnectionTimer::note_upgrade] {
            with_ended(know, async |mut socket, _client| {
                assert_eq!(is_waited_for(&mut socket).await, Duration::ZERO);
            });
        }
    }

    #[test]
    fn an_answer_may_take_any_time_while_it_goes_on() {
        with_ended(ConnectionTimer::note_request, async |mut socket, _client| {
            for _ in 0..10 {
                assert!(outlives(&mut socket, HALF_CLOSE_TIMEOUT / 2).await);
                write(&mut socket, b"and so on").await;
            }
            assert_eq!(is_waited_for(&mut socket).await, HALF_CLOSE_TIMEOUT);
        });
    }

    #[test]
    fn a_client_that_takes_its_answer_slowly_is_waited_for() {
        with_ended(ConnectionTimer::note_request, async |mut socket, _client| {
            assert!(outlives(&mut socket, HALF_CLOSE_TIMEOUT / 2).await);
            fill(&mut socket).await;
            assert!(outlives(&mut socket, LONG / 2).await);
        });
    }

    #[test]
    fn a_client_that_has_the_end_of_its_answer_to_take_is_not_idle() {
        with_ended(ConnectionTimer::note_request, async |mut socket, _client| {
            fill(&mut socket).await;
            drop(TimedBody::new(Either::Left(Full::default()), Rc::clone(&socket.timer)));
            fill(&mut socket).await;
            assert!(timeout(LONG * 2, socket.timer.run_out()).await.is_err());
        });
    }
}
