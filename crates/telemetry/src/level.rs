//! Log levels and log formats.

/// The severity of an event, with the C tool's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// For developers of the program.
    Debug = 10,
    /// Normal operation.
    Info = 20,
    /// A condition that the user should look at.
    Warn = 30,
    /// A failure.
    Error = 40,
}

impl Level {
    /// Every level, the least important first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word in a log line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `2026-11-23T10:00:00Z [INFO] cache: event=rebuild_ok branch=main`.
    Text,
    /// A JSON object whose values are strings.
    Json,
}

impl LogFormat {
    /// Both formats.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The value of `GITMIND_LOG_FORMAT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
