//! The progress bar on standard error, and the lines above it.

use super::output;
use faceprobe_core::text::{line, lines};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// A progress bar if standard error is a terminal; otherwise only lines.
pub(crate) struct Bar {
    quiet: bool,
    drawn: Option<ProgressBar>,
}

#[allow(clippy::disallowed_methods, reason = "here is the filter")]
impl Bar {
    /// `template` is indicatif's, with `{msg}` and `{prefix}`. Silent if `quiet`.
    pub(crate) fn new(template: &str, quiet: bool) -> Self {
        let drawn = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Self { quiet, drawn }
    }

    /// Prints a line above the bar, unless silent.
    pub(crate) fn say(&self, text: &str) {
        match &self.drawn {
            _ if self.quiet => {}
            Some(bar) => bar.println(lines(text)),
            None => output::say(text),
        }
    }

    /// Updates the bar; false if there is none.
    pub(crate) fn show(&self, (done, total): (u64, u64), message: &str, prefix: &str) -> bool {
        if let Some(bar) = &self.drawn {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(line(message).into_owned());
            bar.set_prefix(line(prefix).into_owned());
        }
        self.drawn.is_some()
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}
