//! The buffer for the first bytes of every connection.

use std::cell::RefCell;
use std::io;

use bytes::Bytes;

/// Bytes of a connection's first read: most requests are shorter.
const FIRST_BYTES: usize = 8 * 1024;

/// See the module's description.
pub(crate) struct ReadBuffer(RefCell<Box<[u8]>>);

impl ReadBuffer {
    pub(crate) fn new() -> ReadBuffer {
        ReadBuffer(RefCell::new(vec![0; FIRST_BYTES].into()))
    }

    /// The bytes that `read` finds, which does not wait; none if the client has left.
    pub(crate) fn read(
        &self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        let mut buffer = self.0.borrow_mut();
        let length = read(&mut buffer)?;
        Ok(Bytes::copy_from_slice(&buffer[..length]))
    }
}
