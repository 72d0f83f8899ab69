//! `faceprobe features map --to FILE`: the images of a set as points in two dimensions.

use super::Context;
use super::args::FeaturesMapArgs;
use super::follow::start;
use super::output::{print, print_json};
use super::train::dataset_name;
use faceprobe_core::dataset::Manifest;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::map::{self, Colour, Groups, Map};
use faceprobe_core::outputs::Outputs;
use faceprobe_core::run::{JobSpec, choice};
use faceprobe_core::text::{line, printable};

pub(super) fn run(context: &Context, args: &FeaturesMapArgs) -> Result<()> {
    let workspace = &context.workspace;
    let (features, settings) = (args.features.read()?, args.map.read()?);
    let colour: Colour = args.colour.parse().map_err(|_| {
        let known: Vec<&str> = Colour::ALL.iter().map(|colour| colour.name()).collect();
        Error::usage(format!("--colour is one of {}, not '{}'.", known.join(", "), line(&args.colour)))
    })?;
    let is = |ending: &str| args.to.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    if !is("svg") && !is("png") {
        return Err(Error::usage(format!(
            "{}: the ending decides the format; take .svg or .png.",
            printable(&args.to.to_string_lossy())
        )));
    }
    if args.model.is_some() && colour != Colour::Correct {
        return Err(Error::usage("--model says whose answers colours show; add --colour correct."));
    }
    let mut outputs = Outputs::new(workspace, args.force);
    outputs.check(&args.to)?;
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
    let picture = if is("png") { map::png(&map, &groups)? } else { map::svg(&map, &groups).into_bytes() };
    outputs.write(&args.to, &picture)?;
    if context.json {
        return print_json(&serde_json::json!({
            "file": args.to, "map": map, "colour": colour.name(), "groups": groups.names, "group": groups.of,
        }));
    }
    print(&told(&map, &groups, &printable(&args.to.to_string_lossy())))
}

/// The description of the picture and its colours.
fn told(map: &Map, groups: &Groups, file: &str) -> String {
    let counts = groups.counts();
    let colours: Vec<String> = groups
        .names
        .iter()
        .enumerate()
        .map(|(at, name)| format!("{} {} ({})", line(name), map::colour_name(at), counts[at]))
        .collect();
    let seed = map.settings.seed;
    format!(
        "{file}: {}, seed {seed}; {} principal components have {:.1} % of the variance.\n{}\n",
        line(&map.title()),
        map.components,
        100.0 * map.explained,
        colours.join(", ")
    )
}
