//! The terminal workbench.
//!
//! One thread draws and never waits for anything but events. Others listen to keys and signals, follow the workspace
//! ([`watcher`]), do what is asked for ([`jobs`]) and keep the predictor ([`predictor`]); each sends [`event::Event`]s.
//! [`app::App`] is the whole state: [`app::App::update`] takes an event and gives back effects, [`draw::draw`] shows
//! it. Keys are in one table ([`keys::TABLE`]).

pub mod app;
pub mod audits;
pub mod charts;
pub mod commands;
pub mod completion;
pub mod draw;
pub mod effect;
pub mod event;
pub mod folders;
mod followed;
pub mod forms;
pub mod graphics;
pub mod guide;
pub mod history;
pub mod input;
pub mod jobs;
mod kept;
pub mod keys;
pub mod machine;
pub mod maps;
pub mod notices;
pub mod palette;
pub mod pictures;
pub mod predictor;
pub mod prompt;
pub mod reading;
pub mod records;
pub mod request;
pub mod screens;
pub mod screenshots;
pub mod selection;
pub mod session;
pub mod shared;
pub mod snapshot;
pub mod stages;
pub mod studies;
pub mod svg;
pub mod table;
pub mod tasks;
pub mod terminal;
pub mod theme;
pub mod views;
pub mod watcher;
pub mod widgets;
pub mod workers;

use app::App;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate, SetTitle};
use effect::{Effect, TerminalEffect};
use event::Event;
use faceprobe_core::config::NoticeSettings;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::run::RunId;
use faceprobe_core::workspace::Workspace;
use graphics::{ImageProtocol, Query};
use jobs::Job;
use notices::Speech;
use pictures::Order;
use session::Session;
use stages::ScreenId;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};
use theme::{Palette, Theme};
use watcher::WatchRequest;

/// How the workbench is started.
#[derive(Debug, Clone)]
pub struct TuiOptions {
    /// Threads for the runs it starts.
    pub threads: usize,
    /// `cpu`, `cuda[:N]` or `mps`, for the runs it starts.
    pub device: String,
    /// A run to show; the screens follow a demo through its parts.
    pub start: Option<RunId>,
    /// None takes the dark one; `NO_COLOR` overrides it.
    pub theme: Option<Palette>,
    /// Only ASCII characters; also chosen by a locale that is not UTF-8 and by the Linux console.
    pub ascii: bool,
    /// Whether clicks and the wheel are wanted (Shift selects text then).
    pub mouse: bool,
    /// How pictures are shown.
    pub images: ImageProtocol,
    /// What tells that a run has ended.
    pub notices: NoticeSettings,
    /// The columns of tables, where they are configured.
    pub columns: Vec<(ScreenId, table::configured::Chosen)>,
}

/// Between two frames at least: 15 a second at most for what happens by itself.
const FRAME: Duration = Duration::from_millis(66);
/// The same after a key, whose effect is to be seen at once.
const KEY_FRAME: Duration = Duration::from_millis(30);

/// Between two notes of what the screens show, for the next start after a kill; leaving writes one anyway.
const NOTE: Duration = Duration::from_secs(2);

/// Shows the workbench on the terminal until the user leaves. Runs at work go on afterwards.
///
/// # Errors
/// When this is not a terminal that can be drawn on, or it vanishes.
pub fn run(workspace: Workspace, options: TuiOptions) -> Result<()> {
    let theme = Theme::from_environment(options.theme, options.ascii);
    let (events, inbox) = mpsc::channel();
    let mut screen = terminal::enter(options.mouse)?;
    terminal::hook_panics();
    event::listen_for_signals(events.clone()).inspect_err(|_| terminal::restore())?;
    let query = Query::new(options.images, theme);
    if let Some(question) = query.and_then(Query::text) {
        terminal::say(&question);
    }
    let keys = events.clone();
    thread::spawn(move || event::listen(&keys, query));
    let hands = start_threads(&workspace, &options, &events);
    let led = options.start.is_some();
    let mut app = App::new(theme, workspace.root().to_owned(), options.start);
    app.notices = options.notices.into();
    table::configured::configure(&mut app.screens, options.columns);
    let named = options.theme.is_some() || theme.palette == theme::Palette::Monochrome;
    let memory = Session::load(&workspace);
    // Who is led through a demo is not put back to where somebody was.
    if !led {
        memory.clone().restore(&mut app, named);
    }
    let ended = event_loop(&mut screen, &mut app, &inbox, &hands, memory);
    terminal::restore();
    // Leaving is no time to complain about a cache that cannot be written.
    let _ = Session::of(&app).save(&workspace);
    match ended? {
        Some(signal) => terminal::end_by(signal),
        None => Ok(()),
    }
}

/// The ways to the threads that do things.
struct Senders {
    jobs: Sender<Job>,
    asks: Sender<predictor::Ask>,
    pictures: Sender<Order>,
    studies: Sender<studies::Ask>,
    watcher: Sender<WatchRequest>,
}

/// Starts the threads that do things; the one that reads keys is not among them.
fn start_threads(workspace: &Workspace, options: &TuiOptions, events: &Sender<Event>) -> Senders {
    let (jobs, job_inbox) = mpsc::channel();
    let (asks, ask_inbox) = mpsc::channel();
    let (nudge, nudges) = mpsc::channel();
    let (pictures, orders) = mpsc::channel();
    let to = events.clone();
    thread::spawn(move || pictures::make(&orders, &to));
    let (to, at) = (events.clone(), workspace.clone());
    let starts = jobs.clone();
    thread::spawn(move || watcher::watch(at, &to, &nudges, &starts));
    let watcher = nudge.clone();
    let settings =
        jobs::Settings { workspace: workspace.clone(), threads: options.threads, device: options.device.clone() };
    let (studies, study_asks) = mpsc::channel();
    let (to, at) = (events.clone(), workspace.clone());
    thread::spawn(move || studies::serve(&at, &study_asks, &to));
    let (to, at) = (events.clone(), settings.clone());
    thread::spawn(move || predictor::serve(&at, &ask_inbox, &to));
    let to = events.clone();
    thread::spawn(move || jobs::work(&settings, &job_inbox, &to, &nudge));
    Senders { jobs, asks, pictures, studies, watcher }
}

/// Gives every effect to the thread that it is for; what is for the terminal comes back.
fn pass_on(effects: impl IntoIterator<Item = Effect>, hands: &Senders) -> Vec<TerminalEffect> {
    let pass = |effect| {
        match effect {
            Effect::Terminal(effect) => return Some(effect),
            Effect::Job(job) => drop(hands.jobs.send(job)),
            Effect::Copy(text) => terminal::say(&table::yank::sequence(&text)),
            Effect::Predict(ask) => drop(hands.asks.send(ask)),
            Effect::Folder(folder) => drop(hands.watcher.send(WatchRequest::Folder(folder))),
            Effect::Study(ask) => drop(hands.studies.send(ask)),
            Effect::Histories(runs) => drop(hands.watcher.send(WatchRequest::Histories(runs))),
        }
        None
    };
    effects.into_iter().filter_map(pass).collect()
}

/// The event loop: events in, effects out, a frame when something changed. Ends with the signal that ended it, if one did.
fn event_loop(
    screen: &mut terminal::Screen,
    app: &mut App,
    inbox: &Receiver<Event>,
    hands: &Senders,
    mut remembered: Session,
) -> Result<Option<i32>> {
    let mut drawn: Option<Instant> = None;
    let mut due: Option<Instant> = Some(Instant::now());
    let mut noted = Instant::now();
    let mut titled = terminal::TITLE.to_owned();
    let speech = Speech::of(|name| std::env::var(name).ok());
    pass_on(app.begin(), hands);
    loop {
        let event = match due {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(event) => {
                let pace = if matches!(event, Event::Key(_) | Event::Paste(_) | Event::Mouse(_) | Event::Resize) {
                    KEY_FRAME
                } else {
                    FRAME
                };
                match &event {
                    Event::Ending(signal) => return Ok(Some(*signal)),
                    Event::Lost => return Err(Error::failed("The terminal is gone; runs continue.")),
                    Event::Continue => {
                        terminal::resume()?;
                        titled = terminal::TITLE.to_owned();
                    }
                    Event::Graphics(picker) => drop(hands.pictures.send(Order::Use((**picker).clone()))),
                    _ => {}
                }
                let size = screen.size().map_err(gone)?;
                app.cramped = size.width < draw::SMALLEST.0 || size.height < draw::SMALLEST.1;
                let effects = app.update(event);
                for effect in
                    pass_on(effects.into_iter().chain(app.ask_for_histories()).chain(app.ask_for_folder()), hands)
                {
                    match effect {
                        TerminalEffect::Quit => return Ok(None),
                        TerminalEffect::Suspend => {
                            terminal::suspend();
                            terminal::resume()?;
                            titled = terminal::TITLE.to_owned();
                            redraw(screen)?;
                        }
                        TerminalEffect::Notice(text) => {
                            terminal::say(&notices::bytes(app.notices, speech, &text));
                        }
                        TerminalEffect::Redraw => redraw(screen)?,
                    }
                }
                let next = drawn.map_or_else(Instant::now, |drawn| drawn + pace);
                due = Some(due.map_or(next, |due| due.min(next)));
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if due.is_some_and(|due| due <= Instant::now()) {
            show(screen, app, &mut titled)?;
            let missing = app.shared.pictures.missing();
            if !missing.is_empty() {
                drop(hands.pictures.send(Order::Make(missing)));
            }
            drawn = Some(Instant::now());
            due = None;
            if noted.elapsed() >= NOTE {
                noted = Instant::now();
                let memory = Session::of(app);
                if memory != remembered {
                    remembered = memory.clone();
                    drop(hands.jobs.send(Job::Remember(Box::new(memory))));
                }
            }
        }
    }
}

fn gone(error: std::io::Error) -> Error {
    Error::failed(format!("The terminal cannot be written to ({error}); runs continue."))
}

/// Forgets what is on the terminal, so that the next frame is drawn whole. Not `Terminal::clear`: that asks the
/// terminal where its cursor is and waits for an answer, which the key thread would take.
fn redraw(screen: &mut terminal::Screen) -> Result<()> {
    let size = screen.size().map_err(gone)?;
    screen.resize(size.into()).map_err(gone)
}

/// Draws a frame in one piece, with the title where it has changed.
fn show(screen: &mut terminal::Screen, app: &mut App, titled: &mut String) -> Result<()> {
    use crossterm::QueueableCommand;
    screen.backend_mut().queue(BeginSynchronizedUpdate).map_err(gone)?;
    let mut hits = shared::Hits::new();
    screen.draw(|frame| hits = draw::draw(frame, app)).map_err(gone)?;
    app.shared.hits = hits;
    let title = if app.notices.title { notices::title(&app.shared.snapshot) } else { terminal::TITLE.to_owned() };
    if title != *titled {
        screen.backend_mut().queue(SetTitle(&title)).map_err(gone)?;
        *titled = title;
    }
    screen.backend_mut().queue(EndSynchronizedUpdate).map_err(gone)?;
    std::io::Write::flush(screen.backend_mut()).map_err(gone)
}
