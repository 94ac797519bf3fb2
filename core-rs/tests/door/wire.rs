//! HTTP/1.1 by hand, for either side of a connection.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};

/// A socket that HTTP is spoken on. Reads that find nothing for too long fail the test.
pub(crate) struct Wire<S> {
    stream: BufReader<S>,
}

/// What stands before a body.
#[derive(Debug)]
pub(crate) struct Head {
    /// Request or status line.
    pub(crate) line: String,
    /// Names in lower case, in the order of arrival.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn status(&self) -> u16 {
        let code = self.line.split(' ').nth(1).expect("a status line");
        code.parse().expect("a status code")
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(its_name, _)| its_name == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The headers as sorted lines, without the ones named.
    pub(crate) fn lines_without(&self, names: &[&str]) -> Vec<String> {
        let kept = self.headers.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let mut lines: Vec<String> = kept.map(|(name, value)| format!("{name}: {value}")).collect();
        lines.sort();
        lines
    }
}

impl<S: Read + Write> Wire<S> {
    pub(crate) fn new(stream: S) -> Wire<S> {
        Wire { stream: BufReader::new(stream) }
    }

    pub(crate) fn socket(&self) -> &S {
        self.stream.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the other side reads");
    }

    pub(crate) fn send_chunk(&mut self, data: &str) {
        self.send(format!("{:x}\r\n{data}\r\n", data.len()));
    }

    pub(crate) fn head(&mut self) -> Head {
        let line = self.line();
        let mut headers = Vec::new();
        loop {
            let header = self.line();
            if header.is_empty() {
                return Head { line, headers };
            }
            let (name, value) = header.split_once(':').expect("a header");
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// A whole message, whose body is as long as the head says.
    pub(crate) fn message(&mut self) -> (Head, String) {
        let head = self.head();
        let body = match head.get("transfer-encoding") {
            Some(_) => std::iter::from_fn(|| self.chunk()).collect(),
            None => {
                self.text(head.get("content-length").map_or(0, |it| it.parse().expect("a length")))
            }
        };
        (head, body)
    }

    /// A chunk, or `None` after the last, whose trailers are left to read.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let size = self.line();
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size: {size:?}"));
        let data = (size > 0).then(|| self.text(size));
        if data.is_some() {
            assert_eq!(self.line(), "");
        }
        data
    }

    pub(crate) fn text(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).expect("the bytes");
        String::from_utf8(bytes).expect("text")
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        assert!(line.ends_with("\r\n"), "ended in the middle of a line: {line:?}");
        line.trim_end().to_owned()
    }

    /// All that comes until the other side ends or breaks the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection does not end after {}: {error}", rest.len()),
        }
        String::from_utf8(rest).expect("text")
    }
}
