//! The one key table. Dispatch, the footer and the `?` help are all read from it, so they cannot drift apart.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where a key means something. Screens fall back to [`Context::Global`]; the others stand alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    Global,
    Data,
    /// The findings of an audit, over Data.
    Audit,
    Features,
    Train,
    Results,
    /// Models side by side, over the table of results.
    Compare,
    Evaluate,
    Predict,
    Runs,
    /// A form is open; keys that are not in the table are typed into its field.
    Form,
    /// A path is being typed.
    Path,
    /// A line is being typed: a filter, a note, a title, the name of a file.
    Prompt,
    /// A question is open.
    Confirm,
    /// The help is open.
    Help,
    /// A command is being looked for.
    Palette,
}

impl Context {
    /// All contexts, in the order the help lists them.
    pub const ALL: [Self; 16] = [
        Self::Global,
        Self::Data,
        Self::Audit,
        Self::Features,
        Self::Train,
        Self::Results,
        Self::Compare,
        Self::Evaluate,
        Self::Predict,
        Self::Runs,
        Self::Form,
        Self::Path,
        Self::Prompt,
        Self::Confirm,
        Self::Help,
        Self::Palette,
    ];

    /// The heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Data => "Data",
            Self::Audit => "Findings of an audit",
            Self::Features => "Features",
            Self::Train => "Train",
            Self::Results => "Results",
            Self::Compare => "Models side by side",
            Self::Evaluate => "Evaluate",
            Self::Predict => "Predict",
            Self::Runs => "Runs",
            Self::Form => "In a form",
            Self::Path => "Typing a path",
            Self::Prompt => "Typing a filter, a note, a title or a file",
            Self::Confirm => "Answering a question",
            Self::Help => "In this help",
            Self::Palette => "Looking for a command",
        }
    }

    /// Whether keys that are not bound here mean what they mean everywhere.
    pub fn falls_back(self) -> bool {
        matches!(
            self,
            Self::Data
                | Self::Audit
                | Self::Features
                | Self::Train
                | Self::Results
                | Self::Compare
                | Self::Evaluate
                | Self::Predict
                | Self::Runs
        )
    }
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Quit,
    Suspend,
    Help,
    Redraw,
    Cancel,
    Accept,
    /// To the screen with this index.
    Go(usize),
    NextScreen,
    PreviousScreen,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    /// The previous or next value of a choice in a form.
    Left,
    Right,
    /// Opens the form of the screen.
    New,
    Demo,
    Extract,
    PauseResume,
    Stop,
    SortNext,
    SortPrevious,
    Reverse,
    OpenTest,
    Choose,
    LogScale,
    /// Accuracy or loss, where there is room for one.
    Curves,
    Enter,
    Parent,
    TypePath,
    /// What of a picture the network is shown.
    Faces,
    /// Shows what speaks for an answer.
    Why,
    /// Writes the predictions of this session into a file.
    SaveHistory,
    /// Opens the form of a sweep.
    Sweep,
    /// Lays the curves of the run under the cursor over the others.
    Mark,
    Unmark,
    Smooth,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    PanLeft,
    PanRight,
    /// Opens the form that probes the depths of a network.
    Probe,
    /// The contact sheet instead of the account of a data set.
    Sheet,
    /// What is wrong with a data set.
    Audit,
    StartAudit,
    StopAudit,
    Keep,
    KeepAll,
    DropImage,
    DropOthers,
    Relabel,
    ClearDecision,
    Undo,
    /// To the next finding on which there is something left to decide.
    NextOpen,
    PreviousOpen,
    NextKind,
    PreviousKind,
    /// Opens the form that prepares the set as it was prepared before.
    PrepareAgain,
    /// The next palette.
    Theme,
    /// The line that finds any command by its name.
    Palette,
    Filter,
    Export,
    /// Mean and spread by setting, or one line per run.
    BySetting,
    Compare,
    /// The next part of a screen, where there is no room for all.
    Pane,
    /// Validation or test.
    OtherSplit,
    /// Predicts the picture under the cursor.
    Picture,
    ThresholdDown,
    ThresholdUp,
    ThresholdFarDown,
    ThresholdFarUp,
    BestAccuracy,
    BestYouden,
    EqualErrors,
    OwnThreshold,
    KeepThreshold,
    PreviousModel,
    NextModel,
    Note,
    Rename,
    Pin,
    Remove,
    /// To the screen that shows what a run made.
    Jump,
}

/// A key with or without Ctrl. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
}

const fn ch(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: false }
}

const fn ctrl(character: char) -> Key {
    Key { code: KeyCode::Char(character), ctrl: true }
}

const fn code(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

impl Key {
    /// The key of a terminal event, brought to the form of the table.
    pub fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl }
    }

    /// How footer and help write it.
    pub fn name(self) -> String {
        let plain = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) if self.ctrl => c.to_ascii_uppercase().to_string(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            KeyCode::Backspace => "Backspace".into(),
            KeyCode::F(number) => format!("F{number}"),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            other => format!("{other:?}"),
        };
        if self.ctrl { format!("Ctrl-{plain}") } else { plain }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub context: Context,
    /// The first is the one the footer shows.
    pub keys: &'static [Key],
    pub action: Action,
    /// For the footer: a word or two; empty keeps it out of the footer.
    pub label: &'static str,
    /// For the help: a sentence.
    pub help: &'static str,
}

impl Binding {
    /// The first key, as the footer writes it.
    pub fn name(&self) -> String {
        self.keys.first().map_or_else(String::new, |key| key.name())
    }
}

const fn bind(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, action, label, help }
}

use Action as A;
use Context as C;

/// Every key of the program.
pub const TABLE: &[Binding] = &[
    bind(C::Global, &[ch(':'), ctrl('p')], A::Palette, "commands", "Finds any command by a few letters of its name."),
    bind(C::Global, &[ch('?'), code(KeyCode::F(1))], A::Help, "help", "Shows all keys."),
    bind(
        C::Global,
        &[ch('q'), ctrl('c')],
        A::Quit,
        "quit",
        "Leaves. Runs at work go on; starting faceprobe here again shows them.",
    ),
    bind(C::Global, &[ch('1')], A::Go(0), "", "To Data: prepared sets, what they hold and what was dropped."),
    bind(C::Global, &[ch('2')], A::Go(1), "", "To Features: backbones, their weights, cached features."),
    bind(C::Global, &[ch('3')], A::Go(2), "", "To Train: start, watch, pause and stop training."),
    bind(C::Global, &[ch('4')], A::Go(3), "", "To Results: all models side by side."),
    bind(C::Global, &[ch('5')], A::Go(4), "", "To Evaluate: one model's errors, curves and threshold."),
    bind(C::Global, &[ch('6')], A::Go(5), "", "To Predict: any image to a label."),
    bind(C::Global, &[ch('7')], A::Go(6), "", "To Runs: everything ever started here, with logs."),
    bind(C::Global, &[code(KeyCode::Tab)], A::NextScreen, "", "To the next screen."),
    bind(C::Global, &[code(KeyCode::BackTab)], A::PreviousScreen, "", "To the screen before."),
    bind(C::Global, &[code(KeyCode::Up), ch('k')], A::Up, "", "One line up."),
    bind(C::Global, &[code(KeyCode::Down), ch('j')], A::Down, "", "One line down."),
    bind(C::Global, &[code(KeyCode::PageUp), ctrl('b')], A::PageUp, "", "Ten lines up; on Data, scrolls the account."),
    bind(
        C::Global,
        &[code(KeyCode::PageDown), ctrl('f')],
        A::PageDown,
        "",
        "Ten lines down; on Data, scrolls the account.",
    ),
    bind(C::Global, &[code(KeyCode::Home), ch('g')], A::Top, "", "To the first line."),
    bind(C::Global, &[code(KeyCode::End), ch('G')], A::Bottom, "", "To the last line."),
    bind(
        C::Global,
        &[code(KeyCode::Esc)],
        A::Cancel,
        "",
        "Takes the message away; on Data, also the account of a failed attempt.",
    ),
    bind(C::Global, &[ch('T')], A::Theme, "", "The next theme: dark, light, high contrast, monochrome."),
    bind(C::Global, &[ctrl('l')], A::Redraw, "", "Draws the whole screen again."),
    bind(C::Global, &[ctrl('z')], A::Suspend, "", "Puts the program aside; the shell's 'fg' brings it back."),
    bind(C::Data, &[ch('n')], A::New, "prepare", "Opens the form that prepares a data set from photographs."),
    bind(C::Data, &[ch('d')], A::Demo, "demo", "Runs the whole study on synthetic drawings."),
    bind(
        C::Data,
        &[ch('i')],
        A::Sheet,
        "images",
        "Shows the images of the set as a contact sheet, or the account again.",
    ),
    bind(C::Data, &[ch('a')], A::Audit, "audit", "Shows what is wrong with the set, to decide on it."),
    bind(C::Data, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the preparation or demo at work."),
    bind(C::Data, &[ch('s')], A::Stop, "stop", "Stops the preparation or demo at work, after a question."),
    bind(C::Audit, &[ch('a')], A::Keep, "keep", "The image under the cursor is all right: the audit asks no more."),
    bind(C::Audit, &[ch('d')], A::DropImage, "drop", "The next preparation leaves the image under the cursor out."),
    bind(C::Audit, &[ch('r')], A::Relabel, "relabel", "The next preparation gives the image the other label."),
    bind(C::Audit, &[ch('u')], A::Undo, "undo", "Takes the last decision back."),
    bind(C::Audit, &[code(KeyCode::Esc)], A::Cancel, "back", "Back to the account of the set."),
    bind(C::Audit, &[ch('f')], A::NextKind, "kind", "Lists only findings of the next kind, or all of them."),
    bind(C::Audit, &[ch('F')], A::PreviousKind, "", "Lists only findings of the kind before."),
    bind(C::Audit, &[ch('R')], A::StartAudit, "audit", "Audits the set, or audits it anew."),
    bind(
        C::Audit,
        &[ch('p')],
        A::PrepareAgain,
        "prepare",
        "Opens the form that prepares the set again and follows the decisions.",
    ),
    bind(C::Audit, &[ch('n')], A::NextOpen, "next", "To the next finding that is undecided."),
    bind(C::Audit, &[ch('N')], A::PreviousOpen, "", "To the undecided finding before."),
    bind(C::Audit, &[ch('A')], A::KeepAll, "keep all", "Keeps all images of the finding that are undecided."),
    bind(
        C::Audit,
        &[ch('D')],
        A::DropOthers,
        "drop others",
        "Drops all images of the finding but the one under the cursor.",
    ),
    bind(C::Audit, &[code(KeyCode::Right), ch('l')], A::Right, "", "To the next image of the finding."),
    bind(C::Audit, &[code(KeyCode::Left), ch('h')], A::Left, "", "To the image before."),
    bind(
        C::Audit,
        &[ch('c')],
        A::ClearDecision,
        "clear",
        "Takes the decision on this image back, whenever it was made.",
    ),
    bind(C::Audit, &[ch('s')], A::StopAudit, "stop", "Stops the audit at work, after a question."),
    bind(C::Audit, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
    bind(C::Audit, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the account of the set."),
    bind(
        C::Features,
        &[ch('e')],
        A::Extract,
        "extract",
        "Extracts features of the current data set with the selected backbone.",
    ),
    bind(
        C::Features,
        &[ch('b')],
        A::Probe,
        "depth probe",
        "Opens the form that finds out after which stage features are best.",
    ),
    bind(C::Features, &[ch('p')], A::PauseResume, "pause/resume", "Pauses or resumes the extraction at work."),
    bind(
        C::Features,
        &[ch('s')],
        A::Stop,
        "stop",
        "Stops the extraction at work, after a question. Whole parts are kept.",
    ),
    bind(C::Train, &[ch('n')], A::New, "new run", "Opens the form that trains a model on the current data set."),
    bind(
        C::Train,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses or resumes the selected run; one that was cut short goes on from its last checkpoint.",
    ),
    bind(
        C::Train,
        &[ch('s')],
        A::Stop,
        "stop",
        "Stops the selected run, or takes it out of the queue, after a question.",
    ),
    bind(C::Train, &[ch('S')], A::Sweep, "sweep", "Opens the form that trains many heads over the same features."),
    bind(
        C::Train,
        &[ch(' ')],
        A::Mark,
        "overlay",
        "Lays the curves of this run over those of others, or takes them away.",
    ),
    bind(C::Train, &[ch('x')], A::Unmark, "", "Takes all marks away."),
    bind(C::Train, &[ch('+'), ch('=')], A::ZoomIn, "zoom", "Shows fewer epochs, the newest of them."),
    bind(C::Train, &[ch('-')], A::ZoomOut, "", "Shows more epochs."),
    bind(C::Train, &[ch('0')], A::ZoomAll, "", "Shows all epochs."),
    bind(C::Train, &[code(KeyCode::Left), ch('h')], A::PanLeft, "", "To earlier epochs, after a zoom."),
    bind(C::Train, &[code(KeyCode::Right), ch('l')], A::PanRight, "", "To later epochs, after a zoom."),
    bind(C::Train, &[ch('m')], A::Smooth, "smooth", "Smooths the curves: not, a little, much."),
    bind(C::Train, &[ch('v')], A::Curves, "", "Accuracy or loss, where there is room for one chart."),
    bind(C::Train, &[ch('L')], A::LogScale, "log", "Draws the loss on a logarithmic scale, or again on a plain one."),
    bind(
        C::Results,
        &[code(KeyCode::Enter)],
        A::Enter,
        "evaluate",
        "To the selected model's figures; with marked models, puts them side by side.",
    ),
    bind(C::Results, &[ch('c')], A::Choose, "choose", "Makes the selected model the one that Predict uses."),
    bind(
        C::Results,
        &[ch('t')],
        A::OpenTest,
        "open test",
        "Scores the selected model on its test split, after a question, and records that.",
    ),
    bind(C::Results, &[ch(' ')], A::Mark, "mark", "Marks the selected model, or takes its mark away."),
    bind(C::Results, &[ch('x')], A::Compare, "compare", "Puts the marked models side by side."),
    bind(C::Results, &[ch('/')], A::Filter, "filter", "Shows only models that fulfil conditions, as you type them."),
    bind(C::Results, &[ch('e')], A::Export, "export", "Writes the table as it is shown: CSV, Markdown or LaTeX."),
    bind(C::Results, &[ch('m')], A::BySetting, "mean", "Mean and spread by setting, or one line per run."),
    bind(
        C::Results,
        &[ch('>'), ch('.'), code(KeyCode::Right), ch('l')],
        A::SortNext,
        "sort",
        "Sorts by the next column.",
    ),
    bind(
        C::Results,
        &[ch('<'), ch(','), code(KeyCode::Left), ch('h')],
        A::SortPrevious,
        "",
        "Sorts by the column before.",
    ),
    bind(C::Results, &[ch('r')], A::Reverse, "reverse", "Turns the order round."),
    bind(
        C::Compare,
        &[code(KeyCode::Esc)],
        A::Cancel,
        "back",
        "Back to the table; the marks stay until Esc is pressed there.",
    ),
    bind(C::Compare, &[code(KeyCode::Backspace)], A::Parent, "", "Back to the table."),
    bind(C::Compare, &[ch('v')], A::Pane, "", "The next part, where there is no room for all."),
    bind(
        C::Compare,
        &[ch('t')],
        A::OtherSplit,
        "validation/test",
        "Compares on test, where it was opened, or again on validation.",
    ),
    bind(C::Compare, &[ch('o')], A::Picture, "predict it", "Predicts the picture under the cursor."),
    bind(
        C::Evaluate,
        &[code(KeyCode::Enter)],
        A::KeepThreshold,
        "keep",
        "Makes this model with this threshold the one that Predict uses.",
    ),
    bind(
        C::Evaluate,
        &[code(KeyCode::Left), ch('h')],
        A::ThresholdDown,
        "threshold",
        "Moves the threshold down a little.",
    ),
    bind(C::Evaluate, &[code(KeyCode::Right), ch('l')], A::ThresholdUp, "", "Moves the threshold up a little."),
    bind(
        C::Evaluate,
        &[ch('H'), Key { code: KeyCode::Left, ctrl: true }],
        A::ThresholdFarDown,
        "",
        "Moves the threshold down by ten small steps.",
    ),
    bind(
        C::Evaluate,
        &[ch('L'), Key { code: KeyCode::Right, ctrl: true }],
        A::ThresholdFarUp,
        "",
        "Moves the threshold up by ten small steps.",
    ),
    bind(
        C::Evaluate,
        &[ch('a')],
        A::BestAccuracy,
        "accuracy",
        "To the threshold with the highest accuracy on validation.",
    ),
    bind(
        C::Evaluate,
        &[ch('y')],
        A::BestYouden,
        "Youden",
        "To the threshold with the highest Youden's J on validation.",
    ),
    bind(
        C::Evaluate,
        &[ch('e')],
        A::EqualErrors,
        "equal errors",
        "To the threshold where both classes' error rates are equal.",
    ),
    bind(C::Evaluate, &[ch('r')], A::OwnThreshold, "", "Back to the threshold that was chosen at the end of training."),
    bind(C::Evaluate, &[ch(']'), ch('n')], A::NextModel, "model", "The next model."),
    bind(C::Evaluate, &[ch('['), ch('b')], A::PreviousModel, "", "The model before."),
    bind(
        C::Evaluate,
        &[ch('t')],
        A::OtherSplit,
        "test",
        "Figures on the test set, opened after a question, or again on validation.",
    ),
    bind(C::Evaluate, &[ch('o')], A::Picture, "predict it", "Predicts the picture of the mistake under the cursor."),
    bind(C::Evaluate, &[ch('v')], A::Pane, "", "The next parts, where there is no room for all."),
    bind(
        C::Runs,
        &[code(KeyCode::Enter)],
        A::Enter,
        "detail",
        "Settings, note, journal and log of the run; again, the list.",
    ),
    bind(C::Runs, &[ch('/')], A::Filter, "filter", "Shows only runs that fulfil conditions, as you type them."),
    bind(C::Runs, &[ch('n')], A::Note, "note", "Writes a note on the run."),
    bind(C::Runs, &[ch('r')], A::Rename, "rename", "Gives the run a title; its name stays."),
    bind(C::Runs, &[ch('P'), ch('*')], A::Pin, "pin", "Lists the run first, or by its time again."),
    bind(C::Runs, &[ch('o')], A::Jump, "open", "To the screen that shows what the run made."),
    bind(
        C::Runs,
        &[ch('D'), code(KeyCode::Delete)],
        A::Remove,
        "remove",
        "Removes the run with everything it made, after a question.",
    ),
    bind(
        C::Runs,
        &[ch('p')],
        A::PauseResume,
        "pause/resume",
        "Pauses the selected run, or lets it go on; after a kill, from its checkpoint.",
    ),
    bind(C::Runs, &[ch('s')], A::Stop, "stop", "Stops the selected run, after a question."),
    bind(
        C::Predict,
        &[code(KeyCode::Enter), code(KeyCode::Right), ch('l')],
        A::Enter,
        "predict/open",
        "Predicts the image, or opens the folder. From then on, moving predicts.",
    ),
    bind(
        C::Predict,
        &[code(KeyCode::Backspace), code(KeyCode::Left), ch('h')],
        A::Parent,
        "up",
        "To the folder above.",
    ),
    bind(C::Predict, &[ch('/'), ch('i')], A::TypePath, "type a path", "Opens a line to type or paste a path into."),
    bind(
        C::Predict,
        &[ch('f')],
        A::Faces,
        "face",
        "What the network is shown: the square around the face, the face aligned, the whole picture, or what the model knows.",
    ),
    bind(
        C::Predict,
        &[ch('x')],
        A::Why,
        "explain",
        "Lays a map of what counts for the answer over the picture. Again: takes it away.",
    ),
    bind(C::Predict, &[ch('w')], A::SaveHistory, "save", "Writes the predictions of this session into a CSV file."),
    bind(C::Form, &[code(KeyCode::Enter), ctrl('s')], A::Accept, "start", "Checks the form and starts the work."),
    bind(C::Form, &[code(KeyCode::Tab), code(KeyCode::Down)], A::Down, "next", "To the next field."),
    bind(C::Form, &[code(KeyCode::BackTab), code(KeyCode::Up)], A::Up, "", "To the field before."),
    bind(
        C::Form,
        &[code(KeyCode::Left)],
        A::Left,
        "",
        "The value before, in a field that offers values; else the cursor.",
    ),
    bind(
        C::Form,
        &[code(KeyCode::Right)],
        A::Right,
        "",
        "The next value, in a field that offers values; else the cursor.",
    ),
    bind(C::Form, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Closes the form; what was typed is remembered."),
    bind(C::Form, &[ctrl('c')], A::Quit, "", "Leaves the program."),
    bind(C::Path, &[code(KeyCode::Enter)], A::Accept, "open", "Opens the folder or predicts the image."),
    bind(C::Path, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Closes the line."),
    bind(C::Path, &[ctrl('c')], A::Quit, "", "Leaves the program."),
    bind(C::Prompt, &[code(KeyCode::Enter)], A::Accept, "done", "Takes what was typed."),
    bind(C::Prompt, &[code(KeyCode::Esc)], A::Cancel, "cancel", "Leaves everything as it was before."),
    bind(C::Prompt, &[ctrl('c')], A::Quit, "", "Leaves the program."),
    bind(C::Confirm, &[ch('y'), code(KeyCode::Enter)], A::Accept, "yes", "Yes, do it."),
    bind(C::Confirm, &[ch('n'), code(KeyCode::Esc), ch('q')], A::Cancel, "no", "No, leave everything as it is."),
    bind(C::Confirm, &[ctrl('c')], A::Quit, "", "Leaves the program."),
    bind(
        C::Help,
        &[code(KeyCode::Esc), ch('q'), ch('?'), code(KeyCode::Enter)],
        A::Cancel,
        "close",
        "Closes the help.",
    ),
    bind(C::Help, &[code(KeyCode::Down), ch('j')], A::Down, "scroll", "One line down."),
    bind(C::Help, &[code(KeyCode::Up), ch('k')], A::Up, "", "One line up."),
    bind(C::Help, &[code(KeyCode::PageDown), ch(' '), ctrl('f')], A::PageDown, "", "Ten lines down."),
    bind(C::Help, &[code(KeyCode::PageUp), ctrl('b')], A::PageUp, "", "Ten lines up."),
    bind(C::Help, &[code(KeyCode::Home), ch('g')], A::Top, "", "To the first line."),
    bind(C::Help, &[code(KeyCode::End), ch('G')], A::Bottom, "", "To the last line."),
    bind(C::Palette, &[code(KeyCode::Enter)], A::Accept, "do it", "Does what is under the cursor."),
    bind(C::Palette, &[code(KeyCode::Down), ctrl('n')], A::Down, "next", "One line down."),
    bind(C::Palette, &[code(KeyCode::Up), ctrl('p')], A::Up, "", "One line up."),
    bind(C::Palette, &[code(KeyCode::Esc)], A::Cancel, "close", "Closes the list."),
    bind(C::Palette, &[ctrl('c')], A::Quit, "", "Leaves the program."),
    bind(C::Help, &[ctrl('c')], A::Quit, "", "Leaves the program."),
];

/// What `key` does in `context`, if anything.
pub fn action(context: Context, key: Key) -> Option<Action> {
    let find = |context| {
        TABLE.iter().find(|binding| binding.context == context && binding.keys.contains(&key)).map(|found| found.action)
    };
    find(context).or_else(|| if context.falls_back() { find(Context::Global) } else { None })
}

/// The first key of an action in a context, as the screens name it in their texts.
pub fn name_of(context: Context, action: Action) -> String {
    TABLE
        .iter()
        .find(|binding| binding.context == context && binding.action == action)
        .map_or_else(String::new, Binding::name)
}

/// What the footer of `context` offers, the most useful first.
pub fn footer(context: Context) -> Vec<&'static Binding> {
    let of = |context| TABLE.iter().filter(move |binding| binding.context == context && !binding.label.is_empty());
    let here = of(context);
    if context.falls_back() { here.chain(of(Context::Global)).collect() } else { here.collect() }
}
