//! One frame: heading, steps, screen, message, keys, and what lies over them.

use super::app::App;
use super::completion;
use super::guide;
use super::keys::{self, Action, Context};
use super::palette;
use super::prompt;
use super::shared::{Hits, Overlay, Target, Tone};
use super::stages::{self, Stage, State};
use super::table;
use super::tasks;
use super::theme::{self, Theme};
use super::widgets::{self, NARROW, confirm, cut, cut_front, fit, form, help};
use faceprobe_core::text::is_control;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// Below this the screen says what it needs.
pub const SMALLEST: (u16, u16) = (40, 12);

/// From this width on the steps stand at the left.
const WIDE: u16 = 100;

/// Draws `app`; the areas that answer the mouse come back.
pub fn draw(frame: &mut Frame, app: &App) -> Hits {
    let mut hits = Hits::new();
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let text = format!(
            "faceprobe needs {} columns and {} lines; this terminal has {} and {}. Make it larger, or press {}.",
            SMALLEST.0,
            SMALLEST.1,
            area.width,
            area.height,
            keys::name_of(Context::Global, Action::Quit)
        );
        widgets::text(frame, area, vec![Line::raw(text)], 0);
    } else {
        draw_all(frame, app, &mut hits);
    }
    without_controls(frame.buffer_mut());
    if app.shared.theme.ascii {
        theme::to_ascii(frame.buffer_mut());
    }
    hits
}

/// Takes what turns text around out of every cell, wherever it came from: what is drawn leaves out control characters
/// already, but keeps these. Most texts come with escapes in their place, see [`widgets::cut`].
fn without_controls(buffer: &mut Buffer) {
    // The sequences of a picture, which a cell may hold too, have control characters and must keep them.
    let turns = |character: char| !character.is_control() && is_control(character);
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() && cell.symbol().contains(turns) {
            let kept = cell.symbol().replace(turns, "");
            cell.set_symbol(if kept.is_empty() { " " } else { &kept });
        }
    }
}

fn draw_all(frame: &mut Frame, app: &App, hits: &mut Hits) {
    let area = frame.area();
    let steps = if app.shared.loaded {
        stages::stages(&app.shared.snapshot, app.shared.chosen_set.as_deref(), app.screens.predict.history.len())
    } else {
        stages::unread()
    };
    let message = message_lines(app, area.width, area.height);
    let tabs = u16::from(area.width < WIDE);
    let [head, tab_line, body, work, said, foot] = area.layout(&Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(tabs),
        Constraint::Min(1),
        Constraint::Length(tasks::lines(app)),
        Constraint::Length(message),
        Constraint::Length(1),
    ]));
    draw_head(frame, head, app);
    let body = if tabs == 1 {
        draw_tabs(frame, tab_line, app, &steps, hits);
        body
    } else {
        let [left, right] = body.layout(&Layout::horizontal([Constraint::Length(21), Constraint::Min(1)]));
        draw_steps(frame, left, app, &steps, hits);
        right
    };
    if app.shared.loaded {
        match app.views.open() {
            Some(view) => view.draw(frame, body, &app.shared, hits),
            None => app.screens.get(app.screen).draw(frame, body, &app.shared, hits),
        }
    } else {
        // An empty workspace is another thing than one that was not read yet.
        let text = format!("Reading {} …", app.shared.snapshot.workspace.display());
        widgets::text(frame, body, vec![Line::styled(text, app.shared.theme.dim())], 0);
    }
    tasks::draw(frame, work, app);
    draw_message(frame, said, app);
    draw_foot(frame, foot, app, hits);
    let mut place = None;
    match &app.shared.overlay {
        None => {}
        Some(Overlay::Help(help)) => help::draw(frame, area, app.shared.theme, app.beneath(), help),
        Some(Overlay::Form(open)) => place = form::draw(frame, body, app.shared.theme, open),
        Some(Overlay::Confirm(question)) => confirm::draw(frame, area, app.shared.theme, question),
        Some(Overlay::Palette(state)) => palette::draw(frame, area, app.shared.theme, app, state),
        Some(Overlay::Path(input)) => place = Some(app.screens.predict.draw_path(frame, body, &app.shared, input)),
        Some(Overlay::Prompt(open)) => place = Some(prompt::draw(frame, body, app.shared.theme, open)),
        Some(Overlay::Table(over)) => {
            if let Some(table) = app.screens.get(app.screen).table() {
                table::act::draw_over(frame, body, table, &app.shared, over);
            }
        }
    }
    if let (Some(place), Some((list, text))) = (place, app.completion()) {
        completion::draw(frame, area, place, app.shared.theme, list, &text);
    }
}

fn draw_head(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.shared.theme;
    let width = usize::from(area.width);
    let machine = machine(app, width);
    let mut right = live(app, (width / 2).saturating_sub(machine.width() / 2));
    right.push_span(Span::styled(machine, theme.dim()));
    let right_width = right.width();
    let mut room = width.saturating_sub(right_width + 2);
    let mut left = vec![Span::styled(" faceprobe", theme.accent())];
    room = room.saturating_sub(10);
    let set = app.shared.current_set();
    let synthetic = set.and_then(|set| set.report.as_ref().ok()).is_some_and(|report| report.synthetic);
    let mut about = Vec::new();
    if let Some(set) = set {
        let name = cut(&set.name, 24);
        let mark = if synthetic { " SYNTHETIC" } else { "" };
        if room >= name.width() + mark.len() + 3 {
            room -= name.width() + mark.len() + 3;
            about.push(Span::styled(" · ", theme.dim()));
            about.push(Span::styled(name, theme.strong()));
            about.push(Span::styled(mark, theme.warning()));
        }
    }
    if room >= 14 {
        let path = cut_front(&home_short(&app.shared.snapshot.workspace.display().to_string()), room - 2);
        left.push(Span::styled(format!("  {path}"), theme.dim()));
    }
    left.extend(about);
    frame.render_widget(Line::from(left), area);
    let start = area.right().saturating_sub(right_width as u16 + 1);
    frame.render_widget(right, Rect { x: start, width: area.right() - start, ..area });
}

/// How busy the machine is, where there is room.
fn machine(app: &App, width: usize) -> String {
    let Some(machine) = app.shared.snapshot.machine.as_ref().filter(|_| width >= 110) else {
        return String::new();
    };
    let percent = |name: &str, value: Option<u8>| value.map(|value| format!("{name} {value} %"));
    let disk = machine.free.as_ref().map(|free| format!("{free} free"));
    let parts = [percent("cpu", machine.processor), percent("mem", machine.memory), disk];
    parts.into_iter().flatten().map(|part| format!(" · {part}")).collect()
}

fn home_short(path: &str) -> String {
    match std::env::var("HOME") {
        Ok(home) if home.len() > 1 && path.starts_with(&format!("{home}/")) => format!("~{}", &path[home.len()..]),
        _ => path.to_owned(),
    }
}

/// What is at work, for the right end of the heading.
fn live(app: &App, room: usize) -> Line<'static> {
    let theme = app.shared.theme;
    let Some(run) = app.shared.snapshot.live().next_back() else {
        return Line::styled(if app.shared.loaded { "idle" } else { "reading" }, theme.dim());
    };
    let (sign, style) = widgets::bars::status(theme, run.status);
    let more = app.shared.snapshot.live().count() - 1;
    let mut text = format!("{sign} {}", run.id);
    let mut add = |part: String| {
        if text.width() + part.width() <= room {
            text.push_str(&part);
        }
    };
    if let Some(share) = run.share() {
        add(format!(" {:.0} %", (share * 100.0).floor()));
    }
    if let Some(left) = run.remaining() {
        add(format!(" · {} left", widgets::format::duration(left)));
    }
    if run.status != faceprobe_core::run::Status::Running {
        add(format!(" {}", run.status.name()));
    } else if let Some(stage) = &run.facts.stage {
        add(format!(" · {stage}"));
    }
    if more > 0 {
        add(format!(" +{more}"));
    }
    Line::styled(text, style)
}

fn look(theme: Theme, state: State) -> (&'static str, Style) {
    match state {
        State::Unread => (" ", theme.dim()),
        State::ToDo => ("○", theme.dim()),
        State::Running => ("●", theme.busy()),
        State::Done => ("✓", theme.good()),
        State::Stale => ("↻", theme.warning()),
        State::Failed => ("✗", theme.bad()),
    }
}

fn draw_tabs(frame: &mut Frame, area: Rect, app: &App, steps: &[Stage], hits: &mut Hits) {
    let theme = app.shared.theme;
    let narrow = area.width < NARROW;
    let mut x = area.x;
    // With little room there is none between the tabs, and on a narrow screen only the present step is named.
    let roomy = steps.iter().map(|step| step.screen.name().width() + 7).sum::<usize>() <= usize::from(area.width);
    for (index, step) in steps.iter().enumerate() {
        let (sign, style) = look(theme, step.state);
        let here = step.screen == app.screen;
        let name = if narrow && !here { String::new() } else { format!(" {}", step.screen.name()) };
        let text = format!(" {}{name}{}", index + 1, if narrow && !here { "" } else { " " });
        let width = (text.width() + if roomy { 2 } else { 1 }) as u16;
        if x + width > area.right() {
            break;
        }
        let tab = Rect { x, width, ..area };
        let text_style = if here { theme.selected() } else { theme.text() };
        let sign_style = if here { theme.selected() } else { style };
        frame.render_widget(
            Line::from(vec![
                Span::styled(text, text_style),
                Span::styled(fit(sign, if roomy { 2 } else { 1 }), sign_style),
            ]),
            tab,
        );
        hits.push((tab, Target::Screen(step.screen)));
        x += width + u16::from(roomy);
    }
}

fn draw_steps(frame: &mut Frame, area: Rect, app: &App, steps: &[Stage], hits: &mut Hits) {
    let theme = app.shared.theme;
    let width = area.width.saturating_sub(1);
    // Where there is no room for all with a line between them, they stand closer.
    let gap = u16::from(usize::from(area.height) >= steps.len() * 3);
    let mut y = area.y + gap;
    for (index, step) in steps.iter().enumerate() {
        if y + 2 > area.bottom() {
            break;
        }
        let (sign, style) = look(theme, step.state);
        let here = step.screen == app.screen;
        let name = format!(" {} {}", index + 1, step.screen.name());
        let state = format!("{} ", step.state.name());
        let space = usize::from(width).saturating_sub(name.width() + state.width() + 2);
        let (name_style, state_style) =
            if here { (theme.selected(), theme.selected()) } else { (theme.strong(), style) };
        let first = Line::from(vec![
            Span::styled(format!(" {sign}"), if here { theme.selected() } else { style }),
            Span::styled(name, name_style),
            Span::styled(" ".repeat(space), name_style),
            Span::styled(state, state_style),
        ]);
        frame.render_widget(first, Rect { y, height: 1, width, ..area });
        let rail = if index + 1 < steps.len() { " │" } else { "  " };
        let detail = Line::from(vec![
            Span::styled(rail, theme.rule()),
            Span::styled(format!("   {}", cut(&step.detail, usize::from(width) - 6)), theme.dim()),
        ]);
        frame.render_widget(detail, Rect { y: y + 1, height: 1, width, ..area });
        hits.push((Rect { y, height: 2, width, ..area }, Target::Screen(step.screen)));
        if gap == 1 && y + 2 < area.bottom() && index + 1 < steps.len() {
            frame.render_widget(Span::styled(rail, theme.rule()), Rect { y: y + 2, height: 1, width, ..area });
        }
        y += 2 + gap;
    }
}

fn message_lines(app: &App, width: u16, height: u16) -> u16 {
    let rows =
        app.told().map_or(0, |(_, text)| widgets::rows(&format!("✗ {text}"), usize::from(width).saturating_sub(1)));
    (rows as u16).clamp(1, (height / 4).clamp(1, 6))
}

fn draw_message(frame: &mut Frame, area: Rect, app: &App) {
    let theme = app.shared.theme;
    let Some((tone, text)) = app.told() else {
        if let Some(newer) = &app.shared.newer {
            let key = keys::name_of(keys::Context::Global, keys::Action::UseNewer);
            let text = format!(" Another terminal has prepared {newer}; {key} changes to it, Esc stays.");
            frame.render_widget(Span::styled(cut(&text, usize::from(area.width)), theme.warning()), area);
            return;
        }
        if let Some(run) = &app.shared.follow {
            let text =
                format!(" Following {run}: the screens switch with its progress until you switch them yourself.");
            frame.render_widget(Span::styled(cut(&text, usize::from(area.width)), theme.dim()), area);
        } else if let Some(next) = guide::next(&app.shared, app.screen) {
            let text = cut(&format!(" {next}"), usize::from(area.width));
            frame.render_widget(Span::styled(text, theme.dim()), area);
        }
        return;
    };
    let (sign, style) = match tone {
        Tone::Good => ("✓", theme.good()),
        Tone::Plain => ("·", theme.text()),
        Tone::Bad => ("✗", theme.bad()),
    };
    widgets::text(frame, area, vec![Line::styled(format!(" {sign} {text}"), style)], 0);
}

/// What the footer offers: a key and a word, and what a click on them does.
struct Offer {
    key: String,
    label: &'static str,
    action: Option<Action>,
}

impl Offer {
    fn width(&self) -> usize {
        self.key.width() + self.label.width() + 3
    }
}

fn draw_foot(frame: &mut Frame, area: Rect, app: &App, hits: &mut Hits) {
    let theme = app.shared.theme;
    let mut room = usize::from(area.width);
    let context = app.context();
    let found = if app.searches() { keys::footer(Context::Found) } else { Vec::new() };
    let here =
        keys::footer(context).into_iter().filter(|binding| found.iter().all(|one| one.keys[0] != binding.keys[0]));
    let offered = found.iter().copied().chain(here).filter(|binding| app.offers(binding.action));
    let mut offers: Vec<Offer> = offered
        .map(|binding| Offer { key: binding.name(), label: binding.label, action: Some(binding.action) })
        .filter(|offer| !offer.key.is_empty())
        .collect();
    // Help and quit stay when there is no room for all.
    let last = if context.falls_back() { offers.split_off(offers.len().saturating_sub(2)) } else { Vec::new() };
    if context.falls_back() {
        offers.extend(screen_keys().map(|key| Offer { key, label: "screens", action: None }));
    }
    room = room.saturating_sub(last.iter().map(Offer::width).sum());
    let mut spans = Vec::new();
    let mut x = area.x;
    let fitting = offers.into_iter().take_while(|offer| {
        let fits = offer.width() <= room;
        room = room.saturating_sub(offer.width());
        fits
    });
    for offer in fitting.collect::<Vec<_>>().into_iter().chain(last) {
        let width = offer.width() as u16;
        if let Some(action) = offer.action {
            hits.push((Rect { x, width, ..area }.intersection(area), Target::Key(action)));
        }
        x = x.saturating_add(width);
        spans.push(Span::styled(format!(" {}", offer.key), theme.accent()));
        spans.push(Span::styled(format!(" {} ", offer.label), theme.dim()));
    }
    frame.render_widget(Line::from(spans), area);
}

/// `1-7`, as long as the screens' keys follow each other.
fn screen_keys() -> Option<String> {
    let names: Vec<String> =
        (0..stages::ScreenId::ALL.len()).map(|index| keys::name_of(Context::Global, Action::Go(index))).collect();
    let number = |name: &String| name.parse::<u8>().ok();
    let row = names.windows(2).all(|pair| number(&pair[0]).is_some_and(|first| number(&pair[1]) == Some(first + 1)));
    match (names.first(), names.last()) {
        (Some(first), Some(last)) if row => Some(format!("{first}-{last}")),
        _ => None,
    }
}
