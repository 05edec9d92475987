//! `kill -9` at moments that chance draws: under a load, and during a start.

use std::cell::Cell;

use futures_util::future::join;
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::failure::Failure;
use crate::server::{Launch, Server};

/// A round is killed after at most this many acknowledged requests.
const ACKNOWLEDGED_MAX: usize = 160;
/// And then after at most this many turns of the event loop, each some microseconds.
const TURNS_MAX: usize = 4000;
/// Of a hundred starts, how many are killed before the server answers: recovery is killed too.
const KILLED_STARTS: usize = 20;
/// And these after at most this many milliseconds, spent in turns of the scheduler.
const START_TURNS_MAX: usize = 60_000;

/// What the writers and the killer watch.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    acknowledged: Cell<usize>,
    running: Cell<usize>,
    moved: Notify,
}

impl Pulse {
    /// Of this many writers.
    pub(crate) fn of(writers: usize) -> Self {
        Self { running: Cell::new(writers), ..Self::default() }
    }

    /// Requests that were answered.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.get()
    }

    /// A request was answered.
    pub(crate) fn beat(&self) {
        self.acknowledged.set(self.acknowledged.get() + 1);
        self.moved.notify_one();
    }

    /// A writer has ended.
    pub(crate) fn end(&self) {
        self.running.set(self.running.get() - 1);
        self.moved.notify_one();
    }

    /// Returns once this many requests were acknowledged, or no writer is left.
    async fn reaches(&self, acknowledged: usize) {
        while self.acknowledged.get() < acknowledged && self.running.get() > 0 {
            self.moved.notified().await;
        }
    }
}

/// When a server is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    acknowledged: usize,
    turns: usize,
}

impl Moment {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        Self { acknowledged: 1 + chance.below(ACKNOWLEDGED_MAX), turns: chance.below(TURNS_MAX) }
    }
}

/// Kills the server at that moment of a load, which ends by itself once nobody answers.
pub(crate) async fn kill_under<T>(
    server: Server,
    moment: Moment,
    pulse: &Pulse,
    load: impl Future<Output = Result<T, Failure>>,
) -> Result<(), Failure> {
    let kill = async {
        pulse.reaches(moment.acknowledged).await;
        for _ in 0..moment.turns {
            tokio::task::yield_now().await;
        }
        server.kill()
    };
    let (killed, loaded) = join(kill, load).await;
    killed.and(loaded.map(drop))
}

/// Sometimes starts a server and kills it before it answers; whether it did.
pub(crate) fn kill_a_start(launch: &Launch, chance: &mut Chance) -> Result<bool, Failure> {
    if !chance.percent(KILLED_STARTS) {
        return Ok(false);
    }
    let starting = launch.spawn()?;
    (0..chance.below(START_TURNS_MAX)).for_each(|_| std::thread::yield_now());
    starting.kill()?;
    Ok(true)
}
