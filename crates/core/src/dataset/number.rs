//! Parses integers in the notations of spreadsheets and pandas: `1`, `1.0`, `1e0`, `01`.

/// A canonical form of the number in a text; none if it is not a number. Exact for any length. A comma counts as a
/// decimal point only before one or two zeros, as in the `1,0` of a German spreadsheet.
pub fn canonical(text: &str) -> Option<String> {
    let (negative, digits, exponent) = parts(text)?;
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{digits}e{exponent}"))
}

/// The integer in a text.
pub fn whole(text: &str) -> Option<i64> {
    /// Longer ones may overflow.
    const MOST_DIGITS: usize = 18;
    let (negative, mut digits, exponent) = parts(text)?;
    let zeros = usize::try_from(exponent).ok().filter(|zeros| digits.len() + zeros <= MOST_DIGITS)?;
    digits.extend(std::iter::repeat_n('0', zeros));
    digits.parse().ok().map(|number: i64| if negative { -number } else { number })
}

/// Sign, digits without leading and trailing zeros, and the power of ten.
fn parts(text: &str) -> Option<(bool, String, i64)> {
    let text = text.trim();
    let negative = text.starts_with(['-', '\u{2212}']);
    let unsigned = text.strip_prefix(['-', '+', '\u{2212}']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) if exponent.len() <= 6 => (mantissa, exponent.parse::<i64>().ok()?),
        Some(_) => return None,
        None => (unsigned, 0),
    };
    let (before, after) = match mantissa.split_once(',') {
        Some((before, zeros @ ("0" | "00"))) => (before, zeros),
        Some(_) => return None,
        None => mantissa.split_once('.').unwrap_or((mantissa, "")),
    };
    let all = format!("{before}{after}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = i64::try_from(after.len()).ok()?;
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, "0".into(), 0));
    }
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    Some((negative, significant.to_owned(), exponent - fraction + zeros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_read_from_all_its_spellings() {
        for one in ["1", "1.0", "01", " 1 ", "+1", "1e0", "1.000", "0.1e1", "10E-1", "1.", "1,0", "001.00"] {
            assert_eq!((whole(one), canonical(one)), (Some(1), canonical("1")), "{one}");
        }
        for (text, number) in [("0", 0), ("-0.0", 0), ("-1", -1), ("\u{2212}1.0", -1), ("120", 120), ("1.2e2", 120)] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        assert_ne!(canonical("1"), canonical("10"));
        assert_eq!(canonical("1.50"), canonical("15e-1"));
    }

    #[test]
    fn what_is_no_whole_number_is_none() {
        for text in ["", " ", "1.5", "1,5", "1,000", "nan", "inf", "0x1", "1e", "e1", ".", "-", "1e9999", "two", "1 2"]
        {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(whole(&"9".repeat(40)), None);
        assert_eq!(whole("1e18"), None);
    }
}
