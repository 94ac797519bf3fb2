//! The body of a response to a client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Frame, SizeHint};

use crate::door::app::download::Download;
use crate::door::connection::timer::ConnectionTimer;

/// The door's own, or the application's as it comes.
pub(crate) type Body = Either<Full<Bytes>, Download>;

/// A body after which the connection's timer awaits the next request.
pub(crate) struct TimedBody {
    body: Body,
    timer: Rc<ConnectionTimer>,
}

impl TimedBody {
    pub(crate) fn new(body: Body, timer: Rc<ConnectionTimer>) -> TimedBody {
        TimedBody { body, timer }
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.timer.note_answer();
    }
}

impl hyper::body::Body for TimedBody {
    type Data = Bytes;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
