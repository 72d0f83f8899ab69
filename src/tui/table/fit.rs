//! Chooses the columns of a table that fit, and their widths.

/// A candidate column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Columns of the terminal that its widest cell takes.
    pub width: usize,
    /// What it can be cut to when there is more room for others then.
    pub least: usize,
    /// Of its widest cell in short, for which there may be room where there is none for the whole.
    pub short: usize,
    /// The larger, the sooner it goes when there is no room for all; 0 stays.
    pub rank: u8,
}

/// The gap between two columns.
pub const GAP: usize = 2;

/// The widths of the columns that fit into `room`, none for those that do not: those of the highest rank go first, of
/// equals the last, and come back where there is room for them after all. What is left over goes to columns that were cut.
pub fn fitting(offers: &[Offer], room: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = offers.iter().map(|offer| Some(offer.least.min(offer.width))).collect();
    let taken = |widths: &[Option<usize>]| {
        let shown = widths.iter().flatten();
        (shown.clone().sum::<usize>() + GAP * shown.count()).saturating_sub(GAP)
    };
    while taken(&widths) > room {
        let going = (0..offers.len()).filter(|at| widths[*at].is_some() && offers[*at].rank > 0);
        match going.max_by_key(|at| (offers[*at].rank, *at)) {
            Some(at) => widths[at] = None,
            None => break,
        }
    }
    // A narrow column may fit where a wider one of more weight did not.
    let mut gone: Vec<usize> = (0..offers.len()).filter(|at| widths[*at].is_none()).collect();
    gone.sort_by_key(|at| (offers[*at].rank, *at));
    for at in gone {
        for width in [offers[at].least.min(offers[at].width), offers[at].short] {
            widths[at] = Some(width);
            if taken(&widths) <= room {
                break;
            }
            widths[at] = None;
        }
    }
    // What stays whatever there is room for is cut, the widest first.
    while taken(&widths) > room {
        let widest = (0..offers.len()).filter(|at| widths[*at].is_some_and(|width| width > 1));
        let Some(at) = widest.max_by_key(|at| widths[*at]) else { break };
        widths[at] = widths[at].map(|width| width - 1);
    }
    let mut left = room.saturating_sub(taken(&widths));
    for (width, offer) in widths.iter_mut().zip(offers) {
        if let Some(width) = width {
            let more = offer.width.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(width: usize, least: usize, rank: u8) -> Offer {
        Offer { width, least, short: least, rank }
    }

    #[test]
    fn what_matters_least_goes_first_and_what_is_left_over_lengthens_names() {
        let offers = [offer(30, 10, 0), offer(8, 8, 2), offer(6, 6, 3), offer(6, 6, 0)];
        assert_eq!(fitting(&offers, 60), [Some(30), Some(8), Some(6), Some(6)]);
        assert_eq!(fitting(&offers, 40), [Some(14), Some(8), Some(6), Some(6)]);
        assert_eq!(fitting(&offers, 30), [Some(12), Some(8), None, Some(6)]);
        assert_eq!(fitting(&offers, 18), [Some(10), None, None, Some(6)]);
        assert_eq!(fitting(&offers, 26), [Some(10), None, Some(6), Some(6)], "the narrower one fits");
        assert_eq!(fitting(&offers, 12), [Some(5), None, None, Some(5)]);
        assert_eq!(fitting(&[], 12), []);
        // A figure without its spread is better than none.
        let spread = [offer(10, 10, 0), Offer { short: 5, ..offer(12, 12, 1) }];
        assert_eq!(fitting(&spread, 24), [Some(10), Some(12)]);
        assert_eq!(fitting(&spread, 18), [Some(10), Some(6)]);
        assert_eq!(fitting(&spread, 16), [Some(10), None]);
        for room in 0..80 {
            let widths = fitting(&offers, room);
            let shown: Vec<usize> = widths.into_iter().flatten().collect();
            let taken = shown.iter().sum::<usize>() + GAP * (shown.len() - 1);
            assert!(taken <= room.max(4), "{room} {shown:?}");
        }
    }
}
