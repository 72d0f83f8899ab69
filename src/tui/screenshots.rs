//! A picture of every screen, drawn by the real program on a real workspace, for the README.

use super::app::App;
use super::effect::Effect;
use super::event::Event;
use super::graphics::{ImageProtocol, Query};
use super::jobs::Job;
use super::keys::Action;
use super::pictures::Order;
use super::stages::ScreenId;
use super::svg::svg;
use super::theme::{Palette, Theme};
use super::{Senders, TuiOptions, draw, pass_on, start_threads};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::workspace::Workspace;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::cmp::Reverse;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A screen is finished when no event came for this long.
const CALM: Duration = Duration::from_millis(1500);
/// Or at the latest after this.
const PATIENCE: Duration = Duration::from_secs(60);

const CHART: &str = "chart";
const IMAGES: &str = "images";
const SMALL: &str = "train-80x24";

/// The names of all pictures that [`take`] makes.
pub fn names() -> impl Iterator<Item = String> {
    ScreenId::ALL
        .into_iter()
        .map(|screen| screen.name().to_lowercase())
        .chain([CHART, IMAGES, SMALL].map(str::to_owned))
}

/// The screens as SVG documents, each with its name in small letters. Predict shows `image`, if one is given.
///
/// # Errors
/// When nothing can be drawn.
pub fn take(
    workspace: &Workspace,
    options: &TuiOptions,
    (columns, rows): (u16, u16),
    image: Option<&Path>,
) -> Result<Vec<(String, String)>> {
    let (events, inbox) = mpsc::channel();
    let hands = start_threads(workspace, options, &events);
    let theme = Theme { palette: options.theme.unwrap_or(Palette::Dark), ascii: options.ascii };
    let mut app = App::new(theme, workspace.root().to_owned(), None);
    if let Some(query) = Query::new(ImageProtocol::Halfblocks, theme) {
        let picker = query.picker(&[]);
        drop(hands.pictures.send(Order::Use(picker.clone())));
        app.update(Event::Graphics(Box::new(picker)));
    }
    let mut shots = Vec::new();
    let mut size = (columns, rows);
    // The first snapshot of the workspace.
    settle(&mut app, &hands, &inbox, Vec::new(), size)?;
    for screen in ScreenId::ALL {
        let mut effects = app.act(Action::Go(screen.index()));
        if screen == ScreenId::Train {
            lay_over(&mut app);
        }
        if let (ScreenId::Predict, Some(image)) = (screen, image) {
            effects.push(Job::Open { text: image.display().to_string(), from: workspace.root().to_owned() }.into());
        }
        let buffer = settle(&mut app, &hands, &inbox, effects, size)?;
        shots.push((screen.name().to_lowercase(), svg(&buffer, theme.palette)));
    }
    // The large chart, the contact sheet, and one screen on a small terminal.
    app.act(Action::Go(ScreenId::Train.index()));
    let effects = app.act(Action::Large);
    let buffer = settle(&mut app, &hands, &inbox, effects, size)?;
    shots.push((CHART.into(), svg(&buffer, theme.palette)));
    app.act(Action::Parent);
    app.act(Action::Go(ScreenId::Data.index()));
    let effects = app.act(Action::Sheet);
    let buffer = settle(&mut app, &hands, &inbox, effects, size)?;
    shots.push((IMAGES.into(), svg(&buffer, theme.palette)));
    app.act(Action::Sheet);
    size = (80, 24);
    let effects = app.act(Action::Go(ScreenId::Train.index()));
    let buffer = settle(&mut app, &hands, &inbox, effects, size)?;
    shots.push((SMALL.into(), svg(&buffer, theme.palette)));
    Ok(shots)
}

/// Shows the curves of the longest training, and those of other runs over them.
fn lay_over(app: &mut App) {
    let mut runs: Vec<_> =
        app.shared.snapshot.runs.iter().filter(|run| run.has_curves() && run.trains()).cloned().collect();
    runs.sort_by_key(|run| Reverse(run.facts.last_epoch.map_or(0, |last| last.epoch)));
    let mut ids = runs.iter().map(|run| run.id.to_string());
    app.screens.train.table.selected = ids.next();
    app.shared.marked = ids.filter(|id| !id.starts_with("benchmark")).take(2).collect();
}

/// Waits for everything that the screen has asked for, and draws it.
fn settle(
    app: &mut App,
    hands: &Senders,
    inbox: &Receiver<Event>,
    effects: Vec<Effect>,
    (columns, rows): (u16, u16),
) -> Result<Buffer> {
    let failed = |error| Error::failed(format!("The screen cannot be drawn ({error})."));
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).map_err(failed)?;
    // There is no terminal here that could be left or drawn anew.
    pass_on(effects, hands);
    let begun = Instant::now();
    loop {
        let mut hits = super::shared::Hits::new();
        terminal.draw(|frame| hits = draw::draw(frame, app)).map_err(failed)?;
        app.shared.hits = hits;
        let missing = app.shared.pictures.missing();
        if !missing.is_empty() {
            drop(hands.pictures.send(Order::Make(missing)));
        }
        pass_on(app.ask_for_histories(), hands);
        let waits = app.screens.predict.busy.is_some();
        match inbox.recv_timeout(if waits { PATIENCE } else { CALM }) {
            Ok(event) => drop(pass_on(app.update(event), hands)),
            Err(_) => break,
        }
        if begun.elapsed() > PATIENCE {
            break;
        }
    }
    app.shared.message = None;
    terminal.draw(|frame| drop(draw::draw(frame, app))).map_err(failed)?;
    Ok(terminal.backend().buffer().clone())
}
