//! Whether an SPDX licence expression is satisfied by a list of accepted licences.
//! Grammar: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/ (and cargo's old `MIT/Apache-2.0`).

/// `None` when the text is not an expression.
pub(super) fn accepted(expression: &str, allowed: &[String]) -> Option<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().rev().collect();
    let verdict = any(&mut tokens, allowed)?;
    tokens.is_empty().then_some(verdict)
}

fn any(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    let mut verdict = all(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "OR").is_some() {
        // Not `||` alone: the right side has to be read even when the left already holds.
        let right = all(tokens, allowed)?;
        verdict = verdict || right;
    }
    Some(verdict)
}

fn all(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    let mut verdict = one(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "AND").is_some() {
        let right = one(tokens, allowed)?;
        verdict = verdict && right;
    }
    Some(verdict)
}

fn one(tokens: &mut Vec<&str>, allowed: &[String]) -> Option<bool> {
    let token = tokens.pop()?;
    match token {
        "(" => {
            let verdict = any(tokens, allowed)?;
            tokens.pop_if(|token| *token == ")").map(|_| verdict)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        licence if tokens.pop_if(|token| *token == "WITH").is_some() => {
            let exception = tokens.pop()?;
            Some(allowed.contains(&format!("{licence} WITH {exception}")))
        }
        licence => Some(allowed.iter().any(|name| name == licence)),
    }
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn expressions_are_decided() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for (expression, wanted) in [
            ("MIT", Some(true)),
            ("GPL-3.0-only", Some(false)),
            ("MIT OR GPL-3.0-only", Some(true)),
            ("GPL-3.0-only OR MIT", Some(true)),
            ("MIT/GPL-3.0-only", Some(true)),
            ("MIT AND GPL-3.0-only", Some(false)),
            ("ISC AND (GPL-3.0-only OR ISC)", Some(true)),
            ("ISC AND (GPL-3.0-only OR ISC) AND BSD-3-Clause", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Apache-2.0", Some(false)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT GPL-3.0-only", None),
        ] {
            assert_eq!(accepted(expression, &allowed), wanted, "{expression}");
        }
    }
}
