//! A numeric setting against the validation accuracy of the models trained with it.

use std::collections::{BTreeMap, BTreeSet};

/// A model of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub run: String,
    /// Its settings as texts, in the order in which they are stated; without the seed.
    pub settings: Vec<(&'static str, String)>,
    /// On validation, in 0..=1.
    pub accuracy: f64,
    /// Whether it still trains, so that this is the best so far.
    pub live: bool,
}

impl Head {
    /// The text of a setting.
    pub fn text(&self, setting: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| *name == setting).map(|(_, text)| text.as_str())
    }

    /// The number that a setting is.
    pub fn number(&self, setting: &str) -> Option<f64> {
        self.text(setting)?.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// The settings in which heads differ, those that are numbers first.
pub fn varied(heads: &[Head]) -> Vec<(&'static str, bool)> {
    let Some(first) = heads.first() else { return Vec::new() };
    let found = first.settings.iter().filter_map(|(name, _)| {
        let texts: BTreeSet<Option<&str>> = heads.iter().map(|head| head.text(name)).collect();
        let numbers = heads.iter().filter_map(|head| head.number(name)).map(f64::to_bits).collect::<BTreeSet<_>>();
        (texts.len() > 1).then_some((*name, numbers.len() > 1))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|(_, number)| !number);
    found
}

/// The heads with one value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub value: f64,
    pub count: usize,
    pub mean: f64,
    /// Sample standard deviation; none of one head.
    pub spread: Option<f64>,
    /// The best of them.
    pub best: String,
    pub best_accuracy: f64,
}

/// The heads by the values of a setting, rising; those without a number are left out.
pub fn columns(heads: &[Head], setting: &str) -> Vec<Column> {
    let mut by_value: BTreeMap<u64, (f64, Vec<&Head>)> = BTreeMap::new();
    for head in heads {
        if let Some(value) = head.number(setting) {
            by_value.entry(value.to_bits()).or_insert_with(|| (value, Vec::new())).1.push(head);
        }
    }
    let column = |(value, heads): (f64, Vec<&Head>)| {
        let count = heads.len() as f64;
        let mean = heads.iter().map(|head| head.accuracy).sum::<f64>() / count;
        let squares: f64 = heads.iter().map(|head| (head.accuracy - mean).powi(2)).sum();
        let best =
            heads.iter().copied().reduce(|best, head| if head.accuracy > best.accuracy { head } else { best })?;
        Some(Column {
            value,
            count: heads.len(),
            mean,
            spread: (heads.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            best: best.run.clone(),
            best_accuracy: best.accuracy,
        })
    };
    let mut columns: Vec<Column> = by_value.into_values().filter_map(column).collect();
    columns.sort_by(|a, b| a.value.total_cmp(&b.value));
    columns
}

/// Whether values lie so far apart that only a logarithmic axis tells the small ones from each other.
pub fn wants_log(columns: &[Column]) -> bool {
    let low = columns.iter().map(|column| column.value).fold(f64::INFINITY, f64::min);
    let high = columns.iter().map(|column| column.value).fold(0.0, f64::max);
    low > 0.0 && high / low >= 20.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(run: &str, width: &str, optimizer: &str, accuracy: f64) -> Head {
        let settings =
            vec![("optimizer", optimizer.to_owned()), ("width", width.to_owned()), ("epochs", "9".to_owned())];
        Head { run: run.into(), settings, accuracy, live: false }
    }

    #[test]
    fn settings_that_differ_are_offered_and_numbers_come_first() {
        let heads = [head("a", "64", "adam", 0.6), head("b", "2048", "sgd", 0.7), head("c", "64", "sgd", 0.65)];
        assert_eq!(varied(&heads), [("width", true), ("optimizer", false)]);
        assert_eq!(varied(&heads[..1]), []);
        assert_eq!(varied(&[]), []);
        let columns = columns(&heads, "width");
        let told: Vec<_> = columns.iter().map(|column| (column.value, column.count, column.best.as_str())).collect();
        assert_eq!(told, [(64.0, 2, "c"), (2048.0, 1, "b")]);
        assert!((columns[0].mean - 0.625).abs() < 1e-12);
        assert!((columns[0].spread.unwrap() - 0.035_355_339).abs() < 1e-6 && columns[1].spread.is_none());
        assert!(wants_log(&columns));
        assert!(!wants_log(&super::columns(&heads[..1], "width")));
        assert_eq!(super::columns(&heads, "optimizer"), []);
    }
}
