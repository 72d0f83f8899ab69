//! The settings in which the models of a table differ: a setting with one value needs no column.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// The settings of a job by name.
pub type Settings = BTreeMap<String, String>;

/// Settings that have a column of their own, or do not affect the model.
const ELSEWHERE: [&str; 6] = ["job", "kind", "backbone", "epochs", "params", "dataset"];

/// The settings in which some models differ, the most varied first, with how many values each has; seeds come last, since
/// they are no setting. Kinds of model have settings of their own: what was varied is varied within a kind.
pub fn differing(models: &[Rc<Settings>]) -> Vec<(String, usize)> {
    // By kind and setting: the value that came first, which most of them have, and the others.
    let mut values: HashMap<(&str, &str), (&str, BTreeSet<&str>)> = HashMap::new();
    for settings in models {
        let kind = settings.get("kind").map_or("", String::as_str);
        for (setting, value) in settings.iter() {
            let value = value.as_str();
            let (first, others) = values.entry((kind, setting.as_str())).or_insert_with(|| (value, BTreeSet::new()));
            if *first != value {
                others.insert(value);
            }
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for ((_, setting), (_, others)) in &values {
        let last = setting.rsplit('.').next().unwrap_or_default();
        if !others.is_empty() && !ELSEWHERE.contains(&last) {
            let most = counts.entry(*setting).or_default();
            *most = (*most).max(others.len() + 1);
        }
    }
    let mut varied: Vec<(String, usize)> =
        counts.into_iter().map(|(setting, count)| (setting.to_owned(), count)).collect();
    varied.sort_by(|a, b| (a.0 == "seed").cmp(&(b.0 == "seed")).then(b.1.cmp(&a.1)).then(a.0.cmp(&b.0)));
    varied
}

/// The common value of all models, if there is one.
pub fn shared<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut values = values.into_iter();
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(pairs: &[(&str, &str)]) -> Rc<Settings> {
        Rc::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_differs_within_a_kind_has_a_column_the_most_varied_first_and_seeds_last() {
        let dense = |width, dropout, seed| {
            model(&[("kind", "dense"), ("width", width), ("dropout", dropout), ("seed", seed), ("batch", "128")])
        };
        let other = model(&[("kind", "logistic"), ("batch", "1"), ("alphas", "1, 10"), ("epochs", "3")]);
        let models = [dense("64", "0.5", "1"), dense("64", "0.8", "2"), dense("256", "0.2", "3"), other];
        let names: Vec<(String, usize)> = differing(&models);
        // Batch sizes differ only between kinds of model, by their defaults.
        assert_eq!(names, [("dropout".into(), 3), ("width".into(), 2), ("seed".into(), 3)]);
        assert_eq!(differing(&models[..1]), []);
        assert_eq!(differing(&[]), []);
    }

    #[test]
    fn a_value_is_shared_by_all_or_by_none() {
        assert_eq!(shared(["a", "a"]), Some("a"));
        assert_eq!(shared(["a", "b", "a"]), None);
        assert_eq!(shared([]), None);
    }
}
