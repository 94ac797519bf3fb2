//! Runs the load tester as its users do: as a process.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// A run under way, with `--json`.
pub struct Run {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// Begins a run against `address`.
pub fn start(address: SocketAddr, arguments: &[&str]) -> Run {
    let mut child = command(&format!("ws://{address}/stream"), arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the load tester starts");
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    Run { child, stderr }
}

impl Run {
    /// Waits until all connects are settled, and returns the line that says so.
    pub fn await_ready(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("stderr is text");
        line.trim_end().to_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end, and returns the report.
    pub fn report(mut self) -> Value {
        let mut json = String::new();
        let stdout = self.child.stdout.as_mut().expect("stdout is piped");
        stdout.read_to_string(&mut json).expect("stdout is text");
        let status = self.child.wait().expect("the load tester ends");
        assert!(status.success(), "{status}");
        serde_json::from_str(&json).expect("the report is JSON")
    }
}

/// Runs to the end and returns the report.
pub fn run(address: SocketAddr, arguments: &[&str]) -> Value {
    start(address, arguments).report()
}

/// Runs to the end, for runs that are to fail.
pub fn output(url: &str, arguments: &[&str]) -> Output {
    command(url, arguments).output().expect("the load tester starts")
}

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_load-test"));
    command.args(["--json", "--url", url]).args(arguments);
    command
}
