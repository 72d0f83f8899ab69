//! The terminal's life cycle: taken over, always restored.

use crossterm::Command;
use crossterm::event::{DisableBracketedPaste, DisableFocusChange, DisableMouseCapture};
use crossterm::event::{EnableBracketedPaste, EnableFocusChange, EnableMouseCapture};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::text::{line, lines};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Seek, SeekFrom, Stdout, Write};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The terminal that is drawn on.
pub type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// Whether the terminal is taken over now.
static TAKEN: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(true);

/// The real standard error while a file takes its place.
static STDERR: Mutex<Option<(OwnedFd, File)>> = Mutex::new(None);

/// The title while nothing is at work.
pub const TITLE: &str = "faceprobe";

/// Takes the terminal over: alternate screen, raw mode, pasting in one piece, the mouse if wanted. Standard error goes
/// to a file until [`restore`], since libraries write to it.
///
/// # Errors
/// When standard input or output is not a terminal.
pub fn enter(mouse: bool) -> Result<Screen> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if dumb || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Error::failed(
            "The screen needs a terminal that can be drawn on; use the subcommands instead ('faceprobe help').",
        ));
    }
    MOUSE.store(mouse, Ordering::SeqCst);
    catch_stderr();
    take().map_err(|error| {
        restore();
        Error::failed(format!("The terminal cannot be taken over ({error})."))
    })?;
    let made = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, std::io::stdout())));
    made.map_err(|error| {
        restore();
        Error::failed(format!("The terminal cannot be drawn on ({error})."))
    })
}

fn take() -> std::io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    // The title that is there is put on the terminal's stack, to come back at the end.
    let mut text = "\x1b[22;0t".to_owned()
        + &sequence(&EnterAlternateScreen)
        + &sequence(&EnableBracketedPaste)
        + &sequence(&EnableFocusChange)
        + &sequence(&SetTitle(TITLE));
    if MOUSE.load(Ordering::SeqCst) {
        text += &sequence(&EnableMouseCapture);
    }
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a control sequence that shows nothing.
pub fn say(text: &str) {
    let mut out = std::io::stdout();
    // A terminal that cannot be written to shows itself with the first frame.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Gives the terminal back as it was found. Safe to call at any time, from any thread, more than once.
pub fn restore() {
    give_back();
    release_stderr();
}

fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut text = sequence(&EndSynchronizedUpdate);
    if MOUSE.load(Ordering::SeqCst) {
        text += &sequence(&DisableMouseCapture);
    }
    text += &sequence(&DisableFocusChange);
    text += &sequence(&DisableBracketedPaste);
    text += &sequence(&LeaveAlternateScreen);
    // Where titles have no stack, an empty one is better than one that tells of a run for ever.
    text += &sequence(&SetTitle(""));
    text += "\x1b[23;0t\x1b[0m\x1b[?25h";
    // Past the lock of `stdout`, which a drawing thread that is stuck or panicking may hold.
    let _ = rustix::io::write(rustix::stdio::stdout(), text.as_bytes());
    let _ = disable_raw_mode();
}

fn sequence(command: &impl Command) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = command.write_ansi(&mut text);
    text
}

fn catch_stderr() {
    let Ok(mut held) = STDERR.lock() else {
        return;
    };
    if held.is_some() || !std::io::stderr().is_terminal() {
        return;
    }
    let (Ok(real), Ok(file)) = (rustix::io::dup(rustix::stdio::stderr()), tempfile::tempfile()) else {
        return;
    };
    if rustix::stdio::dup2_stderr(&file).is_ok() {
        *held = Some((real, file));
    }
}

/// Puts the real standard error back and repeats the last of what was written meanwhile.
fn release_stderr() {
    let Some((real, mut file)) = STDERR.lock().ok().and_then(|mut held| held.take()) else {
        return;
    };
    let _ = rustix::stdio::dup2_stderr(&real);
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut said = Vec::new();
    if length > 0
        && file.seek(SeekFrom::Start(length.saturating_sub(4096))).is_ok()
        && file.take(4096).read_to_end(&mut said).is_ok()
    {
        let _ = std::io::stderr().write_all(lines(&String::from_utf8_lossy(&said)).as_bytes());
    }
}

/// Gives the terminal back and stops the process until it is told to go on; then takes the terminal again. The caller
/// draws everything anew.
pub fn suspend() {
    give_back();
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
}

/// Takes the terminal again after [`suspend`], unless it is ours already.
pub fn resume() -> Result<()> {
    if TAKEN.load(Ordering::SeqCst) {
        return Ok(());
    }
    take().map_err(|error| Error::failed(format!("The terminal cannot be taken over again ({error}).")))
}

/// Gives the terminal back and ends the process the way `signal` does, so that the shell sees the usual status.
pub fn end_by(signal: i32) -> ! {
    restore();
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    std::process::exit(128 + signal)
}

/// A panic on any thread gives the terminal back, says one sentence and ends the process; runs go on.
pub fn hook_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !TAKEN.load(Ordering::SeqCst) {
            before(panic);
            return;
        }
        restore();
        let place = panic.location().map_or_else(String::new, |at| format!(" at {at}"));
        let payload = panic.payload();
        let what =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let what = what.unwrap_or("no reason given");
        let told = format!(
            "faceprobe's screen broke{place} ({}). Runs continue; start faceprobe again to see them.\n",
            line(what)
        );
        let _ = std::io::stderr().write_all(told.as_bytes());
        std::process::exit(1);
    }));
}
