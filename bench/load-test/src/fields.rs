//! Finds the numbers `"n":<int>` and `"t":<int>` at the head of a JSON message.
//!
//! A whole JSON parser would cost more than everything else together, and publishers write the same
//! layout every time. So each field is first looked for where it was the last time, and searched
//! for only if it is not there. A message whose fields lie beyond its head counts as having none.

const N_KEY: &[u8; 4] = b"\"n\":";
const T_KEY: &[u8; 4] = b"\"t\":";

/// The number of a message and its publish time, found by key.
#[derive(Debug, Default)]
pub(crate) struct FieldFinder {
    n_offset: usize,
    t_offset: usize,
}

impl FieldFinder {
    /// The sequence number of the message, from `"n"`.
    #[inline]
    pub(crate) fn n(&mut self, head: &[u8]) -> Option<u64> {
        find_number(head, N_KEY, &mut self.n_offset)
    }

    /// When the message was published, in nanoseconds since 1970, from `"t"`.
    #[inline]
    pub(crate) fn t_ns(&mut self, head: &[u8]) -> Option<u64> {
        find_number(head, T_KEY, &mut self.t_offset)
    }
}

#[inline]
fn find_number(head: &[u8], key: &[u8; 4], offset: &mut usize) -> Option<u64> {
    let expected = head.get(*offset..*offset + key.len());
    if expected != Some(key.as_slice()) {
        *offset = search(head, key)?;
    }
    parse_number(&head[*offset + key.len()..])
}

#[cold]
fn search(head: &[u8], key: &[u8; 4]) -> Option<usize> {
    head.windows(key.len()).position(|window| window == key)
}

/// Parses digits up to a byte that is none. Digits up to the end of the head may go on beyond it,
/// so they are no number yet.
#[inline]
fn parse_number(bytes: &[u8]) -> Option<u64> {
    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
    let mut number = 0_u64;
    for (index, byte) in bytes[spaces..].iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (index > 0).then_some(number);
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_the_documented_layout() {
        let mut fields = FieldFinder::default();
        let message = br#"{"t":1763890000123456789,"n":42,"p":"xxxx"}"#;
        assert_eq!(fields.t_ns(message), Some(1_763_890_000_123_456_789));
        assert_eq!(fields.n(message), Some(42));
    }

    #[test]
    fn fields_are_found_wherever_they_move() {
        let mut fields = FieldFinder::default();
        for message in ["{\"n\":7}", "{\"t\":1,\"n\": 8}", "{\"n\":9,\"t\":2}"] {
            assert!(
                fields.n(message.as_bytes()).is_some_and(|n| (7..=9).contains(&n)),
                "{message}"
            );
        }
        assert_eq!(fields.t_ns(b"{\"n\":9,\"t\":2}"), Some(2));
    }

    #[test]
    fn a_message_without_the_field_or_without_its_end_has_none() {
        let mut fields = FieldFinder::default();
        for message in ["", "{}", "{\"n\":", "{\"n\":12", "{\"n\":\"12\"}", "{\"m\":1}"] {
            assert_eq!(fields.n(message.as_bytes()), None, "{message}");
        }
    }
}
