//! The word that was likely meant, among those that are known.

/// The known word nearest to `word`, when it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let enough = word.chars().count().div_ceil(3);
    let near = known.into_iter().map(|other| (distance(word, other), other));
    near.filter(|(distance, _)| *distance <= enough).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// How many single-letter changes or swaps of neighbors lead from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, sign) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        let mut previous_other = None;
        for (column, letter) in other.iter().copied().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, column) + usize::from(sign != letter);
            let mut least = changed.min(at(&last, column + 1) + 1).min(at(&line, column) + 1);
            if column > 0 && previous == Some(letter) && previous_other == Some(sign) {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            line.push(least);
            previous_other = Some(letter);
        }
        before_last = std::mem::replace(&mut last, line);
        previous = Some(sign);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let known = ["answered", "busy", "no_answer"];
        assert_eq!(nearest("bsuy", known), Some("busy"));
        assert_eq!(nearest("no_anwser", known), Some("no_answer"));
        assert_eq!(nearest("answerd", known), Some("answered"));
        assert_eq!(nearest("elephant", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn distance_counts_changes_and_swaps() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
