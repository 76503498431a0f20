//! Time, as ratios within one round: a neighbour on the machine slows a whole round down.

use std::time::Instant;

/// Rounds in which every subject is timed once.
const ROUNDS: usize = 15;

/// What was seen of a subject.
pub(crate) struct Timed {
    pub(crate) name: &'static str,
    /// The median of the seconds.
    pub(crate) seconds: f64,
    /// The median of the ratios to the first subject in the same round.
    pub(crate) ratio: f64,
}

/// Times `work` on every subject in turn, the yardstick first. Each call must give `expected`,
/// which is checked on every subject before the first round counts.
pub(crate) fn time(
    names: &[&'static str],
    expected: u64,
    mut work: impl FnMut(&str) -> u64,
) -> Vec<Timed> {
    for name in names {
        assert_eq!(work(name), expected, "{name} did the work");
    }
    time_by(names, |name| {
        let started = Instant::now();
        let sum = work(name);
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(sum, expected, "{name} did the work");
        seconds
    })
}

/// Has every subject timed by `seconds`, which checks its work, in turn; the yardstick is first.
pub(crate) fn time_by(names: &[&'static str], mut timed: impl FnMut(&str) -> f64) -> Vec<Timed> {
    let mut seconds = vec![Vec::with_capacity(ROUNDS); names.len()];
    for round in 0..ROUNDS {
        // Each round begins with another subject, so that none always follows the same one.
        for turn in 0..names.len() {
            let index = (round + turn) % names.len();
            seconds[index].push(timed(names[index]));
        }
    }
    let ratios = |subject: &[f64]| -> Vec<f64> {
        subject.iter().zip(&seconds[0]).map(|(subject, yardstick)| subject / yardstick).collect()
    };
    let summary = |(name, list): (&&'static str, &Vec<f64>)| Timed {
        name,
        seconds: median(list),
        ratio: median(&ratios(list)),
    };
    names.iter().zip(&seconds).map(summary).collect()
}

fn median(list: &[f64]) -> f64 {
    let mut sorted = list.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
