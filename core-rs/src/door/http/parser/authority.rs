//! A host with a port: RFC 3986, section 3.2.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::door::http::error::HttpError;

/// The port that a URL of HTTP leaves out.
const DEFAULT_PORT: u16 = 80;

pub(crate) struct Authority {
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
    pub(crate) fn parse(value: &[u8]) -> Result<Authority, HttpError> {
        let (host, port) = match value.iter().rposition(|&byte| byte == b':') {
            Some(colon) if !value.ends_with(b"]") => (&value[..colon], &value[colon + 1..]),
            _ => (value, &b""[..]),
        };
        if !is_host(host) {
            return Err(MALFORMED);
        }
        let port = match port {
            b"" => None,
            digits if digits.iter().all(u8::is_ascii_digit) => {
                let digits = std::str::from_utf8(digits).map_err(|_| MALFORMED)?;
                Some(digits.parse().map_err(|_| MALFORMED)?)
            }
            _ => return Err(MALFORMED),
        };
        Ok(Authority { host_bytes: host.len(), port })
    }

    /// How many bytes a URL has of it.
    pub(crate) fn url_bytes(&self) -> usize {
        match self.port {
            None | Some(DEFAULT_PORT) => self.host_bytes,
            Some(port) => {
                self.host_bytes + 2 + port.checked_ilog10().map_or(0, |more| more as usize)
            }
        }
    }
}

const MALFORMED: HttpError = HttpError::Malformed(
    "the host of the request is malformed: it must be a name or an address, \
                          and may have a port\n",
);

/// Whether a URL can be made with it, by JavaScript too. That takes a name whose last part is a
/// number for an IPv4 address.
fn is_host(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    match last.bytes().next() {
        Some(digit) if digit.is_ascii_digit() && is_number(last) => {
            name.parse::<Ipv4Addr>().is_ok()
        }
        _ => !name.is_empty() && host.bytes().all(is_of_name),
    }
}

fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x").or_else(|| label.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Whether a host's name may have this byte.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}
