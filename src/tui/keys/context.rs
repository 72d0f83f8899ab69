//! Where keys mean something.

/// Where a key means something. Screens fall back to [`Context::Global`]; the others stand alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    Global,
    Data,
    /// The images of a set, over Data.
    Sheet,
    /// The findings of an audit, over Data.
    Audit,
    Features,
    Train,
    /// The charts of Train with the screen for themselves.
    Chart,
    Results,
    /// Models side by side, over the table of results.
    Compare,
    Evaluate,
    Predict,
    Runs,
    /// The steps of a study's file.
    Study,
    /// The list of study files.
    StudyFiles,
    /// The map of features.
    Map,
    /// The training images that an answer comes from.
    Nearest,
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
    /// Something is looked for in a table; holds before what the screen's own keys mean.
    Found,
    /// The list of a table's columns is open.
    Columns,
    /// Something of a run is being copied.
    Yank,
    /// The settings in which runs differ are shown.
    Differences,
}

impl Context {
    /// All contexts, in the order the help lists them.
    pub const ALL: [Self; 26] = [
        Self::Global,
        Self::Data,
        Self::Sheet,
        Self::Audit,
        Self::Features,
        Self::Train,
        Self::Chart,
        Self::Results,
        Self::Compare,
        Self::Evaluate,
        Self::Predict,
        Self::Runs,
        Self::Study,
        Self::StudyFiles,
        Self::Map,
        Self::Nearest,
        Self::Form,
        Self::Path,
        Self::Prompt,
        Self::Confirm,
        Self::Help,
        Self::Palette,
        Self::Found,
        Self::Columns,
        Self::Yank,
        Self::Differences,
    ];

    /// The heading in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::Data => "Data",
            Self::Sheet => "Images of a set",
            Self::Audit => "Audit findings",
            Self::Features => "Features",
            Self::Train => "Train",
            Self::Chart => "The large chart",
            Self::Results => "Results",
            Self::Compare => "Comparing models",
            Self::Evaluate => "Evaluate",
            Self::Predict => "Predict",
            Self::Runs => "Runs",
            Self::Study => "Steps of a study",
            Self::StudyFiles => "Study files",
            Self::Map => "Map of features",
            Self::Nearest => "Nearest training images",
            Self::Form => "In a form",
            Self::Path => "Typing a path",
            Self::Prompt => "Typing a filter, note, title or file name",
            Self::Confirm => "In a question",
            Self::Help => "In this help",
            Self::Palette => "In the list of commands",
            Self::Found => "While searching a table",
            Self::Columns => "Choosing columns",
            Self::Yank => "Copying from a run",
            Self::Differences => "Settings that differ",
        }
    }

    /// Whether keys that are not bound here mean what they mean everywhere.
    pub fn falls_back(self) -> bool {
        matches!(
            self,
            Self::Data
                | Self::Sheet
                | Self::Audit
                | Self::Features
                | Self::Train
                | Self::Chart
                | Self::Results
                | Self::Compare
                | Self::Evaluate
                | Self::Predict
                | Self::Runs
                | Self::Study
                | Self::StudyFiles
                | Self::Map
                | Self::Nearest
        )
    }
}
