//! The settings of `[screen]` and `[notices]`.

use faceprobe_settings::{Rules, choices, settings};

choices! {
    /// Colours of the workbench, as `--theme` names them.
    pub enum ThemeName { Dark = "dark", Light = "light", Contrast = "contrast", Mono = "mono" }
}

choices! {
    /// How pictures are shown, as `--image-protocol` names it.
    pub enum PictureProtocol {
        Auto = "auto",
        Kitty = "kitty",
        Sixel = "sixel",
        Iterm2 = "iterm2",
        Halfblocks = "halfblocks",
        None = "none",
    }
}

settings! {
    /// The look of the workbench.
    pub struct ScreenSettings {
        /// Colours of the workbench; remembered: as last chosen on the screen. NO_COLOR means mono.
        theme: Option<ThemeName> = None, any().or("remembered");
        /// How pictures are shown; auto asks the terminal.
        image_protocol: PictureProtocol = PictureProtocol::Auto, any();
        /// Draw with ASCII characters only.
        ascii: bool = false, any();
        /// Take clicks and the wheel, Shift selects text then; false leaves the mouse to the terminal.
        mouse: bool = true, any();
    }
}
impl Rules for ScreenSettings {}

settings! {
    /// Notices at the end of a run.
    pub struct NoticeSettings {
        /// Show progress in the terminal's title.
        title: bool = true, any();
        /// Ring the terminal's bell when a run ends.
        bell: bool = true, any();
        /// Ask the terminal for a desktop notice when a run ends (OSC 9 and OSC 777).
        desktop: bool = true, any();
        /// Give no notice of runs that took less than this.
        shortest: u64 = 10, whole(0..=1_000_000).unit("seconds");
    }
}
impl Rules for NoticeSettings {}
