//! Evenly spaced permission to do something so many times a second.

use std::time::{Duration, Instant};

use crate::options::PerSecond;

/// What may be made up for at once after a delay. Later permission is lost, so that a long pause
/// does not end in a flood.
const MAX_ARREARS: Duration = Duration::from_millis(100);

/// Grants permissions at a steady rate.
pub(crate) struct Pace {
    per_second: f64,
    updated_at: Instant,
    permissions: f64,
}

impl Pace {
    /// A pace that grants its first permission at once.
    pub(crate) fn new(rate: PerSecond, now: Instant) -> Self {
        Self { per_second: rate.0, updated_at: now, permissions: 1.0 }
    }

    /// Takes one permission, if there is one by now.
    pub(crate) fn try_take(&mut self, now: Instant) -> bool {
        let earned = self.per_second * (now - self.updated_at).as_secs_f64();
        let most = (self.per_second * MAX_ARREARS.as_secs_f64()).max(1.0);
        self.permissions = (self.permissions + earned).min(most);
        self.updated_at = now;
        let granted = self.permissions >= 1.0;
        if granted {
            self.permissions -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(pace: &mut Pace, now: Instant) -> usize {
        (0..10_000).take_while(|_| pace.try_take(now)).count()
    }

    #[test]
    fn permissions_come_at_the_given_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(PerSecond(100.0), start);
        assert_eq!(granted(&mut pace, start), 1);
        assert_eq!(granted(&mut pace, start + Duration::from_millis(5)), 0);
        assert_eq!(granted(&mut pace, start + Duration::from_millis(51)), 5);
    }

    #[test]
    fn a_long_pause_is_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(PerSecond(100.0), start);
        assert_eq!(granted(&mut pace, start + Duration::from_secs(60)), 10);
        let mut rare = Pace::new(PerSecond(0.5), start);
        assert_eq!(granted(&mut rare, start + Duration::from_secs(60)), 1);
    }
}
