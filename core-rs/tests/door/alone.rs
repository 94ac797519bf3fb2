//! Tests of what a whole process has: its memory, its descriptors.

use std::env;
use std::process::Command;

/// Set in the process that a test has for itself.
const ALONE: &str = "SHARDCAST_TEST_ALONE";

/// Runs the body of the test of this name (`module::function`) in a process of its own, where no
/// other test disturbs it or is disturbed.
pub(crate) fn alone(name: &str, body: fn()) {
    if env::var_os(ALONE).is_some() {
        return body();
    }
    let tests = env::current_exe().expect("this program");
    let ran = Command::new(tests).args(["--exact", name]).env(ALONE, "1").output();
    let ran = ran.expect("this program runs");
    let output = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && output.contains("1 passed"), "{output}");
}
