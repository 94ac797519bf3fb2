//! Reads requests before hyper does.
//!
//! The filter follows a connection from head to body to head. It checks each head by the `parser`'s
//! rules, and passes it on as it came, or with its target in a form that hyper takes. hyper then
//! does what it does best: it decodes bodies, writes answers in their order, keeps the connection
//! alive or ends it. A head that is refused becomes the head of an empty request, whose answer the
//! connection finds in the [`FilterState`]: so it is answered in its turn.
//!
//! hyper is given one head at a time, and has no part of the next one in the same read. What
//! follows an upgrade stays here until that is decided: it may be frames.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::door::http::error::HttpError;
use crate::door::http::parser::{self, BodyScanner, Limits, LineScanner, ParsedHead};

/// Fields that a request may have. Bun takes 198, and the door adds one of its own.
pub(crate) const MAX_FIELDS: usize = 197;

/// Bytes that are read at once of what is kept here.
const READ_BYTES: usize = 8 * 1024;

/// What the filter of a connection shares with the service that answers its requests.
#[derive(Default)]
pub(crate) struct FilterState {
    /// Of the head that was passed last. Written by the filter, taken by the service.
    rejection: Cell<Option<HttpError>>,
    /// An upgrade was passed on, and is not refused so far.
    is_undecided: Cell<bool>,
    /// Wakes the task that waits for that.
    waker: RefCell<Option<Waker>>,
}

impl FilterState {
    /// Why the door refuses the request that hyper has just read.
    pub(crate) fn take_rejection(&self) -> Option<HttpError> {
        self.rejection.take()
    }

    /// The upgrade was refused: what follows it is HTTP.
    pub(crate) fn resume(&self) {
        self.is_undecided.set(false);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// See the module's description.
pub(crate) struct RequestFilter<S> {
    socket: S,
    limits: Limits,
    shared: Rc<FilterState>,
    phase: FilterPhase,
    /// Bytes that were read and not judged.
    unjudged: BytesMut,
    /// Of a head that was judged, what hyper has had no room for.
    head: Bytes,
}

enum FilterPhase {
    Head(LineScanner),
    Body(BodyScanner),
    /// Nothing more is passed on.
    Rejected,
}

/// What replaces a head; none if it is passed on as it is.
type Replacement = Option<Bytes>;

impl<S: AsyncRead + Unpin> RequestFilter<S> {
    pub(crate) fn new(socket: S, limits: Limits, shared: Rc<FilterState>) -> RequestFilter<S> {
        let phase = FilterPhase::Head(LineScanner::default());
        let (unjudged, head) = Default::default();
        RequestFilter { socket, limits, shared, phase, unjudged, head }
    }

    /// The socket, and what was read of it that hyper has not got.
    pub(crate) fn into_parts(self) -> (S, BytesMut) {
        (self.socket, self.unjudged)
    }

    /// Judges the head that these bytes begin with; returns how long it is, and its replacement.
    /// None while it is not whole.
    fn judge(&mut self, bytes: &[u8]) -> Option<(usize, Replacement)> {
        let FilterPhase::Head(lines) = &mut self.phase else { return None };
        let see = |head: ParsedHead<'_>| {
            let replacement = (!head.is_verbatim()).then(|| Bytes::from(head.rewritten()));
            (head.end, head.framing, head.is_upgrade(), replacement)
        };
        match parser::parse::<MAX_FIELDS, _>(lines, bytes, self.limits, see) {
            Ok(None) => None,
            Ok(Some((length, framing, is_upgrade, replacement))) => {
                self.phase = FilterPhase::Body(BodyScanner::new(framing));
                self.shared.is_undecided.set(is_upgrade);
                Some((length, replacement))
            }
            Err(http_error) => {
                self.phase = FilterPhase::Rejected;
                self.shared.rejection.set(Some(http_error));
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
        let FilterPhase::Body(body) = &mut self.phase else { return Poll::Ready(Ok(())) };
        let begin = buffer.filled().len();
        let scanned = if self.unjudged.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
            let bytes = &buffer.filled()[begin..];
            body.scan(bytes).inspect(|&length| self.unjudged.extend_from_slice(&bytes[length..]))
        } else {
            // Of many short requests that come together, none moves those behind it.
            let fitting = self.unjudged.len().min(buffer.remaining());
            let scanned = body.scan(&self.unjudged[..fitting]);
            scanned.inspect(|&length| buffer.put_slice(&self.unjudged.split_to(length)))
        };
        let Ok(length) = scanned else {
            self.phase = FilterPhase::Rejected;
            buffer.set_filled(begin);
            return Poll::Ready(Err(ErrorKind::InvalidData.into()));
        };
        buffer.set_filled(begin + length);
        Poll::Ready(Ok(()))
    }

    /// Begins with the next head. A connection on which none has come keeps no memory for it: what
    /// is empty may still hold all that has passed through it.
    fn await_head(&mut self) {
        self.phase = FilterPhase::Head(LineScanner::default());
        if self.unjudged.is_empty() {
            self.unjudged = BytesMut::new();
        }
    }

    /// Waits for the decision on an upgrade. What comes meanwhile is kept, one read of it: a client
    /// that leaves is noticed.
    fn poll_undecided(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.waker.replace(Some(context.waker().clone()));
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
    if refused.trim_ascii_start().starts_with(b"HEAD ") {
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
        if this.shared.is_undecided.get() {
            return this.poll_undecided(context);
        }
        match &this.phase {
            // hyper closes the connection when the answer is written.
            FilterPhase::Rejected => return Poll::Pending,
            FilterPhase::Body(body) if !body.is_over() => return this.poll_body(context, buffer),
            FilterPhase::Body(_) => this.await_head(),
            FilterPhase::Head(_) => {}
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
mod tests;
