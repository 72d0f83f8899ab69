//! The steps of a study's file: how each stands, which run it is, and starting one.

mod keys;
mod view;

use super::{View, ViewId};
use crate::tui::app::{App, Hits, Overlay, Tone, moved};
use crate::tui::effect::Effect;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Binding, Context};
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::snapshot::{Run, Snapshot};
use crate::tui::stages::screen_of;
use crate::tui::studies::{Ask, Outlook, Reply, Source};
use faceprobe_core::run::Status;
use faceprobe_core::study::{self as core, Step};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What the view remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The studies there are to look at.
    pub sources: Vec<Source>,
    /// The one that is looked at.
    pub chosen: Option<Source>,
    /// The line in the list of studies, while one is being picked.
    pub picking: Option<usize>,
    /// The steps, or the lines that say what is wrong with the file.
    pub outlook: Option<Result<Arc<Outlook>, Vec<String>>>,
    /// The step under the cursor.
    pub selected: usize,
    /// The answer is on its way.
    waiting: bool,
    /// The workspace as it was when the steps were last asked for.
    looked: u64,
}

impl State {
    fn steps(&self) -> &[Step] {
        match &self.outlook {
            Some(Ok(outlook)) => &outlook.plan.steps,
            _ => &[],
        }
    }

    fn step(&self) -> Option<&Step> {
        self.steps().get(self.selected)
    }
}

/// The view in the table of views.
pub struct StudyView;

impl View for StudyView {
    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn context(&self, app: &App) -> Context {
        if app.views.study.picking.is_some() { Context::StudyFiles } else { Context::Study }
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        view::draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        match &mut app.views.study.picking {
            Some(at) if *at == line => return pick(app),
            Some(at) => *at = line,
            None => app.views.study.selected = line,
        }
        Vec::new()
    }

    fn arrive(&self, app: &mut App) -> Vec<Effect> {
        ask(app)
    }

    fn wanted(&self, app: &mut App) -> Vec<Effect> {
        if app.views.study.waiting || app.views.study.looked == sign(&app.snapshot) {
            return Vec::new();
        }
        ask(app)
    }

    fn offers(&self, app: &App, action: Action) -> bool {
        let state = &app.views.study;
        match action {
            Action::Enter => state.picking.is_some() || state.step().is_some(),
            Action::Jump => state.step().is_some_and(|step| !step.runs.is_empty()),
            Action::StudyFile => state.sources.len() > 1,
            _ => true,
        }
    }

    fn cancel(&self, app: &mut App) -> bool {
        // Without a study there is nothing beneath the list of files.
        app.views.study.chosen.is_some() && app.views.study.picking.take().is_some()
    }

    fn at_work(&self, app: &App) -> Option<Arc<Run>> {
        let run = app.views.study.step()?.runs.first()?;
        app.snapshot.run(run).cloned()
    }
}

/// What of a workspace decides how steps stand.
fn sign(snapshot: &Snapshot) -> u64 {
    let mut hasher = DefaultHasher::new();
    for run in &snapshot.runs {
        (run.id.as_str(), run.status.name()).hash(&mut hasher);
    }
    for set in &snapshot.datasets {
        (&set.name, set.superseded, set.written).hash(&mut hasher);
    }
    snapshot.stores.iter().for_each(|store| store.rows.hash(&mut hasher));
    hasher.finish()
}

fn ask(app: &mut App) -> Vec<Effect> {
    app.views.study.waiting = true;
    app.views.study.looked = sign(&app.snapshot);
    vec![Effect::Study(Ask { source: app.views.study.chosen.clone() })]
}

/// Takes the steps.
pub fn take(app: &mut App, reply: Reply) -> Vec<Effect> {
    let state = &mut app.views.study;
    state.waiting = false;
    state.sources = reply.sources;
    match reply.looked {
        // An answer about a file that was left since.
        Some((source, _)) if state.chosen.as_ref().is_some_and(|chosen| *chosen != source) => return ask(app),
        Some((source, outlook)) => {
            let first = state.outlook.is_none();
            state.chosen = Some(source);
            state.outlook = Some(outlook);
            state.selected = match first {
                // What is next to be done is what somebody comes for.
                true => state.steps().iter().position(|step| step.state != core::State::Done).unwrap_or(0),
                false => state.selected.min(state.steps().len().saturating_sub(1)),
            };
        }
        None => state.picking = Some(state.picking.unwrap_or(0).min(state.sources.len().saturating_sub(1))),
    }
    // What happened meanwhile.
    if app.views.open == Some(ViewId::Study) { StudyView.wanted(app) } else { Vec::new() }
}

/// A study to look at from now on, by its path.
pub fn choose(app: &mut App, source: Source) -> Vec<Effect> {
    let state = &mut app.views.study;
    (state.picking, state.outlook, state.selected) = (None, None, 0);
    state.chosen = Some(source);
    ask(app)
}

fn pick(app: &mut App) -> Vec<Effect> {
    let state = &app.views.study;
    match state.picking.and_then(|at| state.sources.get(at)).cloned() {
        Some(source) => choose(app, source),
        None => Vec::new(),
    }
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Enter if app.views.study.picking.is_some() => return pick(app),
        Action::Enter => return start(app),
        Action::StudyFile => app.views.study.picking = Some(0),
        Action::TypePath => app.overlay = Some(Overlay::Prompt(Prompt::new(Purpose::Study, ""))),
        Action::Jump => return jump(app),
        Action::PauseResume => return app.pause_or_resume(),
        Action::Stop => return app.stop(),
        _ => {
            let state = &mut app.views.study;
            let (at, count) = match &mut state.picking {
                Some(at) => (at, state.sources.len()),
                None => {
                    let count = state.steps().len();
                    (&mut state.selected, count)
                }
            };
            *at = moved(*at, count, action);
        }
    }
    Vec::new()
}

/// Starts the step under the cursor; of one that is done or at work, shows the run.
fn start(app: &mut App) -> Vec<Effect> {
    let (Some(Ok(outlook)), Some(source)) = (&app.views.study.outlook, &app.views.study.chosen) else {
        return Vec::new();
    };
    let Some(step) = app.views.study.step() else { return Vec::new() };
    if matches!(step.action, core::Action::None | core::Action::Follow(_)) && !step.runs.is_empty() {
        return jump(app);
    }
    let missing = missing(outlook, step);
    if !missing.is_empty() {
        let text = format!("{} needs {} first.", step.name, missing.join(", "));
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    if step.state == core::State::Done {
        let text = format!("{} is done.", step.name);
        app.say(Tone::Plain, text);
        return Vec::new();
    }
    vec![Job::Step { source: source.clone(), step: step.name.clone() }.into()]
}

/// The steps that must be done before one can be started.
fn missing(outlook: &Outlook, step: &Step) -> Vec<String> {
    let needed = step.needs.iter().filter_map(|need| outlook.plan.steps.get(*need));
    needed.filter(|need| need.state != core::State::Done).map(|need| need.name.clone()).collect()
}

/// To the screen that shows what the step's run made.
fn jump(app: &mut App) -> Vec<Effect> {
    let run = app.views.study.step().and_then(|step| app.snapshot.run(step.runs.first()?)).cloned();
    let Some(run) = run else {
        app.say(Tone::Plain, "No run has done this step.");
        return Vec::new();
    };
    if run.trains() && run.status == Status::Done {
        app.views.open = None;
        return crate::tui::screens::evaluate::open(app, run.id.as_str());
    }
    let screen = screen_of(&run.job);
    screen.screen().show(app, &run.id);
    app.go(screen.index())
}
