//! Features: the backbones and their weights, the cache, extraction at work.

mod keys;
pub mod probe;

use super::Screen;
use crate::tui::app::{App, Hits, Target, Tone, moved};
use crate::tui::effect::Effect;
use crate::tui::forms::FormKind;
use crate::tui::jobs::Job;
use crate::tui::keys::{Action, Binding, Context, name_of};
use crate::tui::snapshot::{Backbone, Run, Snapshot, Weights};
use crate::tui::stages::{ScreenId, State as Step, Study};
use crate::tui::widgets::{self, NARROW, bars, cut, fit, format, offset, panel};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::run::{JobSpec, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the screen remembers.
#[derive(Debug, Default)]
pub struct State {
    /// The line in the list of backbones.
    pub selected: usize,
}

/// Features in the table of screens.
pub struct Features;

impl Screen for Features {
    fn id(&self) -> ScreenId {
        ScreenId::Features
    }

    fn name(&self) -> &'static str {
        "Features"
    }

    fn keys(&self) -> &'static [Binding] {
        keys::ROWS
    }

    fn home(&self) -> Context {
        Context::Features
    }

    fn draw(&self, frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
        draw(frame, area, app, hits);
    }

    fn act(&self, app: &mut App, action: Action) -> Vec<Effect> {
        act(app, action)
    }

    fn select(&self, app: &mut App, line: usize) -> Vec<Effect> {
        app.features.selected = line;
        Vec::new()
    }

    fn at_work(&self, app: &App) -> Option<Arc<Run>> {
        work(&app.snapshot).cloned()
    }

    fn stories(&self, app: &App) -> BTreeSet<String> {
        work(&app.snapshot).map(|run| run.id.to_string()).into_iter().collect()
    }

    fn step(&self, study: &Study) -> (Step, String) {
        let stores = study.snapshot.stores.iter().filter(|store| store.backbone != "pixels");
        let rows: usize = stores.map(|store| store.rows).sum();
        let detail = match rows {
            0 => "none cached".into(),
            rows => format!("{} rows", format::thousands(rows as u64)),
        };
        (study.state(ScreenId::Features, rows > 0), detail)
    }
}

/// The extraction at work, else the last one.
fn work(snapshot: &Snapshot) -> Option<&Arc<Run>> {
    snapshot.live().rev().find(|run| run.extracts()).or_else(|| snapshot.runs.iter().rev().find(|run| run.extracts()))
}

/// What a key does here.
fn act(app: &mut App, action: Action) -> Vec<Effect> {
    match action {
        Action::Extract => return extract(app),
        Action::FetchWeights => fetch_weights(app),
        Action::ExportFeatures => export(app),
        Action::Probe => probe::open(app),
        Action::PauseResume => return app.pause_or_resume(),
        Action::Stop => return app.stop(),
        _ => app.features.selected = moved(app.features.selected, app.snapshot.backbones.len(), action),
    }
    Vec::new()
}

/// Opens the form that fetches weights, for the selected backbone.
fn fetch_weights(app: &mut App) {
    let name = app.snapshot.backbones.get(app.features.selected).map(|backbone| backbone.name.clone());
    app.open_form(FormKind::FetchWeights);
    if let Some(name) = name {
        app.fill("backbone", &name);
        app.fill("file", "");
    }
}

/// Opens the form that exports features, for the selected backbone.
fn export(app: &mut App) {
    if app.dataset().is_none() {
        app.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
        return;
    }
    let backbone = app.snapshot.backbones.get(app.features.selected).cloned();
    match backbone {
        Some(backbone) if backbone.weights == Weights::Absent => {
            fetch_weights(app);
            say_absent(app, &backbone);
        }
        Some(backbone) => {
            app.open_form(FormKind::ExportFeatures);
            app.fill("backbone", &backbone.name);
        }
        None => app.open_form(FormKind::ExportFeatures),
    }
}

fn say_absent(app: &mut App, backbone: &Backbone) {
    app.say(Tone::Plain, format!("The weights of {} are not installed yet; Enter fetches them.", backbone.title));
}

fn extract(app: &mut App) -> Vec<Effect> {
    let Some(backbone) = app.snapshot.backbones.get(app.features.selected).cloned() else {
        return Vec::new();
    };
    let Some(dataset) = app.dataset().map(str::to_owned) else {
        app.say(Tone::Bad, "There is no prepared data set yet; make one on the Data screen (1).");
        return Vec::new();
    };
    if backbone.weights == Weights::Absent {
        fetch_weights(app);
        say_absent(app, &backbone);
        return Vec::new();
    }
    let features = FeatureSpec::of_backbone(backbone.name);
    let same = |run: &&Arc<Run>| matches!(&run.job, JobSpec::Extract { dataset: d, features: f } if *d == dataset && *f == features);
    let live = app.snapshot.live().find(same).cloned();
    if let Some(run) = live {
        app.say(Tone::Plain, format!("{} is already doing that.", run.id));
        return Vec::new();
    }
    vec![Job::Launch(Box::new(JobSpec::Extract { dataset, features })).into()]
}

/// Draws the screen.
fn draw(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let narrow = area.width < NARROW;
    let framing = if narrow { 1 } else { 2 };
    // A narrow screen has no headings and one line about the network under the cursor.
    let (about, heading) = if narrow { (1, 0) } else { (3, 1) };
    let most = |share: u16| (area.height / share).max(1);
    let backbones = (app.snapshot.backbones.len() as u16).clamp(1, most(4)) + about + framing;
    let stores = (app.snapshot.stores.len() as u16).clamp(1, most(3)) + heading + framing;
    let rows = Layout::vertical([Constraint::Length(backbones), Constraint::Length(stores), Constraint::Min(0)]);
    let [top, middle, bottom] = area.layout(&rows);
    draw_backbones(frame, top, app, hits);
    draw_stores(frame, middle, app);
    match work(&app.snapshot) {
        Some(run) if probe::has_figures(run) => probe::draw(frame, bottom, app, run),
        _ => draw_work(frame, bottom, app),
    }
}

/// The inside of a framed part, or of a titled one on a narrow screen.
fn part(frame: &mut Frame, area: Rect, app: &App, title: &'static str) -> Rect {
    if area.width < NARROW {
        frame.render_widget(Span::styled(title, app.theme.strong()), Rect { height: 1.min(area.height), ..area });
        return Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    let block = panel(app.theme, title, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn draw_backbones(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.theme;
    let inner = part(frame, area, app, "Backbones");
    let backbones = &app.snapshot.backbones;
    let width = usize::from(inner.width);
    let narrow = area.width < NARROW;
    let about = if narrow { 1 } else { 3 };
    let list = Rect { y: inner.y + u16::from(!narrow), height: inner.height.saturating_sub(about), ..inner };
    if !narrow {
        let head = format!("  {} {:>6} {:>8}  weights", fit("network", 22), "input", "features");
        frame.render_widget(Span::styled(head, theme.dim()), Rect { height: 1.min(inner.height), ..inner });
    }
    let selected = app.features.selected.min(backbones.len().saturating_sub(1));
    let first = offset(selected, backbones.len(), usize::from(list.height));
    for (row, (at, backbone)) in backbones.iter().enumerate().skip(first).take(usize::from(list.height)).enumerate() {
        let line = Rect { y: list.y + row as u16, height: 1, ..list };
        let (sign, state, style) = match &backbone.weights {
            Weights::Present { bytes, .. } => ("✓", format!("installed, {}", format::bytes(*bytes)), theme.good()),
            Weights::Absent => ("○", "not installed".to_owned(), theme.dim()),
            Weights::Broken(_) => ("✗", "damaged".to_owned(), theme.bad()),
        };
        let text = if narrow {
            format!(" {} ", fit(&backbone.title, width.saturating_sub(20)))
        } else {
            let features = format::thousands(backbone.features as u64);
            format!(" {} {:>6} {features:>8}  ", fit(&backbone.title, 22), backbone.input)
        };
        let spans = if at == selected {
            vec![Span::styled(fit(&format!("{sign}{text}{state}"), width), theme.selected())]
        } else {
            vec![Span::styled(sign, style), Span::raw(text), Span::styled(state, style)]
        };
        frame.render_widget(Line::from(spans), line);
        hits.push((line, Target::Row(at)));
    }
    let Some(backbone) = backbones.get(selected) else {
        return;
    };
    let note = match &backbone.weights {
        Weights::Present { sha256: Some(hash), .. } => {
            let text = format!("sha256 {hash}");
            Line::styled(if narrow { cut(&text, width) } else { text }, theme.dim())
        }
        Weights::Present { .. } => Line::styled("weights are installed", theme.dim()),
        Weights::Absent => Line::from(vec![
            Span::styled(name_of(Context::Features, Action::FetchWeights), theme.accent()),
            Span::styled(
                if narrow {
                    " downloads or imports them"
                } else {
                    " downloads the weights, or imports them from a file"
                },
                theme.dim(),
            ),
        ]),
        Weights::Broken(error) => Line::styled(error.clone(), theme.bad()),
    };
    let room = inner.bottom().saturating_sub(list.bottom()).min(2);
    widgets::text(frame, Rect { y: list.bottom(), height: room, ..inner }, vec![note], 0);
}

fn draw_stores(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.theme;
    let inner = part(frame, area, app, "Cached features");
    if app.snapshot.stores.is_empty() {
        let key = name_of(Context::Features, Action::Extract);
        let line = Line::from(vec![
            "Nothing yet. ".into(),
            Span::styled(key, theme.accent()),
            " extracts the features of ".into(),
            Span::styled(app.dataset().unwrap_or("a data set").to_owned(), theme.strong()),
            ".".into(),
        ]);
        widgets::text(frame, inner, vec![line], 0);
        return;
    }
    let mut lines = Vec::new();
    if area.width < NARROW {
        for store in &app.snapshot.stores {
            let text = format!("{:>7} rows {:>9}", format::thousands(store.rows as u64), format::bytes(store.bytes));
            lines.push(Line::raw(format!(
                "{} {text}",
                fit(&store.backbone, usize::from(inner.width).saturating_sub(24))
            )));
        }
    } else {
        let head = format!(
            "{} {:>8} {:>8} {:>9} {:>6} {:>10}",
            fit("network", 20),
            "layer",
            "pooling",
            "rows",
            "parts",
            "size"
        );
        lines.push(Line::styled(head, theme.dim()));
        for store in &app.snapshot.stores {
            lines.push(Line::raw(format!(
                "{} {:>8} {:>8} {:>9} {:>6} {:>10}",
                fit(&store.backbone, 20),
                store.tap,
                store.pool,
                format::thousands(store.rows as u64),
                store.parts,
                format::bytes(store.bytes)
            )));
        }
    }
    frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
}

fn draw_work(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.theme;
    let Some(run) = work(&app.snapshot) else {
        return;
    };
    if area.height < 2 {
        return;
    }
    let inner = part(frame, area, app, if run.status.is_live() { "Extraction" } else { "Last extraction" });
    let mut lines = bars::activity(theme, run, usize::from(inner.width));
    if let JobSpec::Extract { dataset, features } = &run.job {
        lines.insert(1.min(lines.len()), Line::styled(format!("{} on {dataset}", features.backbone), theme.dim()));
    }
    if run.facts.skipped > 0 {
        lines.push(Line::styled(format!("{} skipped", format::thousands(run.facts.skipped as u64)), theme.warning()));
        lines.extend(run.story().skipped.iter().rev().map(|skipped| Line::styled(format!("  {skipped}"), theme.dim())));
    } else if run.status == Status::Done {
        lines.push(Line::styled("No images were skipped.", theme.dim()));
    }
    widgets::text(frame, inner, lines, 0);
}
