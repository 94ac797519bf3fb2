//! Where the clients connect to, and from which addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use crate::options::Options;

/// Clients per source address: Linux hands out 28,232 ports per pair of addresses by default.
const CLIENTS_PER_SOURCE: u64 = 28_000;

/// The port of `ws://` when the URL names none.
const DEFAULT_PORT: u16 = 80;

/// Stands for the number of the client in a URL.
const CLIENT_NUMBER: &str = "{i}";

/// The server under test.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The value of the `Host` header.
    pub(crate) host: String,
    path_template: String,
}

impl Target {
    /// Resolves the URL of the options.
    ///
    /// # Errors
    /// A sentence for the user: the URL is not usable, is not on this machine although
    /// `--allow-remote` was not given, or cannot serve so many clients.
    pub(crate) fn resolve(options: &Options) -> Result<Self, String> {
        let url: http::Uri =
            options.url.parse().map_err(|error| format!("--url {}: {error}", options.url))?;
        if url.scheme_str() != Some("ws") {
            return Err(format!("--url {}: only ws:// is supported", options.url));
        }
        let authority = url.authority().ok_or_else(|| format!("--url {}: no host", options.url))?;
        let address = resolve(authority.host(), authority.port_u16().unwrap_or(DEFAULT_PORT))?;
        let host = authority.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        let target = Self { address, host, path_template: path_template(&url, options) };
        target.check(options)?;
        Ok(target)
    }

    fn check(&self, options: &Options) -> Result<(), String> {
        if !self.address.ip().is_loopback() && !options.allow_remote {
            return Err(format!(
                "{} is not this machine; give --allow-remote if its owner agrees to the load",
                self.address
            ));
        }
        let highest = options.clients - 1;
        if highest >= CLIENTS_PER_SOURCE && self.source_of(highest).is_none() {
            return Err(format!(
                "--clients {}: one source address has ports for {CLIENTS_PER_SOURCE} clients, and \
                 only targets in 127.0.0.0/8 can be reached from several",
                options.clients
            ));
        }
        Ok(())
    }

    /// Path and query for the client with this number.
    pub(crate) fn path_of(&self, client_number: u64) -> String {
        self.path_template.replace(CLIENT_NUMBER, &client_number.to_string())
    }

    /// The address to connect from, when the kernel's choice would run out of ports: the next
    /// loopback address for each further 28,000 slots.
    pub(crate) fn source_of(&self, slot: u64) -> Option<IpAddr> {
        if !self.address.is_ipv4() || !self.address.ip().is_loopback() {
            return None;
        }
        let step = u32::try_from(slot / CLIENTS_PER_SOURCE).ok().filter(|step| *step > 0)?;
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST).checked_add(step)?);
        source.is_loopback().then_some(IpAddr::V4(source))
    }
}

/// The first IPv4 address of the host, or else the first one: `localhost` often means both
/// families, and servers listen on 127.0.0.1 more often than on ::1.
fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (bare_host, port)
        .to_socket_addrs()
        .map_err(|error| format!("--url: cannot resolve {host}: {error}"))?
        .collect();
    let chosen = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    chosen.copied().ok_or_else(|| format!("--url: {host} has no address"))
}

fn path_template(url: &http::Uri, options: &Options) -> String {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    match &options.id_prefix {
        Some(prefix) => {
            let joint = if path.contains('?') { '&' } else { '?' };
            format!("{path}{joint}id={prefix}{CLIENT_NUMBER}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn target(arguments: &[&str]) -> Result<Target, String> {
        Target::resolve(&Options::parse_from([&["load-test", "--url"], arguments].concat()))
    }

    #[test]
    fn the_number_of_the_client_is_filled_in() {
        let numbered = target(&["ws://127.0.0.1:3000/s/{i}?id=c{i}"]).unwrap();
        assert_eq!(numbered.path_of(7), "/s/7?id=c7");
        assert_eq!(numbered.host, "127.0.0.1:3000");
        let prefixed = target(&["ws://127.0.0.1/s?channels=a", "--id-prefix", "load-"]).unwrap();
        assert_eq!(prefixed.path_of(7), "/s?channels=a&id=load-7");
        assert_eq!(prefixed.address.port(), 80);
        let bare = target(&["ws://[::1]:1", "--id-prefix", "x"]).unwrap();
        assert_eq!((bare.path_of(0).as_str(), bare.address.is_ipv6()), ("/?id=x0", true));
    }

    #[test]
    fn a_remote_target_needs_permission() {
        assert!(target(&["ws://192.0.2.1/"]).unwrap_err().contains("--allow-remote"));
        assert!(target(&["ws://192.0.2.1/", "--allow-remote"]).is_ok());
    }

    #[test]
    fn other_schemes_are_refused() {
        assert!(target(&["wss://127.0.0.1/"]).unwrap_err().contains("only ws://"));
        assert!(target(&["/stream"]).is_err());
    }

    #[test]
    fn clients_beyond_the_ports_of_one_address_use_the_next() {
        let local = target(&["ws://127.0.0.1/", "--clients", "60000"]).unwrap();
        assert_eq!(local.source_of(27_999), None);
        assert_eq!(local.source_of(28_000), Some("127.0.0.2".parse().unwrap()));
        assert_eq!(local.source_of(56_000), Some("127.0.0.3".parse().unwrap()));
        assert!(target(&["ws://[::1]/", "--clients", "60000"]).is_err());
    }
}
