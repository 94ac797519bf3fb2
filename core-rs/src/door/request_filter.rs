//! What the door reads of a client before hyper does.
//!
//! The filter follows a connection from head to body to head. It judges each head by the `parser`'s
//! rules, and passes it on as it came, or with its target in a form that hyper takes. hyper then
//! does what it does best: it decodes bodies, writes answers in their order, keeps the connection
//! alive or ends it. A head that is refused becomes the head of an empty request, whose answer the
//! connection finds at the [`Junction`]: so it is answered in its turn.
//!
//! hyper is given one head at a time, and has no part of the next one in the same read. What
//! follows an upgrade stays here until that is decided: it may be frames.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::objection::Objection;
use super::parser::{self, BodyScanner, Limits, LineScanner, ParsedHead};

/// Fields that a request may have. Bun takes 198, and the door adds one of its own.
pub(super) const MAX_FIELDS: usize = 197;

/// Bytes that are read at once of what is kept here.
const READ_BYTES: usize = 8 * 1024;

/// Where the filter and the service of a connection meet.
#[derive(Default)]
pub(super) struct Junction {
    /// Of the head that was passed last. Written by the filter, taken by the service.
    rejection: Cell<Option<Objection>>,
    /// An upgrade was passed on, and is not refused so far.
    is_undecided: Cell<bool>,
    /// Wakes who waits for that.
    waker: RefCell<Option<Waker>>,
}

impl Junction {
    /// Why the request that hyper has just read is to be refused.
    pub(super) fn take_rejection(&self) -> Option<Objection> {
        self.rejection.take()
    }

    /// The upgrade was refused: what follows it is HTTP.
    pub(super) fn go_on(&self) {
        self.is_undecided.set(false);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// See the module's description.
pub(super) struct RequestFilter<S> {
    socket: S,
    limits: Limits,
    junction: Rc<Junction>,
    state: State,
    /// Bytes that were read and not judged.
    unjudged: BytesMut,
    /// Of a head that was judged, what hyper has had no room for.
    head: Bytes,
}

enum State {
    Head(LineScanner),
    Body(BodyScanner),
    /// Nothing more is passed on.
    Rejected,
}

/// What a head is to be replaced by; none if it is passed on as it is.
type Replacement = Option<Bytes>;

impl<S: AsyncRead + Unpin> RequestFilter<S> {
    pub(super) fn new(socket: S, limits: Limits, junction: Rc<Junction>) -> RequestFilter<S> {
        let state = State::Head(LineScanner::default());
        let (unjudged, head) = Default::default();
        RequestFilter { socket, limits, junction, state, unjudged, head }
    }

    /// The socket, and what was read of it that hyper has not got.
    pub(super) fn into_parts(self) -> (S, BytesMut) {
        (self.socket, self.unjudged)
    }

    /// Judges the head that these bytes begin with; returns how long it is, and its replacement.
    /// None while it is not whole.
    fn judge(&mut self, bytes: &[u8]) -> Option<(usize, Replacement)> {
        let State::Head(lines) = &mut self.state else { return None };
        let see = |head: ParsedHead<'_>| {
            let replacement = (!head.is_verbatim()).then(|| Bytes::from(head.rewritten()));
            (head.end, head.framing, head.is_upgrade(), replacement)
        };
        match parser::parse::<MAX_FIELDS, _>(lines, bytes, self.limits, see) {
            Ok(None) => None,
            Ok(Some((length, framing, is_upgrade, replacement))) => {
                self.state = State::Body(BodyScanner::new(framing));
                self.junction.is_undecided.set(is_upgrade);
                Some((length, replacement))
            }
            Err(objection) => {
                self.state = State::Rejected;
                self.junction.rejection.set(Some(objection));
                Some((bytes.len(), Some(Bytes::from_static(stand_in(bytes)))))
            }
        }
    }

    /// Reads a head; returns once some of it is passed on, or the client has ended its side.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unjudged.is_empty() {
            // Most heads come whole and alone: they are judged where hyper has them.
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
            if buffer.filled().len() == before || self.is_passed_in_place(before, buffer) {
                return Poll::Ready(Ok(()));
            }
        }
        loop {
            let unjudged = mem::take(&mut self.unjudged);
            let judged = self.judge(&unjudged);
            self.unjudged = unjudged;
            if let Some((length, replacement)) = judged {
                let head = self.unjudged.split_to(length).freeze();
                self.head = replacement.unwrap_or(head);
                self.pass_head(buffer);
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_fill(context))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Judges what is in the buffer from `begin` on. What is not to stay there is kept here.
    fn is_passed_in_place(&mut self, begin: usize, buffer: &mut ReadBuf<'_>) -> bool {
        let bytes = &buffer.filled()[begin..];
        match self.judge(bytes) {
            Some((length, None)) => {
                self.unjudged.extend_from_slice(&bytes[length..]);
                buffer.set_filled(begin + length);
                true
            }
            Some((length, Some(replacement))) => {
                self.unjudged.extend_from_slice(&bytes[length..]);
                buffer.set_filled(begin);
                self.head = replacement;
                self.pass_head(buffer);
                true
            }
            None => {
                self.unjudged.extend_from_slice(bytes);
                buffer.set_filled(begin);
                false
            }
        }
    }

    fn pass_head(&mut self, buffer: &mut ReadBuf<'_>) {
        let fitting = self.head.len().min(buffer.remaining());
        buffer.put_slice(&self.head.split_to(fitting));
        // An idle connection keeps no memory.
        if self.head.is_empty() {
            self.head = Bytes::new();
        }
    }

    /// Passes a body on, up to its end.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let State::Body(body) = &mut self.state else { return Poll::Ready(Ok(())) };
        let begin = buffer.filled().len();
        if self.unjudged.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        } else {
            let fitting = self.unjudged.len().min(buffer.remaining());
            buffer.put_slice(&self.unjudged[..fitting]);
            self.unjudged.advance(fitting);
        }
        let bytes = &buffer.filled()[begin..];
        let Ok(length) = body.scan(bytes) else {
            self.state = State::Rejected;
            buffer.set_filled(begin);
            return Poll::Ready(Err(ErrorKind::InvalidData.into()));
        };
        if length < bytes.len() {
            // The rest of what was here comes behind it.
            let behind = mem::replace(&mut self.unjudged, BytesMut::from(&bytes[length..]));
            self.unjudged.extend_from_slice(&behind);
            buffer.set_filled(begin + length);
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the decision on an upgrade. What comes meanwhile is kept, one read of it: a client
    /// that leaves is noticed.
    fn poll_undecided(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.junction.waker.replace(Some(context.waker().clone()));
        if self.unjudged.is_empty() && ready!(self.poll_fill(context))? == 0 {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// Reads more of what is kept here; returns how much.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut more = [0; READ_BYTES];
        let mut more = ReadBuf::new(&mut more);
        ready!(Pin::new(&mut self.socket).poll_read(context, &mut more))?;
        self.unjudged.extend_from_slice(more.filled());
        Poll::Ready(Ok(more.filled().len()))
    }
}

/// The empty request in place of one that is refused, by a method whose answer has a body where
/// that of the other has.
fn stand_in(refused: &[u8]) -> &'static [u8] {
    if refused.starts_with(b"HEAD ") {
        b"HEAD / HTTP/1.1\r\n\r\n"
    } else {
        b"GET / HTTP/1.1\r\n\r\n"
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestFilter<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.head.is_empty() {
            this.pass_head(buffer);
            return Poll::Ready(Ok(()));
        }
        if this.junction.is_undecided.get() {
            return this.poll_undecided(context);
        }
        match &this.state {
            // hyper closes the connection when the answer is written.
            State::Rejected => return Poll::Pending,
            State::Body(body) if !body.is_over() => return this.poll_body(context, buffer),
            State::Body(_) => this.state = State::Head(LineScanner::default()),
            State::Head(_) => {}
        }
        this.poll_head(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestFilter<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
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
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { max_head_bytes: 300, min_authority_bytes: 1 };

    /// A client that has sent these pieces, and ends its side behind them.
    struct Pieces(VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Some(mut piece) = self.0.pop_front() else { return Poll::Ready(Ok(())) };
            let rest = piece.split_off(piece.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
            Poll::Ready(Ok(()))
        }
    }

    /// What hyper reads of bytes that come in pieces of so many, into buffers of so many.
    fn read(bytes: &[u8], piece: usize, room: usize) -> (Vec<Vec<u8>>, Rc<Junction>) {
        let junction = Rc::new(Junction::default());
        let pieces = Pieces(bytes.chunks(piece).map(<[u8]>::to_vec).collect());
        let mut filter = RequestFilter::new(pieces, LIMITS, Rc::clone(&junction));
        let mut reads = Vec::new();
        loop {
            let mut buffer = vec![0; room];
            let mut buffer = ReadBuf::new(&mut buffer);
            let mut context = Context::from_waker(Waker::noop());
            let read = Pin::new(&mut filter).poll_read(&mut context, &mut buffer);
            match read {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    reads.push(buffer.filled().to_vec());
                }
                _ended => return (reads, junction),
            }
        }
    }

    /// A request, and what is passed on of it.
    fn request() -> impl Strategy<Value = (&'static str, &'static str)> {
        let verbatim = [
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET / HTT",
            "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             A;x\r\nGET / HTTP\r\n0\r\nX: y\r\n\r\n",
        ];
        prop_oneof![
            3 => prop::sample::select(verbatim.to_vec()).prop_map(|same| (same, same)),
            1 => Just((
                "\r\nGET /<a> HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /%3Ca%3E HTTP/1.1\r\nHost: a\r\n\r\n",
            )),
            1 => Just((
                "PUT http://b/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
                "PUT / HTTP/1.1\r\nhost: b\r\nContent-Length: 2\r\n\r\nhi",
            )),
        ]
    }

    proptest! {
        #[test]
        fn requests_are_passed_on_one_by_one_however_they_come(
            requests in prop::collection::vec(request(), 1..6),
            piece in 1usize..200,
            room in 1usize..200,
        ) {
            let sent: String = requests.iter().map(|(sent, _)| *sent).collect();
            let passed: String = requests.iter().map(|(_, passed)| *passed).collect();
            let (reads, junction) = read(sent.as_bytes(), piece, room);
            prop_assert_eq!(String::from_utf8(reads.concat()).expect("it is text"), passed);
            prop_assert_eq!(junction.take_rejection(), None);
            let is_of_two = |read: &Vec<u8>| {
                let read = String::from_utf8_lossy(read);
                read.match_indices("\r\nHost: a").count() > 1
            };
            prop_assert!(!reads.iter().any(is_of_two));
        }

        #[test]
        fn nothing_behind_a_refused_head_or_an_upgrade_is_passed_on(
            piece in 1usize..200,
            room in 1usize..200,
        ) {
            let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            let refused = ["GET / HTTP/1.1\r\nHost: a\n\r\n", whole].concat();
            let (reads, junction) = read(refused.as_bytes(), piece, room);
            prop_assert_eq!(reads.concat(), b"GET / HTTP/1.1\r\n\r\n");
            prop_assert!(junction.take_rejection().is_some());

            let fields = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            let upgrade = ["GET / HTTP/1.1\r\n", fields].concat();
            let (reads, _) = read([&*upgrade, whole].concat().as_bytes(), piece, room);
            prop_assert_eq!(reads.concat(), upgrade.as_bytes());
        }
    }
}
