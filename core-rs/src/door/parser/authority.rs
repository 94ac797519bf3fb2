//! A host with a port: RFC 3986, section 3.2.

use super::super::objection::Objection;

/// The port that a URL of HTTP leaves out.
const DEFAULT_PORT: u16 = 80;

pub(super) struct Authority {
    host_bytes: usize,
    port: Option<u16>,
}

impl Authority {
    /// Parses the value of `Host`, or what stands in a target. Percent-encoding is refused: nothing
    /// sends it, and what a URL makes of it is another host.
    ///
    /// # Errors
    ///
    /// When it is malformed: a URL that is made with it could have another path.
    pub(super) fn parse(value: &[u8]) -> Result<Authority, Objection> {
        let (host, port) = match value.iter().rposition(|&byte| byte == b':') {
            Some(colon) if !value.ends_with(b"]") => (&value[..colon], &value[colon + 1..]),
            _ => (value, &b""[..]),
        };
        let is_host = match host {
            [b'[', address @ .., b']'] => {
                address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
            }
            name => !name.is_empty() && name.iter().copied().all(is_of_name),
        };
        let port = match port {
            b"" => None,
            digits if digits.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(digits).map_err(|_| MALFORMED)?;
                Some(digits.parse().map_err(|_| MALFORMED)?)
            }
            _ => return Err(MALFORMED),
        };
        let host_bytes = host.len();
        if is_host { Ok(Authority { host_bytes, port }) } else { Err(MALFORMED) }
    }

    /// How many bytes a URL has of it.
    pub(super) fn url_bytes(&self) -> usize {
        match self.port {
            None | Some(DEFAULT_PORT) => self.host_bytes,
            Some(port) => {
                self.host_bytes + 2 + port.checked_ilog10().map_or(0, |more| more as usize)
            }
        }
    }
}

const MALFORMED: Objection = Objection::Malformed(
    "the host of the request is malformed: it must be a name or an address, \
                          and may have a port\n",
);

/// Whether a host's name may have this byte.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}
