//! The body of the application's response.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::door::app::connections::LentConnection;
use crate::door::app::failures::Failures;
use crate::door::events::RequestFailure;

/// The body of a response, without trailers.
pub(crate) struct Download {
    body: Incoming,
    ended: bool,
    /// The connection that it comes by, which is free once it has ended; none if the door does not
    /// use it again.
    connection: Option<LentConnection>,
    failures: Rc<Failures>,
}

impl Download {
    pub(crate) fn new(
        body: Incoming,
        connection: Option<LentConnection>,
        failures: Rc<Failures>,
    ) -> Download {
        Download { body, ended: false, connection, failures }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) if !frame.is_data() => {}
                Some(Err(error)) => {
                    self.connection = None;
                    self.failures.note(RequestFailure::BrokenOff, &error);
                    return Poll::Ready(Some(Err(error)));
                }
                frame => {
                    self.ended = frame.is_none();
                    return Poll::Ready(frame);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // hyper does not take what it knows to be nothing.
        if (self.ended || self.body.is_end_stream())
            && let Some(connection) = self.connection.take()
        {
            connection.give_back();
        }
    }
}
