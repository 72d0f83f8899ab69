//! Reads the tables of a TOML file key by key and collects errors with their positions.

use super::file::Reference;
use crate::toml_text::{Mistake, Mistakes, json, shown};
use faceprobe_settings::{Domain, Info, nearest, text_of};
use serde_json::Value;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Names and texts of settings.
pub(super) type Pairs = Vec<(String, String)>;

/// The errors found, and the positions of values.
pub(super) struct Reader<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
    /// Positions of all keys read, by path `model.dense.data`; of a list's value, `model.dense.data[1]`.
    places: BTreeMap<String, usize>,
}

/// A table whose keys are consumed one by one.
pub(super) struct Table<'a> {
    /// `model.dense`; empty for the file itself.
    pub path: String,
    pub at: usize,
    entries: Vec<Entry<'a>>,
    /// Every key that was requested.
    known: Vec<&'static str>,
}

pub(super) struct Entry<'a> {
    pub key: String,
    pub key_at: usize,
    pub at: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Table<'a> {
    pub fn new(path: String, at: usize, table: &'a DeTable<'a>) -> Self {
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_at: key.span().start,
                at: value.span().start,
                value: value.get_ref(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_at);
        Self { path, at, entries, known: Vec::new() }
    }

    /// Removes a key from the table, if it exists.
    pub fn take(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }

    /// The same table with these keys only, which remain known here.
    pub fn split(&mut self, keys: &[&'static str]) -> Self {
        self.known.extend(keys);
        let (own, rest) =
            std::mem::take(&mut self.entries).into_iter().partition(|entry| keys.contains(&entry.key.as_str()));
        self.entries = rest;
        Self { path: self.path.clone(), at: self.at, entries: own, known: Vec::new() }
    }

    fn within(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, mistakes: Vec::new(), places: BTreeMap::new() }
    }

    /// Records an error at a position.
    pub fn wrong(&mut self, at: usize, sentence: impl Into<String>) {
        self.mistakes.push(Mistake::at(self.text, at, sentence));
    }

    /// Records an error at a value, or at its table if it is not given.
    pub fn wrong_with(&mut self, path: &str, sentence: impl Into<String>) {
        let mut known = path;
        let at = loop {
            match (self.places.get(known), known.rfind(['.', '['])) {
                (Some(at), _) => break *at,
                (None, Some(end)) => known = &known[..end],
                (None, None) => break 0,
            }
        };
        self.wrong(at, sentence);
    }

    pub fn is_good(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The result, after everything was read.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Mistakes> {
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Mistakes::of(self.mistakes)),
        }
    }

    /// The tables with one prefix: `[model.dense]`, `[model.logistic]`.
    pub fn named<'a>(&mut self, file: &mut Table<'a>, key: &'static str) -> Vec<(String, Table<'a>)> {
        let Some(entry) = file.take(key) else { return Vec::new() };
        let DeValue::Table(tables) = entry.value else {
            self.wrong(entry.key_at, format!("{key} must be a table with a name, [{key}.NAME]"));
            return Vec::new();
        };
        let mut found = Vec::new();
        for Entry { key: name, key_at, value, .. } in Table::new(String::new(), 0, tables).entries {
            let path = format!("{key}.{name}");
            self.places.insert(path.clone(), key_at);
            match value {
                DeValue::Table(table) => found.push((name, Table::new(path, key_at, table))),
                _ => {
                    self.wrong(
                        key_at,
                        format!("{name} stands in [{key}], which has no name; write [{key}.NAME] above it"),
                    );
                }
            }
        }
        found
    }

    /// A table without a name.
    pub fn table<'a>(&mut self, file: &mut Table<'a>, key: &'static str) -> Option<Table<'a>> {
        let entry = file.take(key)?;
        self.places.insert(key.to_owned(), entry.key_at);
        match entry.value {
            DeValue::Table(table) => Some(Table::new(key.to_owned(), entry.key_at, table)),
            _ => {
                self.wrong(entry.key_at, format!("{key} must be a table, [{key}]"));
                None
            }
        }
    }

    /// A string.
    pub fn words(&mut self, table: &mut Table<'_>, key: &'static str) -> Option<String> {
        let entry = table.take(key)?;
        self.places.insert(table.within(key), entry.at);
        match entry.value {
            DeValue::String(text) if !text.contains(char::is_control) => Some(text.to_string()),
            other => {
                self.wrong(entry.at, format!("{key} must be words in quotes, not {}", shown(other)));
                None
            }
        }
    }

    /// A boolean.
    pub fn flag(&mut self, table: &mut Table<'_>, key: &'static str) -> bool {
        let Some(entry) = table.take(key) else { return false };
        self.places.insert(table.within(key), entry.at);
        match entry.value {
            DeValue::Boolean(yes) => *yes,
            other => {
                self.wrong(entry.at, format!("{key} must be true or false, not {}", shown(other)));
                false
            }
        }
    }

    /// A boolean or a word.
    pub fn flag_or_word(&mut self, table: &mut Table<'_>, key: &'static str, word: &str) -> (bool, bool) {
        let Some(entry) = table.take(key) else { return (false, false) };
        self.places.insert(table.within(key), entry.at);
        match entry.value {
            DeValue::Boolean(yes) => (*yes, false),
            DeValue::String(text) if text == word => (false, true),
            other => {
                self.wrong(entry.at, format!("{key} must be true, false or {word:?}, not {}", shown(other)));
                (false, false)
            }
        }
    }

    /// A name or a list of names; none if the key is absent.
    pub fn names(&mut self, table: &mut Table<'_>, key: &'static str) -> Option<Vec<String>> {
        let entry = table.take(key)?;
        let path = table.within(key);
        self.places.insert(path.clone(), entry.at);
        let values: Vec<(usize, &DeValue<'_>)> = match entry.value {
            DeValue::Array(array) => array.iter().map(|value| (value.span().start, value.get_ref())).collect(),
            one => vec![(entry.at, one)],
        };
        let mut names = Vec::new();
        for (place, (at, value)) in values.into_iter().enumerate() {
            self.places.insert(format!("{path}[{place}]"), at);
            match value {
                DeValue::String(name) if names.iter().any(|known: &String| known == name) => {
                    self.wrong(at, format!("{key} names {name} twice"));
                }
                DeValue::String(name) => names.push(name.to_string()),
                other => {
                    self.wrong(at, format!("{key} must be a name in quotes or a list of names, not {}", shown(other)))
                }
            }
        }
        if names.is_empty() && self.is_good() {
            self.wrong(entry.at, format!("{key} names nothing; leave it out or name what is meant"));
        }
        Some(names)
    }

    /// Texts in quotes, one or a list, each with its place; `forms` says what they must be.
    pub fn texts(&mut self, table: &mut Table<'_>, key: &'static str, forms: &str) -> Vec<(usize, String)> {
        let Some(entry) = table.take(key) else { return Vec::new() };
        self.places.insert(table.within(key), entry.at);
        let values: Vec<(usize, &DeValue<'_>)> = match entry.value {
            DeValue::Array(array) => array.iter().map(|value| (value.span().start, value.get_ref())).collect(),
            one => vec![(entry.at, one)],
        };
        let mut texts = Vec::new();
        for (at, value) in values {
            match value {
                DeValue::String(text) => texts.push((at, text.to_string())),
                other => self.wrong(at, format!("{key} must be {forms}, in quotes, not {}", shown(other))),
            }
        }
        texts
    }

    /// The names in `of`; an error if it is absent.
    pub fn references(&mut self, table: &mut Table<'_>) -> Vec<Reference> {
        let Some(names) = self.names(table, "of") else {
            self.wrong(table.at, format!("{} lacks its key of, the names of what it is made of", table.path));
            return Vec::new();
        };
        let mut references = Vec::new();
        for (place, name) in names.iter().enumerate() {
            match Reference::parse(name) {
                Some(reference) => references.push(reference),
                None => {
                    let path = format!("{}.of[{place}]", table.path);
                    self.wrong_with(
                        &path,
                        format!("{name:?} is no name; after the colon stands a seed, as in \"tuned:2\""),
                    );
                }
            }
        }
        references
    }

    /// Seeds: one or a list, without duplicates.
    pub fn seeds(&mut self, table: &mut Table<'_>) -> Option<Vec<u64>> {
        let entry = table.take("seeds")?;
        self.places.insert(table.within("seeds"), entry.at);
        let values: Vec<(usize, &DeValue<'_>)> = match entry.value {
            DeValue::Array(array) => array.iter().map(|value| (value.span().start, value.get_ref())).collect(),
            one => vec![(entry.at, one)],
        };
        if values.is_empty() {
            self.wrong(entry.at, "seeds must have at least one seed");
        }
        let mut seeds = Vec::new();
        for (at, value) in values {
            // A seed beyond TOML's integers is written as a string.
            let seed = json(value).ok().and_then(|value| match value {
                Value::String(text) => text.parse().ok(),
                other => other.as_u64(),
            });
            match seed {
                Some(seed) if seeds.contains(&seed) => self.wrong(at, format!("seeds has {seed} twice")),
                Some(seed) => seeds.push(seed),
                None => self.wrong(at, format!("seeds must be whole numbers, 0 or more, not {}", shown(value))),
            }
        }
        Some(seeds)
    }

    /// The settings in the rest of a table, as names and texts.
    pub fn settings(&mut self, table: &mut Table<'_>, infos: &[&'static Info]) -> Pairs {
        let mut pairs = Pairs::new();
        for Entry { key, key_at, at, value } in std::mem::take(&mut table.entries) {
            let Some(info) = infos.iter().find(|info| info.name == key) else {
                let known = infos.iter().map(|info| info.name).chain(table.known.iter().copied());
                let near = nearest(&key, known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                self.wrong(key_at, format!("{key} is not known in [{}]{near}", table.path));
                continue;
            };
            self.places.insert(table.within(&key), at);
            match json(value) {
                Ok(value) => match text_of(&joined(value, info), info) {
                    Ok(text) => pairs.push((key, text)),
                    Err(refusal) => self.wrong(at, refusal.for_key()),
                },
                Err(what) => self.wrong(at, format!("{key} must not be {what}")),
            }
        }
        pairs
    }

    /// The values of axes: settings with a list of values, removed from the table.
    pub fn axes(&mut self, table: &mut Table<'_>, infos: &[&'static Info]) -> Vec<(String, String)> {
        let mut axes = Vec::new();
        let mut rest = Vec::new();
        for entry in std::mem::take(&mut table.entries) {
            let info = infos.iter().find(|info| info.name == entry.key);
            let (DeValue::Array(array), Some(info)) = (entry.value, info) else {
                rest.push(entry);
                continue;
            };
            self.places.insert(table.within(&entry.key), entry.at);
            let mut texts = Vec::new();
            for value in array.iter() {
                let at = value.span().start;
                match json(value.get_ref()).map(|value| text_of(&value, info)) {
                    Ok(Ok(text)) if texts.contains(&text) => self.wrong(at, format!("{} has {text} twice", entry.key)),
                    Ok(Ok(text)) => texts.push(text),
                    Ok(Err(refusal)) => self.wrong(at, refusal.for_key()),
                    Err(what) => self.wrong(at, format!("{} must not be {what}", entry.key)),
                }
            }
            axes.push((entry.key, texts.join("\n")));
        }
        table.entries = rest;
        axes
    }

    /// Records keys that were not consumed.
    pub fn nothing_left(&mut self, table: &mut Table<'_>) {
        for Entry { key, key_at, .. } in std::mem::take(&mut table.entries) {
            let near = nearest(&key, table.known.iter().copied());
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let place = if table.path.is_empty() { "here".to_owned() } else { format!("in [{}]", table.path) };
            self.wrong(key_at, format!("{key} is not known {place}{near}"));
        }
    }
}

/// A list is accepted for settings whose syntax has commas: `tap = [10, 12]`.
fn joined(value: Value, info: &Info) -> Value {
    let Domain::Syntax { pattern, .. } = &info.domain else { return value };
    match value {
        Value::Array(parts)
            if pattern.contains(',') && parts.iter().all(|part| part.is_number() || part.is_string()) =>
        {
            let texts = parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
            Value::String(texts.collect::<Vec<_>>().join(","))
        }
        other => other,
    }
}
