//! The tasks on the screen: a line for each at work, and what follows when one ends.

use super::{Order, Outcome, Progress, TaskEvent, TaskMessage};
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{self, Action, Context};
use crate::tui::shared::Tone;
use crate::tui::widgets::{cut, format};
use faceprobe_core::run::JobSpec;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

/// A task at work.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub id: usize,
    pub title: String,
    pub note: Option<String>,
    pub progress: Option<Progress>,
}

/// The state of the tasks.
#[derive(Debug, Default)]
pub struct State {
    /// Those at work, the earliest first.
    pub live: Vec<View>,
    /// Orders, each with the job whose run must end well first.
    pub after: Vec<(JobSpec, Order)>,
}

/// How many lines they take.
pub fn lines(app: &App) -> u16 {
    app.tasks.live.len().min(2) as u16
}

/// Draws them, the latest last.
pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let shown = app.tasks.live.iter().rev().take(usize::from(area.height)).rev();
    for (row, task) in shown.enumerate() {
        let line = Rect { y: area.y + row as u16, height: 1, ..area };
        let stop = keys::name_of(Context::Global, Action::StopTask);
        let text = cut(&format!(" ● {}  ({stop} stops it)", words(task)), usize::from(area.width));
        frame.render_widget(Span::styled(text, app.shared.theme.busy()), line);
    }
}

fn words(task: &View) -> String {
    let mut text = task.title.clone();
    match &task.progress {
        Some(Progress { done, total, unit, remaining }) => {
            let told = |number: u64| if unit == "bytes" { format::bytes(number) } else { format::thousands(number) };
            let of = if *total > 0 { format!(" of {}", told(*total)) } else { String::new() };
            let unit = if unit == "bytes" { String::new() } else { format!(" {unit}") };
            text += &format!(": {}{of}{unit}", told(*done));
            if let Some(seconds) = remaining {
                text += &format!(", {} left", format::duration(*seconds));
            }
        }
        None => {
            if let Some(note) = &task.note {
                text += &format!(": {}", note.strip_prefix("fetching ").unwrap_or(note));
            }
        }
    }
    text
}

/// Takes a message of a task.
pub fn take(app: &mut App, told: TaskMessage) -> Vec<Effect> {
    let TaskMessage { id, news } = told;
    let at = app.tasks.live.iter().position(|task| task.id == id);
    let mut end = || at.map_or_else(String::new, |at| app.tasks.live.remove(at).title);
    match news {
        TaskEvent::Began(title) => app.tasks.live.push(View { id, title, note: None, progress: None }),
        TaskEvent::Note(note) => {
            if let Some(task) = at.and_then(|at| app.tasks.live.get_mut(at)) {
                (task.note, task.progress) = (Some(note), None);
            }
        }
        TaskEvent::Progress(progress) => {
            if let Some(task) = at.and_then(|at| app.tasks.live.get_mut(at)) {
                task.progress = Some(progress);
            }
        }
        TaskEvent::Stopped => {
            let title = end();
            app.shared.say(
                Tone::Plain,
                format!("Stopped {title}; partial downloads are kept, and the next attempt resumes."),
            );
        }
        TaskEvent::Failed(sentence) => {
            end();
            app.shared.say(Tone::Bad, sentence);
        }
        TaskEvent::Done(outcome) => {
            end();
            return ended(app, outcome);
        }
    }
    Vec::new()
}

fn ended(app: &mut App, outcome: Outcome) -> Vec<Effect> {
    match outcome {
        Outcome::TaskMessage(sentence) => {
            app.shared.say(Tone::Good, sentence);
            // Whoever has trained a model knows the way.
            app.shared.guided = app.shared.snapshot.runs.iter().all(|run| run.row.is_none());
        }
        Outcome::Source { told, source, name } => {
            app.shared.say(Tone::Good, format!("{told} Press Enter to prepare them for training."));
            // A form that is being filled in stays open.
            if app.shared.overlay.is_none() {
                app.shared.open_form(FormKind::Prepare);
                app.shared.fill("source", &source);
                app.shared.fill("name", &name);
            }
        }
        Outcome::Exists { path, order } => {
            let text = format!(
                "{} exists and was not written by faceprobe, or was edited since. Its contents will be lost.",
                path.display()
            );
            app.shared.ask("Replace the file?", vec![text], Job::Task(order));
        }
        Outcome::Needs { spec, order, told } => {
            app.shared.say(Tone::Plain, told);
            app.tasks.after.push(((*spec).clone(), *order));
            return vec![Job::Launch(spec).into()];
        }
    }
    Vec::new()
}

/// The order that follows a run of this job, now that it has ended well; dropped where it has not.
pub fn after(app: &mut App, job: &JobSpec, well: bool) -> Vec<Effect> {
    let (due, rest): (Vec<_>, Vec<_>) = app.tasks.after.drain(..).partition(|(spec, _)| spec == job);
    app.tasks.after = rest;
    if !well {
        return Vec::new();
    }
    due.into_iter().map(|(_, order)| Job::Task(Box::new(order)).into()).collect()
}
