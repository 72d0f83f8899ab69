//! What reaches somebody who is not at the screen: progress in the terminal's title, and a notice when a run has ended.

use super::snapshot::{Run, Snapshot};
use faceprobe_core::config::NoticeSettings;
use faceprobe_core::text::line;

/// Which of it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notices {
    /// Progress in the terminal's title.
    pub title: bool,
    /// The terminal's bell when a run ends.
    pub bell: bool,
    /// A desktop notice by OSC 9 or OSC 777 when a run ends.
    pub desktop: bool,
    /// Runs that took fewer seconds end without a notice.
    pub shortest: u64,
}

impl From<NoticeSettings> for Notices {
    fn from(settings: NoticeSettings) -> Self {
        let NoticeSettings { title, bell, desktop, shortest } = settings;
        Self { title, bell, desktop, shortest }
    }
}

impl Default for Notices {
    fn default() -> Self {
        NoticeSettings::default().into()
    }
}

/// How the terminal is told of something for the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    osc9: bool,
    osc777: bool,
    /// tmux passes on what is wrapped, where it is allowed to.
    tmux: bool,
}

impl Speech {
    /// What is known of this terminal by its environment; one that is not known is told both ways, since terminals pass
    /// over what they do not know.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let program = variable("TERM_PROGRAM").unwrap_or_default();
        let only777 = term.starts_with("rxvt") || term.starts_with("foot") || variable("VTE_VERSION").is_some();
        let only9 = ["iTerm.app", "WezTerm", "ghostty", "WarpTerminal"].contains(&program.as_str())
            || ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str());
        Self { osc9: only9 || !only777, osc777: only777 || !only9, tmux: variable("TMUX").is_some() }
    }

    fn desktop(self, text: &str) -> String {
        let mut said = String::new();
        let mut add = |sequence: String| {
            said +=
                &if self.tmux { format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")) } else { sequence };
        };
        if self.osc9 {
            add(format!("\x1b]9;{text}\x1b\\"));
        }
        if self.osc777 {
            // Title and body stand between semicolons.
            add(format!("\x1b]777;notify;faceprobe;{}\x1b\\", text.replace(';', ",")));
        }
        said
    }
}

/// Longer ones are cut by desktops anyway.
const LONGEST: usize = 200;

/// The bytes that tell of something.
pub fn bytes(notices: Notices, speech: Speech, text: &str) -> String {
    let mut said = String::new();
    if notices.desktop {
        // A number in front would be another command to some terminals, so the program's name is.
        let text: String = format!("faceprobe: {}", line(text)).chars().take(LONGEST).collect();
        said += &speech.desktop(&text);
    }
    if notices.bell {
        said.push('\x07');
    }
    said
}

/// Whether the end of `run` is worth a notice. One that is part of a run at work ends without; whoever looks at the
/// screen sees it end. Of a terminal that does not tell whether it is looked at, nobody knows.
pub fn tells(notices: Notices, run: &Run, now: &Snapshot, focused: Option<bool>) -> bool {
    let part = run.parent.as_deref().and_then(|parent| now.run(parent)).is_some_and(|parent| parent.status.is_live());
    let long = run.seconds.is_some_and(|seconds| seconds >= notices.shortest as f64);
    (notices.bell || notices.desktop) && focused != Some(true) && !part && long
}

/// The terminal's title: the run at work with its progress, and about how long it still takes.
pub fn title(now: &Snapshot) -> String {
    let Some(run) = now.live().next_back() else {
        return "faceprobe".into();
    };
    // A part obeys the run that it is part of, and that one is what was asked for.
    let leader = run.parent.as_deref().and_then(|parent| now.run(parent)).filter(|parent| parent.status.is_live());
    let run = leader.unwrap_or(run);
    let share = run.share().map_or_else(String::new, |share| format!("{:.0} % ", (share * 100.0).floor()));
    // Whole minutes: a title that changes every moment is no help.
    let left = run.remaining().map_or_else(String::new, |left| match left {
        _ if left < 60.0 => ", under a minute left".to_owned(),
        _ if left < 5400.0 => format!(", {:.0} min left", left / 60.0),
        _ => format!(", {:.0} h left", left / 3600.0),
    });
    line(&format!("{share}{}{left} · faceprobe", run.id)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Notices, Speech, bytes};

    fn speech(known: &[(&str, &str)]) -> Speech {
        Speech::of(|name| known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_notice_is_said_once_in_the_way_that_the_terminal_knows() {
        let all = Notices::default();
        let both = bytes(all, speech(&[("TERM", "xterm-256color")]), "dense-1 is done; 0.8");
        assert_eq!(
            both,
            "\x1b]9;faceprobe: dense-1 is done; 0.8\x1b\\\x1b]777;notify;faceprobe;faceprobe: dense-1 is done, 0.8\x1b\\\x07"
        );
        let kitty = bytes(all, speech(&[("TERM", "xterm-kitty")]), "done");
        assert!(kitty.contains("]9;") && !kitty.contains("]777;"));
        let foot = bytes(Notices { bell: false, ..all }, speech(&[("TERM", "foot")]), "done");
        assert!(!foot.contains("]9;") && foot.contains("]777;") && !foot.contains('\x07'));
        assert_eq!(bytes(Notices { desktop: false, ..all }, speech(&[]), "done"), "\x07");
        let tmux = bytes(all, speech(&[("TMUX", "/tmp/tmux"), ("TERM_PROGRAM", "WezTerm")]), "done");
        assert_eq!(tmux, "\x1bPtmux;\x1b\x1b]9;faceprobe: done\x1b\x1b\\\x1b\\\x07");
    }

    #[test]
    fn text_of_others_ends_no_sequence_and_begins_none() {
        let text = bytes(Notices::default(), speech(&[]), "x\x1b\\\x07\x1b]0;title\x07\n\u{9c}y");
        assert_eq!(text.matches('\x07').count(), 1, "{text:?}");
        assert_eq!(text.matches('\x1b').count(), 4, "{text:?}");
        assert!(!text.contains('\u{9c}'));
    }
}
