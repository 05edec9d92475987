//! Tables for people: aligned columns, no lines, so that `awk` and `column` read them too.

/// A heading and rows, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut lines = vec![line(&heading, &widths)];
    lines.extend(rows.iter().map(|row| line(&row.each_ref().map(String::as_str), &widths)));
    lines.join("\n")
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn line(cells: &[&str], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, widest)| format!("{cell:widest$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A text that a stranger chose, without control characters, which could rewrite what the terminal shows.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["a".to_owned(), "é".to_owned(), String::new()],
            ["bbb".to_owned(), "c".to_owned(), "d".to_owned()],
        ];
        assert_eq!(table(["ID", "NAME", "X"], &rows), "ID   NAME  X\na    é\nbbb  c     d");
        assert_eq!(table(["ID"], &[]), "ID");
    }

    #[test]
    fn names_cannot_write_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\n"), "a?[2Jb?");
    }
}
