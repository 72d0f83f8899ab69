//! What keys do.

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
    /// Makes one model of the marked ones.
    Ensemble,
    /// Trains a model anew on validation too.
    Refit,
    Choose,
    LogScale,
    /// Accuracy and loss, or one of them.
    Curves,
    /// The charts with the screen for themselves.
    Large,
    /// Moves the cursor of a chart.
    CursorLeft,
    CursorRight,
    CursorFarLeft,
    CursorFarRight,
    /// To the best epoch.
    CursorBest,
    /// What lies along x, and whether on a logarithmic scale.
    Along,
    LogX,
    /// All epochs as a table, or the curves.
    EpochTable,
    SmoothLess,
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
    /// Opens the form of a cross-validation.
    Folds,
    /// Lays the curves of the run under the cursor over the others.
    Mark,
    Unmark,
    /// The columns that a table has as long as nobody says otherwise.
    UsualColumns,
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
    /// Accuracy by the next column of the data set.
    GroupBy,
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
    /// Changes to the version that another terminal has prepared.
    UseNewer,
    /// Opens the map of features.
    Map,
    /// Shows the training images that an answer comes from.
    Nearest,
    /// What the colours of a map mean.
    Colour,
    /// Opens the steps of a study's file.
    Study,
    /// Lists the study files.
    StudyFile,
    /// To the screen that shows what a run made.
    Jump,
    /// Looks for a line of a table.
    Search,
    NextMatch,
    PreviousMatch,
    /// Which columns a table has.
    Columns,
    /// Folds or unfolds a group.
    Fold,
    FoldAll,
    /// A table without groups.
    Flat,
    /// The settings in which runs differ.
    Differences,
    /// The form of a run, filled with its settings.
    Clone,
    /// What can be copied of a run.
    Yank,
    YankName,
    YankPath,
    YankCommand,
    YankRow,
    YankRows,
    /// Completes the path that is being typed.
    Complete,
    /// Open the forms of the tasks of the workbench itself.
    FetchData,
    FetchWeights,
    Report,
    ExportModel,
    ExportFeatures,
    /// Stops them.
    StopTask,
    /// Opens the form of a learning curve.
    LearningCurve,
    /// Which images a contact sheet shows.
    NextClass,
    NextSplit,
    /// Only the images selected on the map, or all.
    Selected,
    /// Of the selected images those of one group only.
    OneGroup,
}
