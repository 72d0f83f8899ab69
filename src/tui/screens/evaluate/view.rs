//! Draws Evaluate: everything at once where there is room, else a part at a time.

use super::super::super::keys::{self, Action, Context};
use super::super::super::pictures::Marks;
use super::super::super::shared::{Hits, Shared, Target};
use super::super::super::widgets::{self, NARROW, cut_front, fit, format, offset, panel};
use super::parts::{self, UnitCurve};
use super::sheet::{Figures, Sheet};
use super::{Evaluate, reliability, thresholds};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// Draws the screen.
pub fn draw(frame: &mut Frame, area: Rect, evaluate: &Evaluate, shared: &Shared, hits: &mut Hits) {
    let theme = shared.theme;
    let Some((at, count, row)) = evaluate.current(shared) else {
        let block = panel(theme, "Evaluate", area.width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let lines = vec![
            Line::styled("No model has scores yet.", theme.strong()),
            Line::default(),
            Line::raw("Press 3 to train one, or 1 and then d for the demo."),
        ];
        widgets::text(frame, inner, lines, 0);
        return;
    };
    let [head, body] = area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Min(0)]));
    let narrow = area.width < NARROW;
    let split = match (evaluate.test, narrow) {
        (true, _) => "test",
        (false, true) => "val",
        (false, false) => "validation",
    };
    let mut spans = vec![
        Span::styled(format!(" {}", row.run), theme.strong()),
        Span::styled(if count > 1 && !narrow { format!(" {} of {count}", at + 1) } else { String::new() }, theme.dim()),
        Span::styled(" · ", theme.dim()),
        Span::styled(split, if evaluate.test { theme.warning() } else { theme.text() }),
    ];
    if let (Some(sheet), true) = (evaluate.sheet(), area.width >= 90) {
        let images = format!(" · {} images", format::thousands(sheet.scored.scores.len() as u64));
        spans.push(Span::styled(images, theme.dim()));
    }
    if let Some(figures) = evaluate.figures() {
        let name = if narrow { " · ≥" } else { " · threshold " };
        spans.push(Span::styled(name, theme.dim()));
        spans.push(Span::styled(format!("{:.3}", figures.threshold), theme.accent()));
        if !narrow {
            spans.push(Span::styled(format!(" {}", evaluate.served()), theme.dim()));
        }
    }
    let pages = pages(area);
    let page = evaluate.page % pages.max(1) + 1;
    let hint = format!(" {} more {page}/{pages} ", keys::name_of(Context::Evaluate, Action::Pane));
    let hint = if pages > 1 { hint } else { String::new() };
    let width = hint.chars().count() as u16;
    // Whole or not at all.
    let mark = "  SYNTHETIC";
    let taken: usize = spans.iter().map(Span::width).sum();
    if row.synthetic && taken + mark.len() + usize::from(width) <= usize::from(area.width) {
        spans.push(Span::styled(mark, theme.warning()));
    }
    frame.render_widget(Line::from(spans), head);
    let x = head.right().saturating_sub(width);
    frame.render_widget(Span::styled(hint, theme.dim()), Rect { x, width, ..head });
    let (sheet, figures) = match (&evaluate.sheet, evaluate.figures()) {
        (Some(Ok(sheet)), Some(figures)) => (&**sheet, figures),
        (Some(Err(error)), _) => {
            widgets::text(frame, body, vec![Line::styled(error.clone(), theme.bad())], 0);
            return;
        }
        _ => {
            frame.render_widget(Span::styled(" Reading the scores …", theme.dim()), body);
            return;
        }
    };
    let view = View { evaluate, shared, sheet, figures };
    match pages {
        1 | 2 => view.draw_all(frame, body, hits),
        SOME => view.draw_some(frame, body, hits),
        _ => view.draw_one(frame, body, hits),
    }
}

/// How many pages the parts have where so much is seen at once.
fn pages(area: Rect) -> usize {
    match (area.width, area.height) {
        (WIDE.., 25..) => 1,
        (96.., 25..) => 2,
        (NARROW.., 16..) => SOME,
        _ => ONE,
    }
}

/// From this width on all curves stand next to each other.
const WIDE: u16 = 150;
/// Pages where matrix and histogram are always visible, and where each part is a page.
const SOME: usize = 4;
const ONE: usize = 8;

/// What the parts are drawn from.
struct View<'a> {
    evaluate: &'a Evaluate,
    shared: &'a Shared,
    sheet: &'a Sheet,
    figures: &'a Figures,
}

/// Columns that the list of mistakes needs next to pictures, and the most pictures there.
const LIST: u16 = 46;
const MOST_FACES: u16 = 4;

/// Columns and lines of the matrix with its shares, frame included.
const MATRIX: (u16, u16) = (parts::WIDTH as u16 + 4, 12);

impl View<'_> {
    fn draw_all(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        // Every group is seen, as far as the curves can spare the lines.
        let groups = self.figures.groups.as_ref().map_or(0, |groups| groups.groups.len()) as u16 + 4;
        let [top, middle, bottom] = area.layout(&Layout::vertical([
            Constraint::Length(MATRIX.1),
            Constraint::Min(6),
            Constraint::Length(groups.clamp(6, (area.height / 3 + 2).max(6))),
        ]));
        let [matrix, scores] = top.layout(&Layout::horizontal([Constraint::Length(MATRIX.0), Constraint::Min(0)]));
        self.matrix(frame, matrix);
        self.scores(frame, scores);
        if pages(area) == 1 || area.width >= WIDE {
            let [threshold, reliability, roc, precision] = middle.layout(&Layout::horizontal([Constraint::Fill(1); 4]));
            self.threshold(frame, threshold, hits);
            self.reliability(frame, reliability);
            self.roc(frame, roc);
            self.precision_recall(frame, precision);
        } else {
            self.pair(frame, middle, self.evaluate.page.is_multiple_of(2), hits);
        }
        let [groups, mistakes] = bottom.layout(&Layout::horizontal([Constraint::Length(46), Constraint::Min(0)]));
        self.groups(frame, groups);
        self.mistakes(frame, mistakes, hits);
    }

    /// The threshold's effect and the reliability, or the two curves over all thresholds.
    fn pair(&self, frame: &mut Frame, area: Rect, threshold: bool, hits: &mut Hits) {
        let [left, right] = area.layout(&Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]));
        if threshold {
            self.threshold(frame, left, hits);
            self.reliability(frame, right);
        } else {
            self.roc(frame, left);
            self.precision_recall(frame, right);
        }
    }

    /// Two of the parts always, the others in turns.
    fn draw_some(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        let [top, bottom] =
            area.layout(&Layout::vertical([Constraint::Length(MATRIX.1.min(area.height / 2 + 2)), Constraint::Min(0)]));
        let [matrix, scores] = top.layout(&Layout::horizontal([Constraint::Length(MATRIX.0), Constraint::Min(0)]));
        self.matrix(frame, matrix);
        self.scores(frame, scores);
        match self.evaluate.page % SOME {
            0 => self.mistakes(frame, bottom, hits),
            1 => self.pair(frame, bottom, true, hits),
            2 => self.pair(frame, bottom, false, hits),
            _ => {
                let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
                let [left, right] = bottom.layout(&halves);
                self.groups(frame, left);
                self.mistakes(frame, right, hits);
            }
        }
    }

    fn draw_one(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        match self.evaluate.page % ONE {
            0 => self.matrix(frame, area),
            1 => self.scores(frame, area),
            2 => self.threshold(frame, area, hits),
            3 => self.reliability(frame, area),
            4 => self.roc(frame, area),
            5 => self.precision_recall(frame, area),
            6 => self.groups(frame, area),
            _ => self.mistakes(frame, area, hits),
        }
    }

    /// Accuracy and recall of both classes over the threshold; the cursor is the threshold.
    fn threshold(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        let theme = self.shared.theme;
        let inner = self.headed(frame, area, thresholds::heading(theme, self.sheet, self.figures, area.width));
        if let Some((graph, scale)) = thresholds::draw(frame, inner, theme, self.sheet, self.figures) {
            hits.push((graph, Target::Plot(scale)));
        }
    }

    /// What share of the images with a score is of the second class.
    fn reliability(&self, frame: &mut Frame, area: Rect) {
        let theme = self.shared.theme;
        let title = reliability::heading(theme, self.sheet, area.width);
        let inner = self.headed(frame, area, title);
        reliability::draw(frame, inner, theme, &self.sheet.reliability);
    }

    /// The same; on a narrow screen the heading, which says what is which, has a line.
    fn headed(&self, frame: &mut Frame, area: Rect, title: Line<'static>) -> Rect {
        if frame.area().width >= NARROW {
            return self.framed(frame, area, title);
        }
        frame.render_widget(title, Rect { height: 1.min(area.height), ..area });
        Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
    }

    /// The inside of a framed part; on a narrow screen the whole area.
    fn framed(&self, frame: &mut Frame, area: Rect, title: impl Into<Line<'static>>) -> Rect {
        let block = panel(self.shared.theme, title, frame.area().width);
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    }

    fn matrix(&self, frame: &mut Frame, area: Rect) {
        let inner = self.framed(frame, area, "Confusion");
        let mut lines = parts::matrix(self.shared.theme, &self.sheet.scored.classes, &self.figures.confusion);
        if usize::from(inner.height) > lines.len() + 6 {
            lines.push(Line::default());
        }
        lines.extend(parts::shares(self.shared.theme, self.sheet, self.figures));
        frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
    }

    fn scores(&self, frame: &mut Frame, area: Rect) {
        let of = format!("Scores for {}", self.sheet.scored.classes[1]);
        let title = Line::from(vec![Span::raw(of), Span::styled("  square-root heights", self.shared.theme.dim())]);
        let inner = self.framed(frame, area, title);
        parts::histogram(frame, inner, self.shared.theme, self.sheet, self.figures.threshold);
    }

    fn roc(&self, frame: &mut Frame, area: Rect) {
        let title = format!("ROC  area {}", format::share(self.sheet.roc_auc));
        let inner = self.framed(frame, area, title);
        let curve = UnitCurve {
            points: &self.sheet.roc,
            here: self.figures.on_roc(),
            chance: [(0.0, 0.0), (1.0, 1.0)],
            axes: [if inner.width >= 48 { "false positives" } else { "false" }, "true"],
        };
        parts::curve(frame, inner, self.shared.theme, &curve);
    }

    fn precision_recall(&self, frame: &mut Frame, area: Rect) {
        let title = format!("Precision and recall  average {}", format::share(self.sheet.average_precision));
        let inner = self.framed(frame, area, title);
        let scored = &self.sheet.scored;
        let positive = scored.positive.iter().filter(|positive| **positive).count();
        let base = positive as f64 / scored.positive.len().max(1) as f64;
        let curve = UnitCurve {
            points: &self.sheet.precision_recall,
            here: self.figures.on_precision_recall(),
            chance: [(0.0, base), (1.0, base)],
            axes: ["recall", "prec."],
        };
        parts::curve(frame, inner, self.shared.theme, &curve);
    }

    fn groups(&self, frame: &mut Frame, area: Rect) {
        let theme = self.shared.theme;
        let Some(groups) = &self.figures.groups else {
            let inner = self.framed(frame, area, "Accuracy by group");
            let text = "These images have no attributes to group by.";
            widgets::text(frame, inner, vec![Line::styled(text, theme.dim())], 0);
            return;
        };
        let mut title = vec![Span::raw(format!("Accuracy by {}", groups.column))];
        let count = self.sheet.columns().len();
        if count > 1 {
            let key = keys::name_of(Context::Evaluate, Action::GroupBy);
            title.push(Span::styled(format!("  {key} next of {count} columns"), theme.dim()));
        }
        let inner = self.framed(frame, area, Line::from(title));
        let lines = parts::groups(theme, groups, usize::from(inner.width), usize::from(inner.height));
        frame.render_widget(ratatui::widgets::Paragraph::new(lines), inner);
    }

    /// The pictures of the mistakes from the cursor on, as many as fit next to the list; returns the area left for the
    /// list.
    fn faces_of_mistakes(&self, frame: &mut Frame, area: Rect, mistakes: &[usize]) -> Rect {
        let shared = self.shared;
        // A cell is about twice as high as wide, so this is a square.
        let each = area.height * 2;
        let count = (area.width.saturating_sub(LIST) / (each + 1)).min(MOST_FACES);
        if !shared.pictures.shown(shared.theme) || area.height < 5 || count == 0 {
            return area;
        }
        let left = area.right() - count * (each + 1);
        let scored = &self.sheet.scored;
        for (place, &at) in (0..count).zip(mistakes) {
            let picture = Rect { x: left + 1 + place * (each + 1), width: each, ..area };
            if let Some(path) = scored.images.get(at).and_then(|image| scored.file(image)) {
                shared.pictures.draw(frame, picture, shared.theme, &path, Marks::default(), shared.overlay.is_some());
            }
        }
        Rect { width: left - area.x, ..area }
    }

    fn mistakes(&self, frame: &mut Frame, area: Rect, hits: &mut Hits) {
        let theme = self.shared.theme;
        let mistakes = &self.evaluate.mistakes(self.shared);
        let key = keys::name_of(Context::Evaluate, Action::Picture);
        let count = format!("Mistakes {}", format::thousands(mistakes.len() as u64));
        let mut title = vec![Span::raw(count)];
        let images = &self.sheet.scored.images;
        let selected =
            self.shared.filter().map(|filter| images.iter().filter(|image| filter.has(image)).count() as u64);
        if let Some(selected) = selected {
            let of = format!(" of {} selected", format::thousands(selected));
            title.push(Span::styled(of, theme.accent()));
        }
        title.push(Span::styled(format!("  worst first, {key} predicts"), theme.dim()));
        let inner = self.framed(frame, area, Line::from(title));
        if mistakes.is_empty() {
            let key = keys::name_of(Context::Evaluate, Action::Selected);
            let none = match selected {
                None => Span::styled("None at this threshold.", theme.good()),
                Some(0) => {
                    let text = format!("No image selected on the map is in this split; {key} lists all.");
                    Span::styled(text, theme.dim())
                }
                Some(_) => Span::styled(format!("None among the selected images; {key} lists all."), theme.good()),
            };
            frame.render_widget(none, inner);
            return;
        }
        let selected = self.evaluate.mistake.min(mistakes.len() - 1);
        let inner = self.faces_of_mistakes(frame, inner, &mistakes[selected..]);
        let height = usize::from(inner.height);
        let scored = &self.sheet.scored;
        let names = scored.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).clamp(1, 10);
        let first = offset(selected, mistakes.len(), height);
        for (row, (line, &at)) in mistakes.iter().enumerate().skip(first).take(height).enumerate() {
            let area = Rect { y: inner.y + row as u16, height: 1, ..inner };
            let is = usize::from(scored.positive[at]);
            let class = |class: usize| fit(&scored.classes[class], names);
            let about = format!("{:.3} {} predicted {} ", scored.scores[at], class(is), class(1 - is));
            let room = usize::from(inner.width).saturating_sub(about.chars().count());
            let path = cut_front(&scored.images[at].path, room);
            let spans = if line == selected {
                vec![Span::styled(fit(&(about + &path), usize::from(inner.width)), theme.selected())]
            } else {
                vec![Span::styled(about, theme.series(is)), Span::styled(path, theme.dim())]
            };
            frame.render_widget(Line::from(spans), area);
            hits.push((area, Target::Row(line)));
        }
    }
}
