//! The outcome of a run, as a table or as JSON.

use indicatif::{DecimalBytes, HumanCount};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::Engine;
use crate::options::Options;
use crate::survey::Survey;

/// All figures of a run. Field names carry their units and are stable.
///
/// "Reading clients" are those that are neither slow nor stalled; unless a name says otherwise, the
/// figures are about them. The *window* is the measured time.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Clients asked for, and how many of them got their upgrade.
    clients: u64,
    connected: u64,
    /// From the first connect until every one had worked or failed; zero if that never was.
    connect_s: f64,
    /// Connections that could not be made, and why.
    failed: u64,
    failures: BTreeMap<String, u64>,
    /// Clients closed by `--churn`, and their replacements that connected.
    churned: u64,
    replacements_connected: u64,
    /// Clients of every kind that were connected when the window ended.
    live_clients: u64,
    /// Connections of every kind ended by the server, by code; 1006 is an end without a close
    /// frame.
    closed: BTreeMap<u16, u64>,
    protocol_violations: BTreeMap<&'static str, u64>,
    reading_closed: u64,
    slow_closed: u64,
    stalled_closed: u64,

    /// The length of the window, and what was received in it.
    duration_s: f64,
    messages: u64,
    messages_per_second: f64,
    bytes: u64,
    bytes_per_second: f64,
    reads: u64,
    messages_per_read: f64,
    /// From `"t"` to the return of the read; null if no message had one.
    latency_p50_us: Option<u64>,
    latency_p99_us: Option<u64>,
    latency_p999_us: Option<u64>,
    latency_max_us: Option<u64>,

    /// Over the whole run, before the window too.
    messages_total: u64,
    missing: u64,
    out_of_order: u64,
    unnumbered: u64,
    slow_messages: u64,
    slow_missing: u64,
    slow_out_of_order: u64,
    /// Over the live clients; null if one of them has seen no number.
    min_last_n: Option<u64>,
    max_last_n: Option<u64>,
    /// Over all clients that connected, but for churned ones: messages since their handshake.
    min_messages: Option<u64>,
    max_messages: Option<u64>,

    /// User and system time of the load tester in the window, of one core.
    cpu_percent: f64,
    /// Share of the 100 ms intervals in which it never found all its sockets empty.
    behind_percent: f64,
    /// The load tester was the bottleneck: `cpu_percent` ≥ 95 and `behind_percent` ≥ 50.
    saturated: bool,
}

impl Report {
    /// Gathers the figures. `survey` is from the end of the window; the engine has been wound up
    /// since.
    pub(crate) fn new(options: &Options, engine: &Engine<'_>, survey: &Survey) -> Self {
        let (meter, tally) = (&engine.instruments.meter, &engine.tally);
        let mut found = survey.reading;
        found.add(tally.churned_discrepancies);
        Self {
            clients: options.clients,
            connected: tally.connected,
            connect_s: engine.connected_after.as_secs_f64(),
            failed: tally.failures(),
            failures: tally.failed.clone(),
            churned: tally.churned,
            replacements_connected: tally.replacements_connected,
            live_clients: survey.live_clients,
            closed: tally.closed.clone(),
            protocol_violations: tally.violations.clone(),
            reading_closed: tally.reading_closed,
            slow_closed: tally.slow_closed,
            stalled_closed: tally.stalled_closed,
            duration_s: meter.elapsed().as_secs_f64(),
            messages: meter.messages,
            messages_per_second: meter.per_second(meter.messages),
            bytes: meter.bytes,
            bytes_per_second: meter.per_second(meter.bytes),
            reads: meter.reads,
            messages_per_read: meter.messages as f64 / meter.reads.max(1) as f64,
            latency_p50_us: meter.latency.percentile_us(50.0),
            latency_p99_us: meter.latency.percentile_us(99.0),
            latency_p999_us: meter.latency.percentile_us(99.9),
            latency_max_us: meter.latency.percentile_us(100.0),
            messages_total: engine.instruments.received,
            missing: found.missing,
            out_of_order: found.out_of_order,
            unnumbered: found.unnumbered,
            slow_messages: survey.slow_messages,
            slow_missing: survey.slow.missing,
            slow_out_of_order: survey.slow.out_of_order,
            min_last_n: survey.last_n.map(|(min, _)| min),
            max_last_n: survey.last_n.map(|(_, max)| max),
            min_messages: survey.messages.map(|(min, _)| min),
            max_messages: survey.messages.map(|(_, max)| max),
            cpu_percent: meter.cpu_percent(),
            behind_percent: meter.behind_percent(),
            saturated: meter.saturated(),
        }
    }

    /// Whether any client got through, so that the figures mean something.
    pub(crate) fn took_place(&self) -> bool {
        self.connected > 0
    }

    /// The report as one line of JSON.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self)
            .expect("maps have string keys or integers, and no field can fail")
    }

    /// The report for people, one figure per line.
    pub(crate) fn to_table(&self) -> String {
        let mut table = String::new();
        for (name, value) in self.rows() {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{name:<18} {value}");
        }
        if self.saturated {
            table.push_str(
                "\nThe load tester was the bottleneck: the server may be faster than this.\n",
            );
        }
        table
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let count = |number: u64| HumanCount(number).to_string();
        let mut rows = vec![
            (
                "connected",
                format!(
                    "{} of {} in {:.2} s",
                    count(self.connected),
                    count(self.clients),
                    self.connect_s
                ),
            ),
            ("failed", count(self.failed) + &reasons(&self.failures)),
            ("closed by server", count(self.closed.values().sum()) + &reasons(&self.closed)),
        ];
        if !self.protocol_violations.is_empty() {
            rows.push(("protocol broken", reasons(&self.protocol_violations)));
        }
        if self.churned > 0 {
            let connected = count(self.replacements_connected);
            rows.push(("churned", format!("{}, replaced {connected}", count(self.churned))));
        }
        rows.extend([
            ("window", format!("{:.2} s", self.duration_s)),
            (
                "messages",
                format!("{} ({}/s)", count(self.messages), count(self.messages_per_second as u64)),
            ),
            (
                "bytes",
                format!(
                    "{} ({}/s)",
                    DecimalBytes(self.bytes),
                    DecimalBytes(self.bytes_per_second as u64)
                ),
            ),
            ("messages per read", format!("{:.1}", self.messages_per_read)),
            ("latency", self.latency_row()),
            ("missing", count(self.missing)),
            ("out of order", count(self.out_of_order)),
            ("without a number", count(self.unnumbered)),
            ("last number", span(self.min_last_n, self.max_last_n)),
            ("messages each", span(self.min_messages, self.max_messages)),
            ("own CPU", format!("{:.0} % of a core", self.cpu_percent)),
        ]);
        rows
    }

    fn latency_row(&self) -> String {
        let ms = |us: Option<u64>| match us {
            Some(us) => format!("{:.3} ms", us as f64 / 1000.0),
            None => "–".to_owned(),
        };
        let (p50, p99) = (ms(self.latency_p50_us), ms(self.latency_p99_us));
        let (p999, max) = (ms(self.latency_p999_us), ms(self.latency_max_us));
        format!("p50 {p50}, p99 {p99}, p99.9 {p999}, max {max}")
    }
}

/// ` (3 × reason, 1 × other)`, or nothing.
fn reasons<R: std::fmt::Display>(counts: &BTreeMap<R, u64>) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let listed: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count} × {reason}")).collect();
    format!(" ({})", listed.join(", "))
}

fn span(min: Option<u64>, max: Option<u64>) -> String {
    match min.zip(max) {
        Some((min, max)) => format!("{min} to {max}"),
        None => "–".to_owned(),
    }
}
