//! Output that survives a closed pipe and escapes control characters; plain tables. All output goes through here: a
//! lint refuses `println!` and `eprintln!` everywhere else.

use faceprobe_core::error::{Error, Result};
use faceprobe_core::text::{self, line, lines};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use unicode_width::UnicodeWidthStr;

/// Writes text to standard output with control characters escaped, except line ends. If the reader has closed the pipe
/// (`| head`), the program ends quietly.
#[allow(clippy::disallowed_methods, reason = "here is the filter")]
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(lines(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::failed(format!("standard output cannot be written to ({error})"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a value as indented JSON with a line end.
pub(crate) fn print_json<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    print(&(to_json(value)? + "\n"))
}

/// A value as indented JSON, with control characters escaped in JSON's notation.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    text::json_value(value).map_err(|error| Error::failed(error.to_string()))
}

/// Writes a line to standard error and ignores errors.
pub(crate) fn say(text: &str) {
    ask(&format!("{text}\n"));
}

/// The same without a line end, for prompts.
#[allow(clippy::disallowed_methods, reason = "here is the filter")]
pub(crate) fn ask(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(lines(text).as_bytes()).and_then(|()| out.flush());
}

/// Writes the program's final error on one line.
pub(crate) fn say_error(error: &Error) {
    say(&format!("faceprobe: {}", line(&error.to_string())));
}

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A plain-text table: header, rule, rows; columns are as wide as needed. A cell stays on one line.
pub(crate) fn table(head: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let names: Vec<String> = head.iter().map(|(name, _)| line(name).into_owned()).collect();
    let fitting = |row: &Vec<String>| row.iter().map(|cell| line(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(fitting).collect();
    let mut widths: Vec<usize> = names.iter().map(|name| name.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let set = |cells: &[String]| {
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
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = set(&names) + &set(&rule);
    for row in &rows {
        text.push_str(&set(row));
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
