//! The log: events at or above the log level, written as lines to a sink.

use std::cell::Cell;
use std::io;

use super::event::Event;
use super::level::Level;
use super::render;
use super::settings::Settings;
use gitmind_memory::{Alloc, MemoryError, Slab, Vec};
use gitmind_system::clock::Clock;

/// Initial capacity of the buffer for lines, in bytes.
const LINE_BYTES_USUAL: usize = 256;

/// The destination of log lines.
pub trait Sink {
    /// Writes one line, which ends in a newline.
    ///
    /// # Errors
    /// When the line cannot be written; it is counted as dropped then.
    fn line(&self, line: &[u8]) -> io::Result<()>;
}

/// The log and the diagnostics of one thread.
///
/// ```
/// use gitmind_system::clock::{FixedClock, Timestamp};
/// use gitmind_system::env::FixedEnvironment;
/// use gitmind_memory::{Alloc, Slab, System};
/// use gitmind_telemetry::{CollectedLines, Level, Settings, Telemetry};
/// let settings = Settings::read(&FixedEnvironment::from([("GITMIND_LOG_LEVEL", "INFO")]))?;
/// let (system, lines) = (System::new(), CollectedLines::default());
/// let clock = FixedClock(Timestamp { seconds: 0, offset_seconds: 0 });
/// let slab = Slab::new(Alloc::new(&system));
/// let telemetry = Telemetry::new(&settings, Alloc::new(&system), slab, &clock, &lines);
/// telemetry.log(Level::Info, "cache", "rebuild_start", |event| event.text("branch", b"main"));
/// let expected = "1970-01-01T00:00:00Z [INFO] cache: event=rebuild_start branch=main\n";
/// assert_eq!(lines.text(), expected);
/// # Ok::<(), gitmind_telemetry::SettingsError>(())
/// ```
pub struct Telemetry<'a> {
    settings: &'a Settings,
    alloc: Alloc<'a>,
    slab: Slab<'a>,
    clock: &'a dyn Clock,
    sink: &'a dyn Sink,
    dropped: Cell<u64>,
    /// The buffer of the last line, for the next one.
    line: Cell<Option<Vec<'a, u8>>>,
}

impl std::fmt::Debug for Telemetry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("dropped", &self.dropped).finish_non_exhaustive()
    }
}

impl<'a> Telemetry<'a> {
    /// Lines are written to `sink`; keys and values are in `slab` until then, and one buffer for
    /// lines is in `alloc`.
    pub const fn new(
        settings: &'a Settings,
        alloc: Alloc<'a>,
        slab: Slab<'a>,
        clock: &'a dyn Clock,
        sink: &'a dyn Sink,
    ) -> Self {
        Self { settings, alloc, slab, clock, sink, dropped: Cell::new(0), line: Cell::new(None) }
    }

    /// The settings.
    pub const fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Whether events of `level` are written.
    pub fn is_on(&self, level: Level) -> bool {
        level >= self.settings.log_level
    }

    /// Logs an event with the fields that `fill` adds. Below the log level, `fill` is not called.
    /// An event that cannot be built or written is dropped and counted.
    pub fn log<'t>(
        &'t self,
        level: Level,
        component: &'static str,
        name: &'static str,
        fill: impl FnOnce(&mut Event<'t, 'a>) -> Result<(), MemoryError>,
    ) {
        self.count(self.try_log(level, component, name, fill));
    }

    /// As [`Telemetry::log`], but returns allocation failures.
    ///
    /// # Errors
    /// Every allocation failure; nothing is written then.
    pub fn try_log<'t>(
        &'t self,
        level: Level,
        component: &'static str,
        name: &'static str,
        fill: impl FnOnce(&mut Event<'t, 'a>) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        if !self.is_on(level) {
            return Ok(());
        }
        let mut event = Event::new(level, component, name, &self.slab);
        fill(&mut event)?;
        let seconds = self.clock.now().seconds;
        self.write(|line| render::line(&event, self.settings.log_format, seconds, line))
    }

    /// Writes a diagnostics event, when `GITMIND_DEBUG_EVENTS` enables them.
    pub fn diagnostic<'t>(
        &'t self,
        component: &'static str,
        name: &'static str,
        fill: impl FnOnce(&mut Event<'t, 'a>) -> Result<(), MemoryError>,
    ) {
        if self.settings.debug_events {
            let mut event = Event::new(Level::Debug, component, name, &self.slab);
            let filled = fill(&mut event);
            let written = filled.and_then(|()| self.write(|line| render::diagnostic(&event, line)));
            self.count(written);
        }
    }

    /// The number of lines that could not be built or written.
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Writes the line that `render` appends to an empty buffer.
    fn write(
        &self,
        render: impl FnOnce(&mut Vec<'a, u8>) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        // A sink that logs finds no buffer here, and another one is made.
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Vec::try_with_capacity(LINE_BYTES_USUAL, self.alloc)?,
        };
        line.clear();
        let rendered = render(&mut line);
        if rendered.is_ok() && self.sink.line(&line).is_err() {
            self.dropped.set(self.dropped.get() + 1);
        }
        self.line.set(Some(line));
        rendered
    }

    fn count(&self, outcome: Result<(), MemoryError>) {
        if outcome.is_err() {
            self.dropped.set(self.dropped.get() + 1);
        }
    }
}
