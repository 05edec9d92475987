//! From windows to figures: what one window says, and what several say together.

use std::time::Duration;

use crate::Failure;

/// What one window counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    completed: u64,
    wall: Duration,
    cpu: Duration,
}

impl Window {
    /// What a window counted.
    ///
    /// # Errors
    /// When it counted nothing, as on an overloaded machine: no figure can be made of it.
    pub(crate) fn new(completed: u64, wall: Duration, cpu: Duration) -> Result<Self, Failure> {
        if completed == 0 || wall.is_zero() || cpu.is_zero() {
            return Err(
                "nothing was completed in a window: quiet the machine, or make --seconds longer".into()
            );
        }
        Ok(Self { completed, wall, cpu })
    }

    /// Requests that were answered, or calls that returned.
    pub(crate) const fn completed(&self) -> u64 {
        self.completed
    }

    /// How long it lasted.
    pub(crate) const fn wall(&self) -> Duration {
        self.wall
    }

    /// CPU time of the measured process (or thread) in it.
    pub(crate) const fn cpu(&self) -> Duration {
        self.cpu
    }

    /// CPU time of one request, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.completed_f64()
    }

    /// Requests in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.completed_f64() / self.wall.as_secs_f64()
    }

    /// Cores in use: 1.00 is one core all the time. Well below the cores that it has, the load was the limit.
    pub(crate) fn cores(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// How much cheaper `floor` was: 1.00 costs the same.
    pub(crate) fn ratio_to(&self, floor: &Self) -> f64 {
        floor.cpu_us() / self.cpu_us()
    }

    #[expect(clippy::cast_precision_loss, reason = "no window counts 2^53 requests")]
    fn completed_f64(&self) -> f64 {
        self.completed as f64
    }
}

/// How a figure spreads over the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { min: *values.first()?, median: f64::midpoint(lower, upper), max: *values.last()? })
    }
}

/// What was measured of one thing: one window a round.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// As the table names it.
    pub(crate) title: &'static str,
    /// One a round, in the order of the rounds.
    pub(crate) windows: Vec<Window>,
}

impl Series {
    pub(crate) const fn new(title: &'static str) -> Self {
        Self { title, windows: Vec::new() }
    }

    /// The spread of a figure.
    pub(crate) fn spread(&self, figure: fn(&Window) -> f64) -> Option<Spread> {
        Spread::of(self.windows.iter().map(figure))
    }

    /// The spread of the ratio to a floor, each window to that of its own round: what disturbs a round disturbs both.
    pub(crate) fn ratio_to(&self, floor: &Self) -> Option<Spread> {
        Spread::of(self.windows.iter().zip(&floor.windows).map(|(window, floor)| window.ratio_to(floor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(completed: u64, cpu_us: u64) -> Window {
        Window::new(completed, Duration::from_secs(2), Duration::from_micros(cpu_us)).unwrap()
    }

    #[test]
    fn a_window_divides_by_what_was_completed() {
        let window = window(1000, 12_000);
        assert!((window.cpu_us() - 12.0).abs() < 1e-9);
        assert!((window.per_second() - 500.0).abs() < 1e-9);
        assert!((window.cores() - 0.006).abs() < 1e-9);
    }

    #[test]
    fn an_empty_window_is_no_figure() {
        let second = Duration::from_secs(1);
        for (completed, wall, cpu) in
            [(0, second, second), (1, Duration::ZERO, second), (1, second, Duration::ZERO)]
        {
            assert!(Window::new(completed, wall, cpu).is_err());
        }
    }

    #[test]
    fn a_spread_has_the_middle_of_the_sorted_values() {
        for (values, expected) in [
            (&[3.0, 1.0, 2.0][..], Some((1.0, 2.0, 3.0))),
            (&[4.0, 1.0, 2.0, 3.0], Some((1.0, 2.5, 4.0))),
            (&[7.0], Some((7.0, 7.0, 7.0))),
            (&[], None),
        ] {
            let expected = expected.map(|(min, median, max)| Spread { min, median, max });
            assert_eq!(Spread::of(values.iter().copied()), expected);
        }
    }

    #[test]
    fn ratios_pair_the_windows_of_a_round() {
        // Round two is three times slower for both: the ratio does not see it.
        let echo = Series { title: "echo", windows: vec![window(1000, 6_000), window(1000, 18_000)] };
        let other = Series { title: "other", windows: vec![window(1000, 12_000), window(500, 18_000)] };
        let ratio = other.ratio_to(&echo).unwrap();
        assert_eq!(ratio, Spread { min: 0.5, median: 0.5, max: 0.5 });
    }
}
