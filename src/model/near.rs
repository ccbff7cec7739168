//! The known name that an unknown one was probably meant to be.

/// The nearest of `known`, when it is near enough that a slip of the fingers explains the difference.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = unknown.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect();
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    // Of words of two letters, any two are neighbors.
    let most = if wanted.len() < 3 { 0 } else { (wanted.len() / 3).clamp(1, 4) };
    let near = known.into_iter().filter(|name| name.len() <= 4 * LONGEST).filter_map(|name| {
        let letters: Vec<char> = name.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect();
        if letters.len().abs_diff(wanted.len()) > most {
            return None;
        }
        let distance = distance(&wanted, &letters);
        (distance <= most).then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Longer names are not compared: nobody mistypes a sentence.
const LONGEST: usize = 60;

/// Edits between two words: a letter more, less or other, or two letters swapped.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut now = Vec::with_capacity(last.len());
        now.push(row + 1);
        for (column, other) in right.iter().enumerate() {
            let at = |list: &[usize], place: usize| list.get(place).copied().unwrap_or(usize::MAX / 2);
            let change = at(&last, column) + usize::from(letter != other);
            let mut best = change.min(at(&last, column + 1) + 1).min(at(&now, column) + 1);
            let swapped =
                row > 0 && column > 0 && left.get(row - 1) == Some(other) && right.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            now.push(best);
        }
        before = std::mem::replace(&mut last, now);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_another_word_does_not() {
        let known = ["primary", "backup", "desk"];
        assert_eq!(nearest("pirmary", known), Some("primary"));
        assert_eq!(nearest("bakcup", known), Some("backup"));
        assert_eq!(nearest("Desk", known), Some("desk"));
        assert_eq!(nearest("sales", known), None);
        assert_eq!(nearest("es", ["en", "fr"]), None);
        assert_eq!(nearest("", known), None);
    }
}
