//! The configuration: two files are merged key by key, and errors are reported with line and column.

use faceprobe_core::config::{
    Config, NoticeSettings, SECTIONS, ScreenSettings, ThemeName, section_template, user_file,
};
use faceprobe_core::error::ErrorKind;
use faceprobe_core::slurm::SlurmSettings;
use faceprobe_settings::{Settings, faults, settings};
use std::ffi::OsString;
use std::path::Path;

fn of(texts: &[&str]) -> Result<Config, String> {
    let mut config = Config::default();
    for (place, text) in texts.iter().enumerate() {
        let path = format!("/f{place}.toml");
        config.add(Path::new(&path), text).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Usage);
            error.to_string()
        })?;
    }
    Ok(config)
}

settings! {
    struct Cluster {
        /// The queue.
        partition: Option<String> = None, text("NAME");
        /// Of a job.
        hours: u64 = 4, whole(1..=48).unit("hours");
    }
}
impl faceprobe_settings::Rules for Cluster {}

#[test]
fn the_workspace_wins_key_by_key_and_every_value_says_where_it_stands() {
    let user = "[screen]\ntheme = \"light\"\nascii = true\n\n[keys]\nruns.stop = \"S\"\n\
                'global.help' = [\"F1\", \"?\"]\n";
    let workspace = "[slurm]\npartition = 'gpu'\nhours=8\n[keys]\nruns.stop = 'X'\n[screen]\n  ascii = false\n";
    let config = of(&[user, workspace]).unwrap();
    let screen = config.screen().unwrap();
    assert_eq!((screen.theme, screen.ascii, screen.mouse), (Some(ThemeName::Light), false, true));
    let keys = config.section("keys");
    let told: Vec<_> =
        keys.entries().iter().map(|entry| (entry.key.as_str(), entry.words().unwrap(), entry.at.to_string())).collect();
    let expected = [
        ("runs.stop", vec!["X"], "/f1.toml:5:13".to_owned()),
        ("global.help", vec!["F1", "?"], "/f0.toml:7:17".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(config.section("screen").get("ascii").unwrap().at.to_string(), "/f1.toml:7:11");
    let cluster: Cluster = config.section("slurm").read().unwrap();
    assert_eq!((cluster.partition.as_deref(), cluster.hours), (Some("gpu"), 8));
    assert!(config.section("notices").entries().is_empty() && config.notices().unwrap() == NoticeSettings::default());
}

#[test]
fn errors_are_one_sentence_with_their_position() {
    for (text, told) in [
        ("[screens]\ntheme='dark'", "/f0.toml:1:2: there is no section [screens]; did you mean [screen]?"),
        (
            "[model.dense]\n",
            "/f0.toml:1:2: there is no section [model]; the sections are [keys], [screen], [columns], [notices], [slurm].",
        ),
        (
            "theme = 'dark'",
            "/f0.toml:1:1: theme stands in no section; the sections are [keys], [screen], [columns], [notices], [slurm].",
        ),
        ("keys = 3", "/f0.toml:1:1: keys must be a section, [keys] on a line of its own."),
        ("[screen]\nthem = 'dark'", "/f0.toml:2:1: them is not known in [screen]; did you mean theme?"),
        ("[screen]\n\n theme = 'pink'", "/f0.toml:3:10: theme must be dark, light, contrast or mono, not pink."),
        ("[screen]\nmouse = 7", "/f0.toml:2:9: mouse must be yes or no, not 7."),
        ("[screen]\ntheme.name = 'dark'", "/f0.toml:2:7: theme.name is not known in [screen]"),
        (
            "[notices]\nshortest = -1",
            "/f0.toml:2:12: shortest must be a whole number, from 0 to 1,000,000 seconds, not -1.",
        ),
        ("[notices]\nshortest = 1979-05-27", "/f0.toml:2:12: shortest must not be a date."),
        ("[keys]\na.b = 'x'\n'a.b' = 'y'", "/f0.toml:3:1: a.b is there already; each is stated once."),
        ("[keys]\nq = 'x'\nq = 'y'", "/f0.toml:3:1: this name is there already; each is stated once."),
        ("[screen]\ntheme = ", "/f0.toml:2:9: "),
        ("[screen\n", "/f0.toml:1:"),
        ("ä = [\n\u{1}", "/f0.toml:"),
    ] {
        let error = of(&[text]).unwrap_err();
        assert!(error.starts_with(told) && !error.contains('\n'), "{text:?}: {error}");
    }
    // A section that another reader knows is refused by that reader, with the same places.
    let error = of(&["[slurm]\nhours = 4\n", "[slurm]\nhours = 99"]).unwrap().section("slurm").read::<Cluster>();
    assert_eq!(error.unwrap_err().to_string(), "/f1.toml:2:9: hours must be from 1 to 48 hours, not 99.");
    let error = of(&["[keys]\nquit = [1]"]).unwrap().section("keys").entries()[0].words().unwrap_err();
    assert_eq!(error.to_string(), "/f0.toml:2:8: quit must be words in quotes or a list of them, not [1].");
}

#[test]
fn an_error_that_the_workspace_overrides_is_still_reported() {
    assert!(of(&["[screen]\ntheme = 'pink'", "[screen]\ntheme = 'dark'"]).is_err());
}

#[test]
fn the_user_s_file_is_where_the_environment_says() {
    let with = |set: &[(&str, &str)]| {
        let set: Vec<_> = set.iter().map(|(name, value)| (name.to_string(), OsString::from(value))).collect();
        let found = user_file(move |name| set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()));
        found.map(|(path, named)| (path.display().to_string(), named))
    };
    let own = |path: &str| Some((path.to_owned(), false));
    assert_eq!(with(&[("HOME", "/h")]), own("/h/.config/faceprobe/config.toml"));
    assert_eq!(with(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]), own("/x/faceprobe/config.toml"));
    assert_eq!(with(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "x")]), own("/h/.config/faceprobe/config.toml"));
    assert_eq!(with(&[("HOME", "/h"), ("FACEPROBE_CONFIG", "c.toml")]), Some(("c.toml".to_owned(), true)));
    assert_eq!(with(&[("FACEPROBE_CONFIG", "")]), None);
}

/// Every section of settings is well stated, and what its template comments out is what holds without it.
fn template_is_true<S: Settings>(name: &str) {
    assert!(SECTIONS.contains(&name) && faults::<S>().is_empty(), "{:?}", faults::<S>());
    let template = section_template::<S>(name);
    let uncommented: String = template
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if S::statements().iter().any(|known| key.starts_with(&format!("{} = ", known.info.name))) => key,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let config = of(&[&uncommented]).unwrap();
    let name = SECTIONS.into_iter().find(|known| *known == name).unwrap();
    assert_eq!(config.section(name).entries().len(), S::statements().len(), "{uncommented}");
    assert_eq!(config.section(name).read::<S>().unwrap(), S::default());
}

#[test]
fn templates_state_the_defaults() {
    template_is_true::<ScreenSettings>("screen");
    template_is_true::<NoticeSettings>("notices");
    template_is_true::<SlurmSettings>("slurm");
}
