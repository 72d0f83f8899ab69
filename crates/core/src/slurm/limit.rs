//! The time limit of a task against the notice that it gets before it.

use super::submit::Terms;
use crate::error::{Error, Result};

/// Refuses a limit that is no longer than the notice: such a task would be told to save and go back as soon as it begins, again
/// and again.
///
/// # Errors
/// With the sentence.
pub(super) fn check(terms: &Terms) -> Result<()> {
    // As sbatch reads them: of several the last counts.
    let options = [terms.settings.options.as_deref(), terms.own.as_deref()].into_iter().flatten();
    let given = options.rev().find_map(of_options).or(terms.settings.time.clone());
    let notice = terms.settings.notice;
    match given.as_deref().and_then(|time| Some((time, seconds(time)?))) {
        Some((time, limit)) if limit <= notice => Err(Error::usage(format!(
            "The time limit of a task, '{time}' ({limit} seconds), is not longer than the notice of {notice} seconds before it, so \
             a task would go back into the queue as soon as it begins; set a longer time or a shorter notice in [slurm]."
        ))),
        _ => Ok(()),
    }
}

/// The limit that options for sbatch state.
fn of_options(options: &str) -> Option<String> {
    let words: Vec<&str> = options.split_whitespace().collect();
    let at = words.iter().rposition(|word| word.starts_with("--time") || word.starts_with("-t"))?;
    let value = words[at].trim_start_matches("--time").trim_start_matches("-t").trim_start_matches('=');
    let value = if value.is_empty() { words.get(at + 1).copied()? } else { value };
    Some(value.trim_matches(['\'', '"']).to_owned())
}

/// MINUTES, MINUTES:SECONDS, HOURS:MINUTES:SECONDS, DAYS-HOURS, DAYS-HOURS:MINUTES, DAYS-HOURS:MINUTES:SECONDS, in seconds; none of
/// what is no time or no limit: 0 is none, and of anything else sbatch says itself what it thinks.
fn seconds(time: &str) -> Option<u64> {
    let (days, rest) = time.split_once('-').map_or((None, time), |(days, rest)| (Some(days), rest));
    let fields = rest.split(':').map(|field| field.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match (days.is_some(), &fields[..]) {
        (true, [hours]) => (*hours, 0, 0),
        (true, [hours, minutes]) => (*hours, *minutes, 0),
        (false, [minutes]) => (0, *minutes, 0),
        (false, [minutes, seconds]) => (0, *minutes, *seconds),
        (_, [hours, minutes, seconds]) => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let days = days.map_or(Some(0), |days| days.parse::<u64>().ok())?;
    let in_days = days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?;
    in_days.checked_mul(60)?.checked_add(seconds).filter(|limit| *limit > 0)
}

#[cfg(test)]
mod tests {
    use super::super::settings::SlurmSettings;
    use super::*;

    #[test]
    fn a_limit_is_read_as_sbatch_reads_it() {
        for (time, wanted) in
            [("2", 120), ("1:59", 119), ("0:02:00", 120), ("1-0", 86_400), ("0-1:30", 5_400), ("0-00:02:00", 120)]
        {
            assert_eq!(seconds(time), Some(wanted), "{time}");
        }
        for none in ["0", "UNLIMITED", "", "1h", "1:2:3:4", "99999999999999999999", "9999999999999999-1"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }

    #[test]
    fn a_limit_must_be_longer_than_the_notice_wherever_it_is_stated() {
        let terms = |time: Option<&str>, options: Option<&str>, own: Option<&str>| Terms {
            settings: SlurmSettings {
                time: time.map(str::to_owned),
                options: options.map(str::to_owned),
                ..SlurmSettings::default()
            },
            own: own.map(str::to_owned),
        };
        assert!(check(&terms(None, None, None)).is_ok() && check(&terms(Some("2:01"), None, None)).is_ok());
        let refused = |terms: Terms| check(&terms).unwrap_err().to_string();
        assert!(
            refused(terms(Some("2"), None, None)).contains("'2' (120 seconds), is not longer than the notice of 120")
        );
        assert!(refused(terms(Some("2:00:00"), None, Some("--nice=1 --time=1"))).contains("'1'"));
        assert!(refused(terms(None, Some("-t 1:00"), None)).contains("60 seconds"));
        assert!(check(&terms(Some("1"), Some("-t1"), Some("--time 5"))).is_ok(), "the last counts");
    }
}
