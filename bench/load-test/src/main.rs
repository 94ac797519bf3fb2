//! A load tester for WebSocket broadcast servers.
//!
//! One thread drives all clients, so that its own cost is known and it fits beside the server under
//! test, pinned to a core of its own. A run goes through these files in order: `options` and
//! `target` say what to do, `engine` runs the loop, `client` is one connection in it, `frames`,
//! `fields`, `sequence` and `latency` look at what arrives, and `survey` and `report` sum it
//! up.
//!
//! The exit code is 0 when the run took place, 1 when no client could connect, 2 for bad arguments.

// A test that unwraps what it did not expect fails, which is what it should do.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod behaviours;
mod churn;
mod client;
mod connector;
mod dial;
mod engine;
mod fields;
mod frames;
mod goal;
mod handshake;
mod latency;
mod limits;
mod meter;
mod options;
mod pace;
mod poller;
mod progress;
mod report;
mod sequence;
mod survey;
mod tally;
mod target;
mod timeline;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::engine::Engine;
use crate::options::Options;
use crate::progress::Progress;
use crate::report::Report;
use crate::survey::Survey;
use crate::target::Target;

const EXIT_NO_CONNECTION: u8 = 1;
const EXIT_BAD_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    let target = match prepare(&options) {
        Ok(target) => target,
        Err(complaint) => {
            eprintln!("error: {complaint}");
            return ExitCode::from(EXIT_BAD_ARGUMENTS);
        }
    };
    match run(&options, &target) {
        Ok(report) => {
            print(&options, &report);
            ExitCode::from(if report.took_place() { 0 } else { EXIT_NO_CONNECTION })
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_NO_CONNECTION)
        }
    }
}

fn prepare(options: &Options) -> Result<Target, String> {
    let target = Target::resolve(options)?;
    limits::raise_descriptor_limit(options.clients)?;
    Ok(target)
}

fn run(options: &Options, target: &Target) -> io::Result<Report> {
    let stop = stop_on_signals()?;
    let mut engine = Engine::new(options, target, &stop)?;
    engine.run(&mut Progress::new(!options.json))?;
    let survey = Survey::of(&engine.clients);
    engine.wind_up()?;
    Ok(Report::new(options, &engine, &survey))
}

/// The first SIGINT or SIGTERM ends the run with its report, the second one ends the process.
fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let status = 128 + signal;
        signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

fn print(options: &Options, report: &Report) {
    if options.json {
        println!("{}", report.to_json());
    } else {
        print!("{}", report.to_table());
    }
}
