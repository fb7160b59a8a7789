//! What a command shows while it works: on a terminal one line that changes in place, elsewhere plain lines.
//!
//! Colour is on only where standard output is a terminal, and off where `NO_COLOR` is set (no-color.org).

use std::{ffi::OsStr, fmt::Display, io::IsTerminal, time::Duration};

use console::pad_str;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The width of the first column of everything that is listed.
const LABEL_WIDTH: usize = 13;

/// How long work goes on before the time left is estimated.
const NO_ESTIMATE: Duration = Duration::from_secs(5);

/// Decides for every use of [`console::style`] whether there is colour.
pub fn decide_on_colour() {
    let no_color = std::env::var_os("NO_COLOR");
    console::set_colors_enabled(has_colour(std::io::stdout().is_terminal(), no_color.as_deref()));
}

/// `NO_COLOR` counts when it is set and not empty.
fn has_colour(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

/// A line of two columns.
pub fn row(label: &str, text: impl Display) -> String {
    // A label that is too long still stands apart from what follows.
    let label = pad_str(label, LABEL_WIDTH - 1, console::Alignment::Left, None);
    format!("{label} {text}")
}

/// The line of the work that is under way, with its time so far. On anything but a terminal it is not shown. It goes away
/// with the value.
pub struct WorkLine(ProgressBar);

impl WorkLine {
    /// A line for work whose end is not known.
    pub fn new(what: impl Into<String>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        bar.set_style(style("  {spinner} {wide_msg} {elapsed}"));
        bar.set_message(what.into());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// Says what is under way now.
    pub fn say(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }

    /// Says how much of the work is done, by which the time left is known.
    pub fn reach(&self, done: u64, all: u64) {
        let so_far = "  {spinner} {bar:20} {pos}/{len} {elapsed}";
        self.0.set_length(all);
        self.0.set_position(done);
        // What was there already comes at once, and says nothing of how long the rest takes.
        if self.0.elapsed() < NO_ESTIMATE {
            self.0.set_style(style(&format!("{so_far}  {{wide_msg}}")));
            self.0.reset_eta();
        } else {
            self.0
                .set_style(style(&format!("{so_far}, {{eta}} left  {{wide_msg}}")));
        }
    }

    /// Prints a line that stays, above this one.
    pub fn print(&self, line: impl AsRef<str>) {
        self.0.suspend(|| println!("{}", line.as_ref()));
    }

    /// Whether it is seen.
    pub fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }
}

impl Drop for WorkLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        for (is_terminal, no_color, expected) in [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (false, None, false),
        ] {
            let no_color = no_color.map(OsStr::new);
            assert_eq!(
                has_colour(is_terminal, no_color),
                expected,
                "{is_terminal} {no_color:?}"
            );
        }
    }

    #[test]
    fn the_second_column_begins_at_the_same_place() {
        for label in ["", "check", "next step", "verification"] {
            assert_eq!(row(label, "text").find("text"), Some(LABEL_WIDTH), "{label}");
        }
        assert_eq!(row("a label that is too long", "text"), "a label that is too long text");
    }
}
