//! The body of every operation: whatever it is, the answer is an answer or the client's fault, never a 5xx or a panic.

use keyreeve_service::catalogue::{CATALOGUE, Row};

use crate::rig::Rig;
use crate::seeded::Seeded;
use crate::tape::Tape;

/// They write where they are told to, or replace the root key.
const NOT_HARMLESS: &[&str] = &["AcceptRollback", "RootRotate", "StartBackup"];

fn rows() -> Vec<&'static Row> {
    CATALOGUE.iter().filter(|row| !NOT_HARMLESS.contains(&row.name)).collect()
}

target!(raw_bytes, 2000, {
    let (rig, rows) = (Rig::new(), rows());
    move |tape: &mut Tape<'_>| {
        let row = *tape.pick(&rows);
        rig.send(row, tape.rest());
    }
});

fn shaped(rig: &Rig, row: &'static Row, tape: &mut Tape<'_>) -> bool {
    let body = rig.pool.body(tape, row.name, row.input);
    rig.send(row, &body)
}

target!(bodies_of_the_shape_of_the_input, 5000, {
    let (rig, rows) = (Rig::new(), rows());
    move |tape: &mut Tape<'_>| {
        let row = *tape.pick(&rows);
        shaped(&rig, row, tape);
    }
});

/// What no body here can make answer: a token that an identity provider signed, login profiles (there are none), a
/// deployment with a folder, one that other Regions can reach, and what operator keys signed.
const ALWAYS_REFUSED: &[&str] = &[
    "AssumeRoleWithWebIdentity",
    "GetLoginProfile",
    "DeleteLoginProfile",
    "RootRotationStatus",
    "InitRegion",
    "TrustRegion",
    "UntrustRegion",
    "AddOperatorKey",
    "RemoveOperatorKey",
    "RequestConfirmation",
    "TakeHome",
    "ForcePromote",
];

/// Otherwise the target above would only ever see the first refusal.
#[test]
fn the_bodies_made_get_past_every_check_of_every_operation() {
    let (rig, tapes) = (Rig::new(), Seeded::new("reach", 1));
    let refused =
        |row: &'static Row| !(0..500).any(|case| shaped(&rig, row, &mut Tape::new(&tapes.tape(case))));
    let refused: Vec<&str> = rows().into_iter().filter(|row| refused(row)).map(|row| row.name).collect();
    assert_eq!(refused, ALWAYS_REFUSED);
}
