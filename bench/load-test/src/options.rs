//! The command line.

use clap::{Parser, ValueEnum};
use std::str::FromStr;
use std::time::Duration;

use crate::frames::HEAD_BYTES;

/// Connects many WebSocket clients to a broadcast server, and measures and verifies what they
/// receive.
///
/// Messages are expected to look like {"t":<unix ns>,"n":<0,1,2…>,…}. "t" gives the latency, "n"
/// shows loss and disorder. Both must lie in the first 125 bytes; messages without them are only
/// counted.
#[derive(Debug, Clone, Parser)]
#[command(name = "load-test", version)]
pub(crate) struct Options {
    /// Where to connect; {i} stands for the number of the client.
    #[arg(long, value_name = "ws://HOST:PORT/PATH")]
    pub(crate) url: String,

    /// How many clients to connect.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) clients: u64,

    /// How long to measure, from the moment when all clients are connected and warm.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    pub(crate) duration: Duration,

    /// How long to receive before measuring. Numbers are verified from the first message on.
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    pub(crate) warmup: Duration,

    /// End as soon as every reading client has received this many messages or has been closed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) messages: Option<u64>,

    /// How many connections to begin per second.
    #[arg(long, default_value = "5000/s", value_name = "N/s")]
    pub(crate) connect_rate: PerSecond,

    /// How many connections may be in the making at once.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) connect_concurrency: u64,

    /// Clients (a number, or a share such as 1%) that read only 1 KiB every 100 ms.
    #[arg(long, default_value = "0", value_name = "N|N%")]
    pub(crate) slow: Share,

    /// Clients (a number, or a share such as 0.5%) that read nothing after the handshake.
    #[arg(long, default_value = "0", value_name = "N|N%")]
    pub(crate) stall: Share,

    /// Reading clients to close and replace per second, once all are connected.
    #[arg(long, value_name = "N/s")]
    pub(crate) churn: Option<PerSecond>,

    /// A header for every handshake; may be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<Header>,

    /// A text message of at most 125 bytes that every client sends once it is connected, for
    /// servers that wait for one.
    #[arg(long, value_name = "TEXT", value_parser = parse_hello)]
    pub(crate) hello: Option<String>,

    /// Offer permessage-deflate. Compressed messages are counted as they come: nothing is inflated,
    /// so they show neither number nor time.
    #[arg(long)]
    pub(crate) compress: bool,

    /// Adds id=PREFIX<number of the client> to the query.
    #[arg(long, value_name = "PREFIX", value_parser = parse_id_prefix)]
    pub(crate) id_prefix: Option<String>,

    /// Which messages to check for loss and order. A connection is taken to be one sequence, so
    /// clients that listen to several numbered channels need "none".
    #[arg(long, value_enum, default_value_t = Verify::All)]
    pub(crate) verify: Verify,

    /// Print one JSON object instead of a table, and on stderr "ready: <n> clients connected",
    /// "measuring" and "measured", each when it is so.
    #[arg(long)]
    pub(crate) json: bool,

    /// Permit targets other than this machine. Ask their owners first.
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

/// Which messages are checked for loss and order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verify {
    /// The number of every message.
    All,
    /// The number of the first message of each read; the others are counted. Finds all loss, but
    /// not disorder within a read.
    Sample,
    /// Messages are only counted.
    None,
}

/// A rate, written `100/s` or `100`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PerSecond(pub(crate) f64);

impl FromStr for PerSecond {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix("/s").unwrap_or(text).parse() {
            Ok(rate) if f64::is_finite(rate) && rate > 0.0 => Ok(Self(rate)),
            _ => Err("expected a rate above zero, such as 100/s".to_owned()),
        }
    }
}

/// Some of the clients: a number of them, or a percentage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Share {
    Clients(u64),
    Percent(f64),
}

impl Share {
    /// How many of `clients` these are, rounded up so that a share above zero is at least one.
    pub(crate) fn of(self, clients: u64) -> u64 {
        match self {
            Self::Clients(number) => number.min(clients),
            Self::Percent(percent) => (clients as f64 * percent / 100.0).ceil() as u64,
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = match text.strip_suffix('%') {
            Some(percent) => {
                percent.parse().ok().filter(|p| (0.0..=100.0).contains(p)).map(Self::Percent)
            }
            None => text.parse().ok().map(Self::Clients),
        };
        share.ok_or_else(|| "expected a number of clients, or 0% to 100%".to_owned())
    }
}

/// One header of the handshake, checked, so that it cannot break the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: http::HeaderName,
    pub(crate) value: http::HeaderValue,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
        Ok(Self {
            name: name.trim().parse().map_err(|error| format!("{error}"))?,
            value: value.trim().parse().map_err(|error| format!("{error}"))?,
        })
    }
}

fn parse_hello(text: &str) -> Result<String, String> {
    if text.len() <= HEAD_BYTES {
        Ok(text.to_owned())
    } else {
        Err("expected 125 bytes".to_owned())
    }
}

fn parse_id_prefix(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("expected only letters, digits, and -._~".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_command_line_is_accepted() {
        let options = Options::parse_from([
            "load-test",
            "--url=ws://127.0.0.1:3000/stream?channels=ticks",
            "--clients=10000",
            "--duration=60s",
            "--slow=1%",
            "--stall=0.5%",
            "--churn=100/s",
            "--header=Authorization: Bearer x:y",
        ]);
        assert_eq!(options.duration, Duration::from_secs(60));
        assert_eq!(options.slow.of(options.clients), 100);
        assert_eq!(options.stall.of(options.clients), 50);
        assert_eq!(options.churn, Some(PerSecond(100.0)));
        assert_eq!(options.headers[0].value, "Bearer x:y");
    }

    #[test]
    fn a_share_rounds_up_and_stays_within_the_clients() {
        assert_eq!("1%".parse::<Share>().unwrap().of(10), 1);
        assert_eq!("3".parse::<Share>().unwrap().of(2), 2);
        assert_eq!("0".parse::<Share>().unwrap().of(2), 0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!("101%".parse::<Share>().is_err());
        assert!("-1".parse::<Share>().is_err());
        assert!("0/s".parse::<PerSecond>().is_err());
        assert!("inf".parse::<PerSecond>().is_err());
        assert!("no colon".parse::<Header>().is_err());
        assert!("A: b\r\nC: d".parse::<Header>().is_err());
        assert!(parse_id_prefix("a b").is_err());
        assert!(parse_hello(&"x".repeat(126)).is_err());
    }
}
