//! Printing that survives a closed pipe, and plain tables.

use faceprobe_core::error::{Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use unicode_width::UnicodeWidthStr;

/// Writes text to standard output. A reader that has gone (`| head`) ends the program quietly.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::failed(format!("standard output cannot be written to ({error})"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a value as JSON, indented, with a line end.
pub(crate) fn print_json<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::failed(error.to_string()))?;
    text.push('\n');
    print(&text)
}

/// How a column of a plain table is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table in plain text: a head, a rule, the rows, columns as wide as they need to be.
pub(crate) fn table(head: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|(name, _)| name.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |cells: &[String]| {
        let mut text = String::new();
        for ((cell, width), (_, align)) in cells.iter().zip(&widths).zip(head) {
            let gap = " ".repeat(width - cell.width());
            let (before, after) = if *align == Align::Left { ("", gap.as_str()) } else { (gap.as_str(), "") };
            text.push_str(before);
            text.push_str(cell);
            text.push_str(after);
            text.push_str("  ");
        }
        format!("{}\n", text.trim_end())
    };
    let names: Vec<String> = head.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(&names) + &line(&rule);
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

/// `1h 02m`, `3m 05s`, `12 s`, `0.4 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        3600.. => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
        60.. => format!("{}m {:02}s", whole / 60, whole % 60),
        10.. => format!("{whole} s"),
        _ => format!("{seconds:.1} s"),
    }
}

/// `12.3 MB` and the like, in powers of ten.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        1_000_000_000.. => format!("{:.1} GB", count as f64 / 1e9),
        1_000_000.. => format!("{:.1} MB", count as f64 / 1e6),
        1_000.. => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{count} B"),
    }
}
