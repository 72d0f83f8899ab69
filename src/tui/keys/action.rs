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
    /// Opens the form of a cross-validation.
    Folds,
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
}
