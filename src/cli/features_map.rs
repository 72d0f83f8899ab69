//! `faceprobe features map`: the images of a set as points in two dimensions, drawn, and selected by a rectangle.

use super::Context;
use super::args::FeaturesMapArgs;
use super::follow::start;
use super::output::{print, print_json};
use super::train::dataset_name;
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::map::{self, Colour, Groups, Map, Proposal, Rectangle};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::{JobSpec, choice};
use faceprobe_core::text::{line, printable};
use std::path::Path;

pub(super) fn run(context: &Context, args: &FeaturesMapArgs) -> Result<()> {
    let workspace = &context.workspace;
    let (features, settings) = (args.features.read()?, args.map.read()?);
    let colour: Colour = args.colour.parse().map_err(|_| {
        let known: Vec<&str> = Colour::ALL.iter().map(|colour| colour.name()).collect();
        Error::usage(format!("--colour is one of {}, not '{}'.", known.join(", "), line(&args.colour)))
    })?;
    let picture = args.to.as_deref().map(Picture::of).transpose()?;
    if args.model.is_some() && colour != Colour::Correct {
        return Err(Error::usage("--model says whose answers colours show; add --colour correct."));
    }
    let wanted = Wanted::read(args)?;
    let mut outputs = Outputs::new(workspace, args.force);
    for file in args.to.iter().chain(&args.selected) {
        outputs.check(file)?;
    }
    let dataset = dataset_name(context, &args.dataset)?;
    let judged = match (colour, &args.model) {
        (Colour::Correct, Some(run)) => Some(map::judged(workspace, run)?),
        (Colour::Correct, None) => Some(map::judged(workspace, &choice::current(workspace)?.run)?),
        _ => None,
    };
    let manifest = Manifest::load_named(workspace, &dataset)?;
    let path = map::path(workspace, &features.identities()?, &manifest, &settings)?;
    if Map::read(&path).is_err() {
        start(context, JobSpec::Map { dataset, features, settings }, false)?;
    }
    let map = Map::read(&path)?;
    let groups = map::groups(&map, colour, judged.as_ref());
    let selected = wanted.as_ref().map(|wanted| wanted.select(&map, &groups)).transpose()?;
    // All contents before the first file, so that there are all of them or none.
    let drawn = picture.map(|picture| picture.draw(&map, &groups)).transpose()?;
    let about = match (&args.selected, &selected, &wanted) {
        (Some(file), Some(selected), Some(wanted)) => {
            Some(map::written(workspace, &map, selected, file, &wanted.proposal)?)
        }
        _ => None,
    };
    for (file, bytes) in args.to.iter().zip(&drawn).chain(args.selected.iter().zip(&about)) {
        outputs.write(file, bytes)?;
    }
    if context.json {
        let points = selected.as_ref().map(|selected| selected.iter().map(|at| &map.points[*at]).collect::<Vec<_>>());
        return print_json(&serde_json::json!({
            "file": args.to, "map": map, "colour": colour.name(), "groups": groups.names, "group": groups.of,
            "selected": points, "selected_file": args.selected,
        }));
    }
    let mut text = told(&map, &groups, args.to.as_deref());
    if let Some(selected) = &selected {
        text += &told_selected(&map, &groups, selected, args.selected.as_deref());
    }
    print(&text)
}

/// The format of the picture.
#[derive(Clone, Copy)]
enum Picture {
    Svg,
    Png,
}

impl Picture {
    fn of(file: &Path) -> Result<Self> {
        let is = |ending: &str| file.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
        match (is("svg"), is("png")) {
            (true, _) => Ok(Self::Svg),
            (_, true) => Ok(Self::Png),
            _ => Err(Error::usage(format!(
                "{}: the ending decides the format; take .svg or .png.",
                printable(&file.to_string_lossy())
            ))),
        }
    }

    fn draw(self, map: &Map, groups: &Groups) -> Result<Vec<u8>> {
        match self {
            Self::Svg => Ok(map::svg(map, groups).into_bytes()),
            Self::Png => map::png(map, groups),
        }
    }
}

/// Which images are selected, and what is decided about them.
struct Wanted {
    rectangle: Option<Rectangle>,
    only: Option<String>,
    proposal: Proposal,
}

impl Wanted {
    fn read(args: &FeaturesMapArgs) -> Result<Option<Self>> {
        let of = |option: &str, problem: String| Error::usage(format!("--{option}: {problem}."));
        let proposal = args.decision.parse::<Proposal>().map_err(|problem| of("decision", problem))?;
        if args.select.is_none() && args.only.is_none() {
            return match args.selected {
                Some(_) => {
                    Err(Error::usage("--selected writes selected images; add --select X,Y,X,Y or --only GROUP."))
                }
                None => Ok(None),
            };
        }
        let rectangle =
            args.select.as_ref().map(|text| text.parse::<Rectangle>().map_err(|problem| of("select", problem)));
        Ok(Some(Self { rectangle: rectangle.transpose()?, only: args.only.clone(), proposal }))
    }

    fn select(&self, map: &Map, groups: &Groups) -> Result<Vec<usize>> {
        let only = self.only.as_ref().map(|name| {
            let at = groups.names.iter().position(|known| known == name);
            at.ok_or_else(|| {
                let known: Vec<_> = groups.names.iter().map(|name| line(name)).collect();
                Error::usage(format!("--only is one of the groups {}, not '{}'.", known.join(", "), line(name)))
            })
        });
        Ok(map::selected(map, self.rectangle.as_ref(), only.transpose()?.map(|group| (groups, group))))
    }
}

/// How many images are selected, of which groups, and what takes the file.
fn told_selected(map: &Map, groups: &Groups, selected: &[usize], file: Option<&Path>) -> String {
    let of = |group: usize| selected.iter().filter(|at| groups.of.get(**at) == Some(&group)).count();
    let counts = groups.names.iter().enumerate().map(|(at, name)| (line(name), of(at))).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    let mut text = format!("{} of {} images are selected{counts}\n", selected.len(), map.points.len());
    if let Some(file) = file {
        let takes = if file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
            "data decide --from"
        } else {
            "predict --list"
        };
        let file = file.to_string_lossy();
        let file = printable(&file);
        text += &format!("{file}: 'faceprobe {takes} {file}' takes it\n");
    }
    text
}

/// The description of the picture and its colours.
fn told(map: &Map, groups: &Groups, file: Option<&Path>) -> String {
    let counts = groups.counts();
    let colours: Vec<String> = groups
        .names
        .iter()
        .enumerate()
        .map(|(at, name)| format!("{} {} ({})", line(name), map::colour_name(at), counts[at]))
        .collect();
    let seed = map.settings.seed;
    let file = file.map_or_else(String::new, |file| format!("{}: ", printable(&file.to_string_lossy())));
    let [x, y] = map.bounds();
    format!(
        "{file}{}, seed {seed}; {} principal components have {:.1} % of the variance.\n{}\n\
         x from {:.2} to {:.2}, y from {:.2} to {:.2}\n",
        line(&map.title()),
        map.components,
        100.0 * map.explained,
        colours.join(", "),
        x.0,
        x.1,
        y.0,
        y.1
    )
}
