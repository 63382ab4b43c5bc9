//! The pace of a simulation: makes records when they are due, and takes them to stdout, into files or to a stream. Must not make a
//! record itself, nor decide what was asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_model::Clock;
use sluice_source::generate::{
    Outlet, Rate, Record, RollingFiles, Simulator, StreamWriteError, StreamWriter,
};
use tokio::sync::Notify;

use super::super::run::interrupted;
use crate::edge::SystemClock;
use crate::exit::Exit;
use crate::render::Screen;

/// Records made between two looks at the clock and at what else happens.
const RECORDS_AT_ONCE: u64 = 1_024;
/// The longest sleep: files grow old meanwhile.
const SLEEP_MAX: Duration = Duration::from_millis(200);
/// Bytes that go to stdout at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Whether an end was asked for.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    pub(super) is_asked: AtomicBool,
    asked: Notify,
}

impl Stop {
    /// Asks for the end.
    pub(crate) fn ask(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
        self.asked.notify_one();
    }
}

/// The first signal ends after the record at work, with all files complete; the second ends at once.
pub(super) async fn stop_on_interrupt(screen: Screen, stop: Arc<Stop>) {
    if interrupted().await {
        stop.ask();
        screen.say("stopping; once more to stop at once");
    }
    if interrupted().await {
        #[allow(
            clippy::exit,
            reason = "asked for twice; a file that is not complete has a hidden name"
        )]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}

/// When records are made, and what time they tell.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Time of the first record.
    pub(super) from_us: i64,
    pub(super) rate: Option<Rate>,
    /// Simulated time per time; none when nothing is waited for.
    pub(super) speed: Option<f64>,
    /// When this began.
    pub(super) began_us: i64,
    pub(super) to_us: Option<i64>,
    pub(super) count: Option<u64>,
}

impl Schedule {
    /// The time that a record tells; none when it is the time of its making.
    fn time_us(&self, index: u64) -> Option<i64> {
        let rate = self.rate?;
        Some(self.from_us.saturating_add(rate.offset_us(index)))
    }

    /// What the time is in the simulation.
    fn now_us(&self, index: u64) -> i64 {
        let passed_us = SystemClock.now_us().saturating_sub(self.began_us).max(0);
        match self.speed {
            Some(speed) => {
                let passed = Duration::from_micros(passed_us.unsigned_abs());
                let passed = passed.mul_f64(speed.min(1e9)).as_micros();
                self.from_us
                    .saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
            }
            None => self.time_us(index).unwrap_or_else(|| SystemClock.now_us()),
        }
    }

    fn is_over(&self, index: u64) -> bool {
        self.count.is_some_and(|count| index >= count)
            || matches!((self.to_us, self.time_us(index)), (Some(to), Some(time)) if time >= to)
    }

    /// How long until a simulated time comes.
    fn wait(&self, time_us: i64, now_us: i64) -> Duration {
        let ahead = Duration::from_micros(time_us.saturating_sub(now_us).max(0).unsigned_abs());
        ahead
            .div_f64(self.speed.unwrap_or(1.0))
            .clamp(Duration::from_millis(1), SLEEP_MAX)
    }
}

/// Makes records when they are due.
pub(super) async fn pump(
    simulator: &mut Simulator,
    target: &mut Target,
    schedule: &Schedule,
    stop: &Stop,
) -> Result<(), Ended> {
    let mut index = 0;
    while !stop.is_asked.load(Ordering::Relaxed) && !schedule.is_over(index) {
        let now_us = schedule.now_us(index);
        let mut made = 0;
        while made < RECORDS_AT_ONCE && !schedule.is_over(index) {
            let time_us = schedule.time_us(index).unwrap_or(now_us);
            if schedule.speed.is_some() && time_us > now_us {
                break;
            }
            target.tick(time_us)?;
            simulator.next(time_us, target)?;
            index += 1;
            made += 1;
        }
        if made < RECORDS_AT_ONCE || target.is_full() {
            target.send().await?;
        }
        if made == 0 {
            target.tick(now_us)?;
            target.flush()?;
            let wait = schedule.wait(schedule.time_us(index).unwrap_or(now_us), now_us);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.asked.notified() => {}
            }
        }
    }
    simulator.finish(target)?;
    target.send().await?;
    target.finish()
}

/// Why nothing more is written.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nobody reads stdout any more, or it takes nothing, which the screen has told.
    ReaderGone,
    Failed(io::Error),
    Stream(StreamWriteError),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Where records go.
#[derive(Debug)]
pub(super) enum Target {
    Stdout {
        screen: Screen,
        buffer: Vec<u8>,
        is_headed: bool,
    },
    Files(RollingFiles),
    Stream(Box<StreamWriter>),
}

impl Target {
    pub(super) fn stdout(screen: &Screen) -> Self {
        Self::Stdout {
            screen: screen.clone(),
            buffer: Vec::with_capacity(BUFFER_BYTES * 2),
            is_headed: false,
        }
    }

    fn tick(&mut self, now_us: i64) -> Result<(), Ended> {
        match self {
            Self::Stdout { .. } | Self::Stream(_) => Ok(()),
            Self::Files(files) => Ok(files.tick(now_us)?),
        }
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Stream(stream) if stream.is_full())
    }

    /// Brings records to a stream.
    async fn send(&mut self) -> Result<(), Ended> {
        match self {
            Self::Stream(stream) => stream.send().await.map_err(Ended::Stream),
            Self::Stdout { .. } | Self::Files(_) => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Ended> {
        if let Self::Stdout { screen, buffer, .. } = self
            && !buffer.is_empty()
        {
            if !screen.records(buffer) {
                return Err(Ended::ReaderGone);
            }
            buffer.clear();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Ended> {
        match self {
            Self::Stdout { .. } => self.flush(),
            Self::Files(files) => Ok(files.finish()?),
            Self::Stream(_) => Ok(()),
        }
    }
}

impl Outlet for Target {
    type Error = Ended;

    fn put(&mut self, record: Record<'_>) -> Result<(), Ended> {
        match self {
            Self::Files(files) => Ok(files.put(record)?),
            Self::Stream(stream) => {
                let Ok(()) = stream.put(record);
                Ok(())
            }
            Self::Stdout {
                buffer, is_headed, ..
            } => {
                if let (Some(header), false) = (record.header, *is_headed) {
                    buffer.extend_from_slice(header);
                    buffer.push(b'\n');
                }
                *is_headed = true;
                buffer.extend_from_slice(record.bytes);
                buffer.push(b'\n');
                if buffer.len() >= BUFFER_BYTES {
                    self.flush()?;
                }
                Ok(())
            }
        }
    }
}
