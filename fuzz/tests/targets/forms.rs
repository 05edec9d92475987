//! Forms of the query protocol, under the shape of every operation's input: refused, or JSON of its members and not much
//! longer than the form.

use keyreeve_server::doors::members_of_form;
use keyreeve_service::catalogue::{CATALOGUE, Row};
use serde_json::{Map, Value};

use crate::tape::Tape;

const PIECES: &[&str] = &[
    ".member",
    ".entry",
    ".1",
    ".2",
    ".0",
    ".01",
    ".4294967295",
    ".4294967296",
    ".key",
    ".value",
    ".Key",
    ".TagKey",
    ".TagValue",
    ".",
    "=",
    "=1",
    "=true",
    "=2026-01-02T03:04:05Z",
    "&",
    "%",
    "%41",
    "%ff",
    "+",
    "\u{1}",
];

/// One control character becomes six of JSON; names and punctuation are shorter than they were in the form.
const GROWTH_MAX: usize = 6;

fn check(row: &'static Row, body: &[u8]) {
    let Some(json) = members_of_form(body, row.input) else { return };
    assert!(json.len() <= GROWTH_MAX * body.len() + 2, "{} {}", row.name, String::from_utf8_lossy(body));
    let members: Map<String, Value> = serde_json::from_slice(&json).unwrap();
    for name in members.keys() {
        assert!(row.input.members.iter().any(|member| member.name == name), "{} {name}", row.name);
    }
}

/// Names of the shape's members, with pieces behind them.
fn form(tape: &mut Tape<'_>, row: &'static Row) -> String {
    let mut form = String::new();
    for _ in 0..tape.below(12) {
        if !row.input.members.is_empty() {
            form.push_str(tape.pick(row.input.members).name);
        }
        form.push_str(&tape.pieces(PIECES, 8));
        form.push('&');
    }
    form
}

target!(any_bytes, 4000, |tape: &mut Tape<'_>| {
    let row = tape.pick(CATALOGUE);
    check(row, tape.rest());
});

target!(names_of_the_shape_of_the_input, 10_000, |tape: &mut Tape<'_>| {
    let row = tape.pick(CATALOGUE);
    check(row, form(tape, row).as_bytes());
});

/// Otherwise the target above would only ever see refusals.
#[test]
fn some_of_the_forms_made_are_read() {
    let tapes = crate::seeded::Seeded::new("forms", 1);
    let read = (0..500).any(|case| {
        let tape = tapes.tape(case);
        let mut tape = Tape::new(&tape);
        let row = tape.pick(CATALOGUE);
        members_of_form(form(&mut tape, row).as_bytes(), row.input).is_some_and(|json| json.len() > 10)
    });
    assert!(read);
}
