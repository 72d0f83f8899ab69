//! The columns of a table of runs: titles, cells, sort keys.

use crate::tui::snapshot::Run;
use crate::tui::widgets::format;
use faceprobe_core::evaluation::Interval;
use faceprobe_core::run::JobSpec;
use faceprobe_core::run::results::ResultRow;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    Run,
    /// A setting of the models, by its name in their specs.
    Setting(String),
    Status,
    Kind,
    Backbone,
    Data,
    Params,
    Epochs,
    Train,
    Val,
    Test,
    Threshold,
    Took,
    Size,
    Started,
    Note,
}

impl Column {
    /// All columns but those of settings, in the order in which tables show them.
    pub const ALL: [Self; 15] = [
        Self::Run,
        Self::Status,
        Self::Kind,
        Self::Backbone,
        Self::Data,
        Self::Params,
        Self::Epochs,
        Self::Train,
        Self::Val,
        Self::Test,
        Self::Threshold,
        Self::Took,
        Self::Size,
        Self::Started,
        Self::Note,
    ];

    /// Its name in the session file.
    pub fn id(&self) -> String {
        match self {
            Self::Setting(name) => format!("setting.{name}"),
            other => other.name().to_owned(),
        }
    }

    /// The column of this name in the session file.
    pub fn of_id(id: &str) -> Option<Self> {
        match id.strip_prefix("setting.") {
            Some(name) => Some(Self::Setting(name.to_owned())),
            None => Self::ALL.into_iter().find(|column| column.name() == id),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Setting(_) => "setting",
            Self::Status => "status",
            Self::Kind => "kind",
            Self::Backbone => "backbone",
            Self::Data => "data",
            Self::Params => "params",
            Self::Epochs => "epochs",
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::Threshold => "threshold",
            Self::Took => "took",
            Self::Size => "size",
            Self::Started => "started",
            Self::Note => "note",
        }
    }

    /// The heading.
    pub fn title(&self) -> Cow<'_, str> {
        match self {
            Self::Setting(name) => name.rsplit('.').next().unwrap_or(name).replace('_', " ").into(),
            Self::Train => "train@τ".into(),
            Self::Val => "val@τ".into(),
            Self::Test => "test@τ".into(),
            Self::Threshold => "τ".into(),
            Self::Started => "started (UTC)".into(),
            other => other.name().into(),
        }
    }

    /// Its description in the list of columns.
    pub fn about(&self) -> String {
        match self {
            Self::Run => "the run's name and title".into(),
            Self::Setting(name) => format!("the setting {}", name.replace('_', " ")),
            Self::Status => "whether it is done".into(),
            Self::Kind => "the kind of model or work".into(),
            Self::Backbone => "the pretrained network".into(),
            Self::Data => "the prepared set".into(),
            Self::Params => "how many parameters were trained".into(),
            Self::Epochs => "how many epochs were trained".into(),
            Self::Train => "accuracy on training at the threshold".into(),
            Self::Val => "accuracy on validation at the threshold".into(),
            Self::Test => "accuracy on test, once opened".into(),
            Self::Threshold => "the threshold, chosen on validation".into(),
            Self::Took => "how long it took".into(),
            Self::Size => "the size of its folder".into(),
            Self::Started => "when it was started".into(),
            Self::Note => "the first line of the note".into(),
        }
    }

    /// Whether cells are aligned left.
    pub fn is_text(&self) -> bool {
        use Column::*;
        matches!(self, Run | Setting(_) | Status | Kind | Backbone | Data | Started | Note)
    }

    /// Whether it is an accuracy.
    pub fn is_accuracy(&self) -> bool {
        matches!(self, Self::Train | Self::Val | Self::Test)
    }

    /// Whether the first press of a sort key sorts in descending order.
    pub fn descends(&self) -> bool {
        self.is_accuracy() || matches!(self, Self::Started)
    }
}

/// An accuracy with half of its interval, where there is room.
fn accuracy(value: Option<f64>, interval: Option<Interval>, roomy: bool) -> String {
    match (value, interval) {
        (Some(value), Some(interval)) if roomy => spread(value, Some((interval.high - interval.low) / 2.0)),
        (value, _) => format::share(value),
    }
}

/// `0.812 ±.028`.
pub fn spread(value: f64, around: Option<f64>) -> String {
    match around {
        Some(around) => format!("{value:.3} ±{}", format!("{around:.3}").trim_start_matches('0')),
        None => format!("{value:.3}"),
    }
}

/// The best validation accuracy so far of a model that still trains: at 0.5, since its threshold is not chosen yet.
pub fn before_threshold(row: &ResultRow) -> Option<f64> {
    row.val_accuracy.filter(|_| !row.has_model())
}

/// `2026-07-29T10:11:12Z` as `07-29 10:11:12`, UTC.
fn moment(created: &str) -> String {
    created.get(5..19).map_or_else(|| created.to_owned(), |text| text.replace('T', " "))
}

/// The status; of a run at work with its progress.
pub fn status(run: &Run) -> String {
    match (run.status.is_live(), run.share()) {
        (true, Some(share)) => format!("{} {}", run.status.name(), percent(share)),
        _ => run.status.name().to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

/// The cell of a run; without room, accuracies go without their intervals. Settings are not told here.
pub fn cell(run: &Run, column: &Column, roomy: bool) -> String {
    let none = || "–".to_owned();
    let row = run.row.as_ref();
    let of_row = |tell: &dyn Fn(&ResultRow) -> String| row.map_or_else(none, tell);
    match column {
        Column::Run => name(run),
        Column::Setting(_) => none(),
        Column::Status => status(run),
        Column::Kind => row.map_or(run.job.kind_name(), |row| row.kind.name()).to_owned(),
        Column::Backbone => backbone(run).map_or_else(none, str::to_owned),
        Column::Data => data(run).map_or_else(none, str::to_owned),
        Column::Params => match row.map_or(0, |row| row.params) {
            0 => none(),
            params => format::thousands(params as u64),
        },
        Column::Epochs => of_row(&|row| row.epochs.to_string()),
        Column::Train if row.is_some_and(|row| !row.has_model()) => none(),
        Column::Train => of_row(&|row| format::share(row.train_accuracy)),
        Column::Val => match (row.and_then(before_threshold), run.share()) {
            (Some(value), _) if roomy => format!("{value:.3} @0.5"),
            (Some(_), Some(share)) if run.status.is_live() => percent(share),
            (Some(_), _) => none(),
            (None, _) => of_row(&|row| accuracy(row.val_accuracy, row.val_interval, roomy)),
        },
        Column::Test => of_row(&|row| match row.test_accuracy {
            None if roomy && row.has_model() => "not opened".into(),
            value => accuracy(value, row.test_interval, roomy),
        }),
        Column::Threshold => match row.filter(|row| row.has_model()) {
            Some(row) => format!("{:.3}", row.threshold),
            None => none(),
        },
        Column::Took => run.seconds.map_or_else(none, format::duration),
        Column::Size => format::bytes(run.about.bytes),
        Column::Started => moment(&run.created),
        Column::Note => run.about.label.note.lines().next().unwrap_or_default().to_owned(),
    }
}

/// The name, with the title behind it.
pub fn name(run: &Run) -> String {
    let title = &run.about.label.title;
    if title.is_empty() { run.id.to_string() } else { format!("{} {title}", run.id) }
}

/// The network that a run is about.
pub fn backbone(run: &Run) -> Option<&str> {
    if let Some(backbone) = run.row.as_ref().and_then(|row| row.backbone.as_deref()) {
        return Some(backbone);
    }
    match &run.job {
        JobSpec::Train { model, .. } | JobSpec::Folds { model, .. } | JobSpec::LearningCurve { model, .. } => {
            model.backbone()
        }
        JobSpec::Sweep { sweep, .. } => Some(&sweep.features.backbone),
        JobSpec::Extract { features, .. } | JobSpec::Probe { features, .. } => Some(&features.backbone),
        _ => None,
    }
}

/// The prepared set that a run is about.
pub fn data(run: &Run) -> Option<&str> {
    run.row.as_ref().map(|row| row.data()).filter(|data| !data.is_empty()).or_else(|| run.job.dataset())
}

/// A sort key.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    Number(Option<f64>),
    Text(String),
    /// `dense-10` after `dense-9`.
    Numbered(String, u64),
}

impl Key {
    /// The key of a run; `setting` is its value of the setting that is the column.
    pub fn of(run: &Run, column: &Column, setting: Option<&str>) -> Self {
        let row = run.row.as_ref();
        let number = |of: &dyn Fn(&ResultRow) -> Option<f64>| Self::Number(row.and_then(of));
        match column {
            Column::Run => Self::numbered(run.id.as_str()),
            Column::Setting(_) => match setting.map(|text| (text, text.parse::<f64>())) {
                Some((_, Ok(number))) => Self::Number(Some(number)),
                Some((text, Err(_))) => Self::Text(text.to_owned()),
                None => Self::Number(None),
            },
            Column::Params => number(&|row| Some(row.params as f64)),
            Column::Epochs => number(&|row| Some(row.epochs as f64)),
            Column::Train => number(&|row| row.train_accuracy),
            Column::Val => number(&|row| row.val_accuracy),
            Column::Test => number(&|row| row.test_accuracy),
            Column::Threshold => number(&|row| Some(row.threshold)),
            Column::Took => Self::Number(run.seconds),
            Column::Size => Self::Number(Some(run.about.bytes as f64)),
            Column::Started => Self::Text(run.created.clone()),
            Column::Status => Self::Text(run.status.name().to_owned()),
            Column::Kind | Column::Backbone | Column::Data | Column::Note => Self::Text(cell(run, column, false)),
        }
    }

    /// The key of a name.
    pub fn numbered(name: &str) -> Self {
        let parts = name.rsplit_once('-').and_then(|(kind, number)| Some((kind, number.parse().ok()?)));
        let (kind, number) = parts.unwrap_or((name, 0));
        Self::Numbered(kind.to_owned(), number)
    }

    /// The order of two keys: missing values come last either way, texts after numbers.
    pub fn order(&self, other: &Self, descending: bool) -> Ordering {
        let turn = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
        match (self, other) {
            (Self::Number(None), Self::Number(None)) => Ordering::Equal,
            (Self::Number(None), _) => Ordering::Greater,
            (_, Self::Number(None)) => Ordering::Less,
            (Self::Number(Some(a)), Self::Number(Some(b))) => turn(a.total_cmp(b)),
            (Self::Text(a), Self::Text(b)) => turn(a.cmp(b)),
            (Self::Numbered(a, at), Self::Numbered(b, bt)) => turn((a, at).cmp(&(b, bt))),
            (Self::Number(_), _) => turn(Ordering::Less),
            (_, Self::Number(_)) => turn(Ordering::Greater),
            (Self::Text(_), _) => turn(Ordering::Less),
            (_, Self::Text(_)) => turn(Ordering::Greater),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_remembered_by_their_names() {
        let setting = Column::Setting("schedule.course".into());
        for column in Column::ALL.into_iter().chain([setting.clone()]) {
            assert_eq!(Column::of_id(&column.id()), Some(column));
        }
        assert_eq!(setting.title(), "course");
        assert_eq!(Column::of_id("colour"), None);
    }

    #[test]
    fn what_has_no_figure_comes_last_either_way_and_names_go_by_number() {
        let (low, high, none) = (Key::Number(Some(0.1)), Key::Number(Some(0.2)), Key::Number(None));
        for descending in [false, true] {
            assert_eq!(none.order(&low, descending), Ordering::Greater);
            assert_eq!(low.order(&none, descending), Ordering::Less);
        }
        assert_eq!(low.order(&high, false), Ordering::Less);
        assert_eq!(low.order(&high, true), Ordering::Greater);
        let name = Key::numbered;
        assert_eq!(name("dense-9").order(&name("dense-10"), false), Ordering::Less);
        assert_eq!(name("odd").order(&name("dense-10"), false), Ordering::Greater);
    }
}
