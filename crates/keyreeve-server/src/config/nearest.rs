//! The nearest known name to a misspelt one.

/// The known name that takes the fewest single-letter changes to reach, if those are few enough to be a slip.
pub fn nearest<'a>(misspelt: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let changes_max = misspelt.chars().count() / 3 + 1;
    let distances = known.into_iter().map(|name| (distance(misspelt, name), name));
    distances.filter(|(changes, _)| *changes <= changes_max).min().map(|(_, name)| name)
}

/// Levenshtein's distance, row by row.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = vec![left];
        for (above, letter_there) in row.iter().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(letter != *letter_there);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["addresses", "tls_key", "observe"];
        for (misspelt, expected) in [
            ("adresses", Some("addresses")),
            ("address", Some("addresses")),
            ("tlskey", Some("tls_key")),
            ("obsrve", Some("observe")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(misspelt, known), expected, "{misspelt}");
        }
        for (one, other, changes) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(one, other), changes);
        }
    }
}
