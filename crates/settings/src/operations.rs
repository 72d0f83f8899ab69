//! The functions derived from the declaration of one structure: parsing, checking, options, keys and words.

use crate::domain::{Domain, parts};
use crate::refusal::Refusal;
use crate::statement::{Info, Role, Settings, Statement};

/// The declarations, without the structure.
pub fn infos<S: Settings>() -> Vec<&'static Info> {
    S::statements().iter().map(|statement| &statement.info).collect()
}

/// Finds the declaration of a name.
///
/// # Errors
/// An unknown name, with the most similar known one.
pub fn find<S: Settings>(name: &str) -> Result<&'static Statement<S>, Refusal> {
    let found = S::statements().iter().find(|statement| statement.info.name == name);
    found.ok_or_else(|| {
        let names = S::statements().iter().map(|statement| statement.info.name);
        match nearest(name, names) {
            Some(near) => Refusal::new(name, format!("is not known here; did you mean {{{near}}}?")),
            None => Refusal::new(name, "is not known here"),
        }
    })
}

/// Sets one setting from its text.
///
/// # Errors
/// An unknown name, a value that the setting does not accept.
pub fn set<S: Settings>(settings: &mut S, name: &str, text: &str) -> Result<(), Refusal> {
    find::<S>(name)?.set(settings, text)
}

/// Parses settings from names and texts. A setting that is not given has its default, computed where it depends on the
/// others. Of a name given twice, the later counts.
///
/// # Errors
/// Everything that is refused. Combinations are checked only when each setting is accepted by itself.
pub fn read<S: Settings>(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<S, Vec<Refusal>> {
    let mut settings = S::default();
    let mut refused = Vec::new();
    for (name, text) in pairs {
        if let Err(refusal) = set(&mut settings, name.as_ref(), text.as_ref()) {
            refused.push(refusal);
        }
    }
    let is_given = |name: &str| pairs.iter().any(|(given, _)| given.as_ref() == name);
    settings.settle(&is_given);
    // Given values were checked above; a setting that was not given may have no default.
    let left_out = S::statements().iter().filter(|statement| !is_given(statement.info.name));
    refused.extend(left_out.filter_map(|statement| statement.info.refusal(&statement.get(&settings))));
    if refused.is_empty() {
        refused.extend(settings.check_together().err());
    }
    if refused.is_empty() { Ok(settings) } else { Err(refused) }
}

/// [`read`] that ends at the first refusal.
///
/// # Errors
/// The first of those of [`read`].
pub fn set_all<S: Settings>(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<S, Refusal> {
    read(pairs).map_err(|mut refused| refused.swap_remove(0))
}

/// Checks settings however they were made: every range, then the combinations.
///
/// # Errors
/// The first refusal.
pub fn check<S: Settings>(settings: &S) -> Result<(), Refusal> {
    let refused = S::statements().iter().find_map(|statement| statement.info.refusal(&statement.get(settings)));
    refused.map_or_else(|| settings.check_together(), Err)
}

/// Every setting's name and text.
pub fn to_pairs<S: Settings>(settings: &S) -> Vec<(&'static str, String)> {
    S::statements().iter().map(|statement| (statement.info.name, statement.get(settings))).collect()
}

/// The declarations of the settings that must be given to [`read`] to make these settings: those that differ from the
/// defaults.
pub fn given<S: Settings>(settings: &S) -> Vec<&'static Statement<S>> {
    let all = S::statements();
    let mut given: Vec<bool> =
        all.iter().map(|one| one.info.computed.is_none() && one.get(settings) != one.info.default).collect();
    // A computed default depends on the settings given before it.
    for (place, statement) in all.iter().enumerate().filter(|(_, statement)| statement.info.computed.is_some()) {
        given[place] = statement.get(&settled(settings, &given)) != statement.get(settings);
    }
    all.iter().zip(given).filter_map(|(statement, given)| given.then_some(statement)).collect()
}

/// The settings when only these are given.
fn settled<S: Settings>(settings: &S, given: &[bool]) -> S {
    let mut known = S::default();
    let places = S::statements().iter().zip(given);
    let mut names = Vec::new();
    for (statement, _) in places.filter(|(_, given)| **given) {
        // The text of a value always parses back to the value.
        let _ = statement.set_unchecked(&mut known, &statement.get(settings));
        names.push(statement.info.name);
    }
    known.settle(&|name| names.contains(&name));
    known
}

/// The command-line options that make these settings, as words: only what differs from the defaults.
pub fn options<S: Settings>(settings: &S) -> Vec<String> {
    let mut words = Vec::new();
    for statement in given(settings) {
        let (option, text) = (statement.info.option(), statement.get(settings));
        let values = match statement.info.domain {
            Domain::List { lines: true, .. } => parts(&text, true).map(str::to_owned).collect(),
            _ => vec![text],
        };
        for value in values {
            // As a separate word it would be taken for an option.
            if value.starts_with('-') {
                words.push(format!("{option}={value}"));
            } else {
                words.extend([option.clone(), value]);
            }
        }
    }
    words
}

/// A key that is equal for all seeds of one setting and different otherwise: every setting but the seeds, as
/// `name=text` separated by spaces.
pub fn key<S: Settings>(settings: &S) -> String {
    let mut words = Vec::new();
    for statement in S::statements().iter().filter(|statement| statement.info.role == Role::Setting) {
        let text = statement.get(settings);
        let plain = |c: char| !(c.is_whitespace() || c.is_control() || c == '"');
        let text = if text.chars().all(plain) { text } else { format!("{text:?}") };
        words.push(format!("{}={text}", statement.info.name));
    }
    words.join(" ")
}

/// A short description for tables: the headline settings, and of the others, apart from seeds, those that differ from
/// their defaults.
pub fn words<S: Settings>(settings: &S) -> String {
    let unusual = given(settings);
    let told = S::statements().iter().filter(|one| {
        let info = &one.info;
        info.role == Role::Setting && (info.headline || unusual.iter().any(|given| given.info.name == info.name))
    });
    let words: Vec<String> = told
        .map(|statement| {
            let (label, value) = (statement.info.label(), readable(&statement.info, &statement.get(settings)));
            // 60 epochs, 64 filters; but patience 5, although its unit is epochs too.
            if statement.info.unit == Some(&label) { format!("{value} {label}") } else { format!("{label} {value}") }
        })
        .collect();
    words.join(", ")
}

/// The text of a setting for a table: list values separated by a comma and a space.
fn readable(info: &Info, text: &str) -> String {
    match &info.domain {
        Domain::List { lines, .. } => parts(text, *lines).collect::<Vec<_>>().join(", "),
        _ => text.to_owned(),
    }
}

/// The settings in which several structures differ, with the text of each.
pub fn differences<S: Settings>(several: &[&S]) -> Vec<(&'static Info, Vec<String>)> {
    let texts = S::statements().iter().map(|statement| {
        let texts: Vec<String> = several.iter().map(|settings| statement.get(settings)).collect();
        (&statement.info, texts)
    });
    texts.filter(|(_, texts)| texts.windows(2).any(|pair| pair[0] != pair[1])).collect()
}

/// The settings that a sweep can vary.
pub fn axes<S: Settings>() -> Vec<&'static Info> {
    infos::<S>().into_iter().filter(|info| info.role == Role::Setting && info.domain.is_axis()).collect()
}

/// The values of an axis, separated by commas or spaces, without repetitions, as [`Statement::get`] writes them.
///
/// # Errors
/// A setting that is no axis, an empty list, values that the setting does not accept.
pub fn axis_values<S: Settings>(name: &str, text: &str) -> Result<Vec<String>, Refusal> {
    let statement = find::<S>(name)?;
    if statement.info.role != Role::Setting || !statement.info.domain.is_axis() {
        return Err(Refusal::new(name, "cannot be swept"));
    }
    let mut values = Vec::new();
    let mut settings = S::default();
    for part in parts(text, false) {
        statement.set(&mut settings, part)?;
        let value = statement.get(&settings);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if values.is_empty() { Err(Refusal::new(name, "must have at least one value")) } else { Ok(values) }
}

/// Every combination of the axes' values with the other given settings, the last axis varying fastest. Defaults are
/// computed for each combination.
///
/// # Errors
/// More than `most` combinations; what [`read`] refuses of one of them.
pub fn grid<S: Settings>(
    base: &[(String, String)],
    axes: &[(String, Vec<String>)],
    most: usize,
) -> Result<Vec<S>, Refusal> {
    let count = axes.iter().try_fold(1usize, |count, (_, values)| count.checked_mul(values.len().max(1)));
    if let (Some((name, _)), true) = (axes.first(), count.is_none_or(|count| count > most)) {
        return Err(Refusal::new(
            name,
            format!("and the other axes make more than {most} combinations; take fewer values"),
        ));
    }
    let mut all = vec![base.to_vec()];
    for (name, values) in axes.iter().filter(|(_, values)| !values.is_empty()) {
        let with = |pairs: &Vec<(String, String)>, value: &String| {
            pairs.iter().cloned().chain([(name.clone(), value.clone())]).collect()
        };
        all = all.iter().flat_map(|pairs| values.iter().map(|value| with(pairs, value)).collect::<Vec<_>>()).collect();
    }
    all.iter().map(|pairs| set_all(pairs)).collect()
}

/// Faults in the declarations themselves, for a test of every structure: defaults that are refused (except where a
/// value must be given), texts that do not parse back, duplicate names, missing help.
pub fn faults<S: Settings>() -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |info: &Info, what: &str| faults.push(format!("{}: {} {what}", S::NAME, info.name));
    for (place, statement) in S::statements().iter().enumerate() {
        let info = &statement.info;
        if S::statements()[..place].iter().any(|earlier| earlier.info.name == info.name) {
            fault(info, "is stated twice");
        }
        if info.help.len() < 8 || info.help.contains('\n') {
            fault(info, "has no sentence of help");
        }
        if !info.default.is_empty() && info.refusal(&info.default).is_some() {
            fault(info, "has a default that is refused");
        }
        if info.headline && info.role == Role::Seed {
            fault(info, "is a seed, which no table tells among the settings");
        }
        for text in info.domain.examples() {
            let (mut once, mut again) = (S::default(), S::default());
            let read = statement.set(&mut once, &text).is_ok();
            if !read || statement.set(&mut again, &statement.get(&once)).is_err() || once != again {
                fault(info, &format!("does not take {text}, or it does not lead back"));
            }
        }
        for text in info.domain.counterexamples() {
            if statement.set(&mut S::default(), &text).is_ok() {
                fault(info, &format!("takes {text}"));
            }
        }
    }
    faults
}

/// The most similar name, if any is similar.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|known| (distance(name, known), known)).min()?;
    (near.0 <= name.len().max(near.1.len()) / 3).then_some(near.1)
}

/// The Damerau-Levenshtein distance: insertions, deletions, substitutions, and swaps of neighbouring letters.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let change = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}
