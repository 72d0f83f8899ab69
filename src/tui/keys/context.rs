//! Where keys mean something.

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
            Self::Audit => "Audit findings",
            Self::Features => "Features",
            Self::Train => "Train",
            Self::Results => "Results",
            Self::Compare => "Comparing models",
            Self::Evaluate => "Evaluate",
            Self::Predict => "Predict",
            Self::Runs => "Runs",
            Self::Form => "In a form",
            Self::Path => "Typing a path",
            Self::Prompt => "Typing a filter, note, title or file name",
            Self::Confirm => "In a question",
            Self::Help => "In this help",
            Self::Palette => "In the list of commands",
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
