//! Spreads slow and stalled clients evenly among the others.

use crate::client::Behaviour;
use crate::options::Options;

/// The behaviour of each client, by slot. Stalled clients are picked from all, slow ones from the
/// rest.
pub(crate) fn spread_behaviours(options: &Options) -> Vec<Behaviour> {
    let stalled = options.stall.of(options.clients);
    let rest = options.clients - stalled;
    let slow = options.slow.of(options.clients).min(rest);
    let mut others = 0;
    (0..options.clients)
        .map(|index| {
            if is_picked(index, stalled, options.clients) {
                return Behaviour::Stalled;
            }
            others += 1;
            let is_slow = is_picked(others - 1, slow, rest);
            if is_slow { Behaviour::Slow } else { Behaviour::Reading }
        })
        .collect()
}

/// Whether `index` is among `picked` of `total` evenly spread ones.
fn is_picked(index: u64, picked: u64, total: u64) -> bool {
    let picked_before = |index: u64| u128::from(index) * u128::from(picked) / u128::from(total);
    picked_before(index + 1) > picked_before(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn count(arguments: &[&str]) -> (usize, usize, usize) {
        let arguments = [&["load-test", "--url=ws://127.0.0.1/"], arguments].concat();
        let behaviours = spread_behaviours(&Options::parse_from(arguments));
        let count = |wanted| behaviours.iter().filter(|behaviour| **behaviour == wanted).count();
        (count(Behaviour::Reading), count(Behaviour::Slow), count(Behaviour::Stalled))
    }

    #[test]
    fn exactly_as_many_clients_as_asked_for_are_slow_and_stalled() {
        assert_eq!(count(&["--clients=1000", "--slow=1%", "--stall=0.5%"]), (985, 10, 5));
        assert_eq!(count(&["--clients=5000", "--stall=2000"]), (3000, 0, 2000));
        assert_eq!(count(&["--clients=3", "--slow=3", "--stall=2"]), (0, 1, 2));
        assert_eq!(count(&["--clients=7"]), (7, 0, 0));
    }
}
