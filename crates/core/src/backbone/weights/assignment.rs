//! Assigns the tensors of a foreign file to the parameters of a network: chooses the naming convention that fits best,
//! and reports missing, left-over and misshapen tensors.

use super::super::format::{Checkpoint, Dtype, shown};
use super::naming::{Layout, Names, Origin, Parameters, Reading};
use std::collections::BTreeSet;

/// A complete assignment: every parameter has its origin with the right shape, and no tensor of the network's own
/// modules is left over.
#[derive(Debug)]
pub(super) struct Assignment {
    /// One for each parameter, in their order.
    pub(super) origins: Vec<Origin>,
    /// Other tensors of the file: classifiers, training counters, other modules.
    pub(super) passed_over: Vec<String>,
    /// The prefix of all the network's names in the file.
    prefix: String,
}

impl Assignment {
    /// The number of tensors taken and passed over, for a sentence that begins with the format.
    pub(super) fn words(&self) -> String {
        let (taken, passed) = (self.origins.len(), self.passed_over.len());
        let besides = match passed {
            0 => String::new(),
            _ => format!("; passed over, since they are none of the network's: {passed}: {}", some(&self.passed_over)),
        };
        format!("{taken} tensors taken{}{besides}", under(&self.prefix))
    }
}

/// Chooses the convention that fits best, and checks that nothing is missing, left over or of another shape.
///
/// # Errors
/// The exact reason.
pub(super) fn assign(
    title: &str,
    conventions: &[Names],
    parameters: &Parameters,
    file: &Checkpoint,
) -> Result<Assignment, String> {
    // Ties go to the first convention.
    let there = |reading: &Reading| reading.origins.iter().filter(|origin| is_there(origin, file)).count();
    let readings = conventions.iter().rev().map(|names| (names, names.read(parameters, file)));
    let best = readings.max_by_key(|(_, reading)| there(reading)).filter(|(_, reading)| there(reading) > 0);
    let Some((names, reading)) = best else {
        let names: Vec<String> = file.tensors().keys().cloned().collect();
        return Err(format!("none of its {} tensors is named as those of {title}: {}", names.len(), some(&names)));
    };
    let Reading { origins, prefixes, .. } = &reading;
    let used: BTreeSet<&str> = origins.iter().flat_map(tensors_of).collect();
    let (passed_over, left): (Vec<String>, Vec<String>) = file
        .tensors()
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .cloned()
        .partition(|name| names.is_company(name, &reading, file));
    let absent = |name: &&str| !file.tensors().contains_key(*name);
    let missing: Vec<String> = origins.iter().flat_map(tensors_of).filter(absent).map(str::to_owned).collect();
    if missing.is_empty() && !prefixes.others.is_empty() {
        let at =
            |prefix: &String| if prefix.is_empty() { "the top".to_owned() } else { format!("`{}`", shown(prefix)) };
        let all: Vec<String> = std::iter::once(&prefixes.best).chain(&prefixes.others).map(at).collect();
        return Err(format!(
            "it holds {title} {} times, under {}: save the state_dict() of the one that you mean alone",
            all.len(),
            some(&all)
        ));
    }
    let mut faults = Vec::new();
    for (what, names) in [("missing", missing), ("left over", left)] {
        if !names.is_empty() {
            let tensors = if names.len() == 1 { "tensor" } else { "tensors" };
            faults.push(format!("{} {tensors} {what}: {}", names.len(), some(&names)));
        }
    }
    let shapes = parameters.iter().zip(origins).filter_map(|((_, wanted), origin)| another_shape(wanted, origin, file));
    let shapes: Vec<String> = shapes.collect();
    if !shapes.is_empty() {
        faults.push(some(&shapes));
    }
    if faults.is_empty() {
        Ok(Assignment { origins: reading.origins, passed_over, prefix: reading.prefixes.best })
    } else {
        Err(format!("by the names of {}{} it has {}", names.title(), under(&prefixes.best), faults.join("; ")))
    }
}

fn tensors_of(origin: &Origin) -> Vec<&str> {
    match origin {
        Origin::Tensor { name, .. } => vec![name],
        Origin::Scaled { name, factor, .. } => vec![name, factor],
        Origin::Stacked(parts) => parts.iter().map(|(name, _)| name.as_str()).collect(),
        Origin::Positions { names, .. } => names.iter().map(String::as_str).collect(),
        Origin::Ones => Vec::new(),
    }
}

fn is_there(origin: &Origin, file: &Checkpoint) -> bool {
    let tensors = tensors_of(origin);
    !tensors.is_empty() && tensors.iter().all(|name| file.tensors().contains_key(*name))
}

/// What is wrong with the shape of a tensor that exists.
fn another_shape(wanted: &[usize], origin: &Origin, file: &Checkpoint) -> Option<String> {
    let (name, layout) = match origin {
        Origin::Ones => return None,
        Origin::Stacked(parts) => {
            let [outputs, rest @ ..] = wanted else { return None };
            let part: Vec<usize> = [&[outputs / parts.len().max(1)], rest].concat();
            let tensors = parts.iter().map(|(name, layout)| Origin::Tensor { name: name.clone(), layout: *layout });
            return tensors.into_iter().find_map(|tensor| another_shape(&part, &tensor, file));
        }
        Origin::Positions { names, .. } => return other_positions(wanted, names, file),
        Origin::Tensor { name, layout } => (name, layout),
        Origin::Scaled { name, layout, factor } => {
            let outputs = wanted.first().copied().unwrap_or_default();
            let factor = Origin::Tensor { name: factor.clone(), layout: Layout::AsIs };
            if let Some(fault) = another_shape(&[outputs], &factor, file) {
                return Some(fault);
            }
            (name, layout)
        }
    };
    let info = file.tensors().get(name)?;
    let expected: Vec<usize> = match (layout, wanted) {
        (Layout::Hwio, &[out, input, rows, columns]) => vec![rows, columns, input, out],
        (Layout::Hwc1, &[channels, one, rows, columns]) => vec![rows, columns, channels, one],
        (Layout::Io, &[out, input]) => vec![input, out],
        _ => wanted.to_vec(),
    };
    let long = |shape: &[usize]| shape.iter().copied().filter(|&side| side != 1).collect::<Vec<_>>();
    let same = info.shape == expected || (*layout == Layout::Flat && long(&info.shape) == long(&expected));
    let fits = same && !matches!(info.dtype, Dtype::I64 | Dtype::Other(_));
    (!fits).then(|| {
        if same {
            format!("`{}` holds other numbers than floats", shown(name))
        } else {
            format!("`{}` has the shape {:?} instead of {expected:?}", shown(name), info.shape)
        }
    })
}

/// What is wrong with position embeddings that exist: there must be one for the class token and one for each position
/// of a square grid, of the wanted width.
fn other_positions(wanted: &[usize], names: &[String], file: &Checkpoint) -> Option<String> {
    let width = wanted.last().copied().unwrap_or_default();
    let mut count = 0_usize;
    for name in names {
        let info = file.tensors().get(name)?;
        let (last, before) = info.shape.split_last()?;
        if *last != width || matches!(info.dtype, Dtype::I64 | Dtype::Other(_)) {
            return Some(format!("`{}` has the shape {:?} instead of [1, places, {width}]", shown(name), info.shape));
        }
        count = before.iter().try_fold(1_usize, |product, side| product.checked_mul(*side))?.checked_add(count)?;
    }
    let places = count.saturating_sub(1);
    let square = places > 0 && places.isqrt().pow(2) == places;
    (!square).then(|| format!("{} has {count} places, which are not a class token and a square", some(names)))
}

/// The first few names of a list.
pub(super) fn some(items: &[String]) -> String {
    let shown = items.iter().take(5).map(|item| item.chars().filter(|c| !c.is_control()).take(120).collect());
    let shown = shown.collect::<Vec<String>>().join(", ");
    if items.len() > 5 { format!("{shown} and {} more", items.len() - 5) } else { shown }
}

/// The prefix, for a sentence.
fn under(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!(" under `{}`", shown(prefix)) }
}
