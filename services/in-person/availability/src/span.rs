//! Stretches of time between two instants.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// A stretch of time, half open: it has its start, not its end, and is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    /// The time from `start` until before `end`.
    ///
    /// # Errors
    /// When `start` is not before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, EmptySpan> {
        Self::between(start, end).ok_or(EmptySpan { start, end })
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after it.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// How long it is, always positive.
    pub fn length(self) -> SignedDuration {
        self.end.duration_since(self.start)
    }

    /// Whether the whole of `other` lies in it.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    pub(crate) fn between(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    pub(crate) fn cut_to(self, within: Self) -> Option<Self> {
        Self::between(self.start.max(within.start), self.end.min(within.end))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.start, self.end)
    }
}

/// A span that would hold no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a span must end after it starts, but {end} is not after {start}")]
pub struct EmptySpan {
    /// Where it starts.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
}

/// Appends a span that does not start before the last one ends. Those that touch become one.
pub(crate) fn push_merged(spans: &mut Vec<Span>, next: Span) {
    match spans.last_mut() {
        Some(last) if last.end == next.start => last.end = next.end,
        _ => spans.push(next),
    }
}
