//! Finds the end of a head.

use memchr::memchr_iter;

use super::request_line::RequestLine;
use crate::door::http::error::HttpError;

/// Goes over the lines of a head once, however many pieces it comes in.
#[derive(Default)]
pub(crate) struct LineScanner {
    /// Where the line begins that is not whole yet.
    line: usize,
    /// Where to look for its end.
    searched: usize,
    /// The request line, once it is whole.
    begun: Option<Begun>,
}

/// What a head begins with.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// Where the request line begins.
    pub(crate) begin: usize,
    pub(crate) line: RequestLine,
    /// Where the fields begin.
    pub(crate) fields: usize,
}

/// Where the parts of a whole head are.
pub(crate) struct Whole {
    pub(crate) begun: Begun,
    /// Behind the empty line.
    pub(crate) end: usize,
}

impl LineScanner {
    /// Finds where the head is whole, in bytes that begin with those of last time. A
    /// request line is checked as soon as it is whole: some clients speak another protocol.
    ///
    /// # Errors
    ///
    /// When a line ends in LF alone, or the request line is malformed.
    pub(crate) fn find_end(&mut self, bytes: &[u8]) -> Result<Option<Whole>, HttpError> {
        self.check_first(bytes)?;
        let from = self.searched;
        for at in memchr_iter(b'\n', &bytes[from..]) {
            let end = from + at + 1;
            let line = &bytes[self.line..end];
            // Other servers do not take LF alone for the end of a line: two that differ about where
            // a request ends can be played off against each other.
            let line = line.strip_suffix(b"\r\n").ok_or(BARE_LF)?;
            let begin = self.line;
            (self.line, self.searched) = (end, end);
            match self.begun {
                // Some clients send an empty line behind a body.
                None if line.is_empty() => self.check_first(bytes)?,
                None => {
                    let line = RequestLine::parse(&bytes[begin..end])?;
                    self.begun = Some(Begun { begin, line, fields: end });
                }
                Some(begun) if line.is_empty() => return Ok(Some(Whole { begun, end })),
                Some(_) => {}
            }
        }
        self.searched = bytes.len();
        Ok(None)
    }

    /// Checks how the request line begins, which detects other protocols before a line has ended.
    fn check_first(&self, bytes: &[u8]) -> Result<(), HttpError> {
        match bytes.get(self.line) {
            Some(&first) if self.begun.is_none() => RequestLine::check_first(first),
            _ => Ok(()),
        }
    }
}

const BARE_LF: HttpError =
    HttpError::Malformed("a line of the request's head ends in LF alone, not in CRLF\n");
