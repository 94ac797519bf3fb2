//! A client's socket, which reports to the connection's timer what passes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::door::connection::timer::ConnectionTimer;

/// A socket that holds back the end of a client that may wait for an answer, as long as the timer
/// lets it.
pub(crate) struct ClientSocket {
    socket: TcpStream,
    /// What the door has read of it already.
    unread: Bytes,
    timer: Rc<ConnectionTimer>,
}

impl ClientSocket {
    pub(crate) fn new(
        socket: TcpStream,
        unread: Bytes,
        timer: Rc<ConnectionTimer>,
    ) -> ClientSocket {
        ClientSocket { socket, unread, timer }
    }

    /// The socket, and what was read of it that hyper has not asked for.
    pub(crate) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.socket, self.unread)
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.timer.note_written();
        } else {
            self.timer.note_stalled();
        }
        written
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
        } else if !self.timer.is_half_closed() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        }
        if buffer.filled().len() > filled {
            self.timer.note_read();
        } else if self.timer.note_end() {
            return Poll::Pending;
        }
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
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(written)
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
    use std::time::Duration;

    use http_body_util::{Either, Full};
    use tokio::net::TcpListener;
    use tokio::select;
    use tokio::time::{Instant, timeout};

    use crate::door::connection::body::TimedBody;
    use crate::door::connection::timer::{HALF_CLOSE_TIMEOUT, HalfCloseLimit, Timeouts};

    use super::*;

    const LONG: Duration = Duration::from_secs(100);
    const TIMEOUTS: Timeouts =
        Timeouts { head: LONG, idle: Some(LONG), write: LONG.saturating_mul(3) };

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
            let limit = HalfCloseLimit::new();
            let timer = Rc::new(ConnectionTimer::new(Instant::now(), TIMEOUTS, limit));
            know(&timer);
            let socket = ClientSocket::new(socket, Bytes::new(), timer);
            test(socket, client).await;
        });
    }

    /// Returns once the socket or its timer ends the connection.
    async fn ended(socket: &mut ClientSocket) {
        let timer = Rc::clone(&socket.timer);
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        select! {
            biased;
            read = poll_fn(|context| Pin::new(&mut *socket).poll_read(context, &mut buffer)) => {
                assert!(read.is_ok());
                assert!(buffer.filled().is_empty());
            }
            () = timer.expired() => {}
        }
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
            assert!(timeout(LONG * 2, socket.timer.expired()).await.is_err());
        });
    }
}
