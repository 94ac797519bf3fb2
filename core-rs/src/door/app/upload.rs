//! The body of a request to the application.

use std::cell::Cell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Limited;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// What goes wrong with the body of a request.
type BodyError = Box<dyn Error + Send + Sync>;

/// The body of a request, without trailers: Bun takes them for the next request, and answers it.
pub(crate) struct Upload {
    /// None for a request that has no body.
    body: Option<Limited<Incoming>>,
    ended: Rc<Cell<bool>>,
}

impl Upload {
    /// A client's body, which fails past so many bytes.
    pub(crate) fn new(body: Incoming, max_bytes: usize) -> Upload {
        let body = (!body.is_end_stream()).then(|| Limited::new(body, max_bytes));
        let ended = Rc::new(Cell::new(body.is_none()));
        Upload { body, ended }
    }

    /// No body.
    pub(crate) fn none() -> Upload {
        Upload { body: None, ended: Rc::new(Cell::new(true)) }
    }

    /// Whether hyper has taken all of it. The cell outlives the body.
    pub(crate) fn ended(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.ended)
    }

    fn poll_data(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) if !frame.is_data() => {}
                frame => return Poll::Ready(frame),
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(self.poll_data(context));
        // hyper does not ask once more when it knows that there is no more.
        if frame.is_none() || frame.as_ref().is_some_and(Result::is_ok) && self.is_end_stream() {
            self.ended.set(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
