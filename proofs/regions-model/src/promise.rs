//! What the protocol promises, in every reachable state and after healing from every reachable state.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::healing::trouble_after_healing;
use crate::rules::Rule;
use crate::state::{Key, PLACES, Place};
use crate::step::{Protocol, State};

/// A promise and the function that looks at a state.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) name: &'static str,
    pub(crate) holds: fn(&Protocol, &State) -> bool,
}

pub(crate) const ONE_PRIMARY: &str = "one primary a term, and without a forced promotion one at all";
pub(crate) const NOTHING_LOST: &str = "no material that was ever pending or current is lost";
pub(crate) const STAGED: &str = "nothing becomes current that a reachable replica lacks";
pub(crate) const OWN_CIPHERTEXT: &str = "a Region can decrypt what it encrypts";
pub(crate) const NO_RESURRECTION: &str = "a deleted replica is made again only by a later ReplicateKey";
pub(crate) const AGREEMENT: &str = "what has one mark is the same everywhere";
pub(crate) const HEALING: &str = "healing ends with one primary, equal and whole replicas";

pub(crate) const PROMISES: &[Promise] = &[
    Promise { name: ONE_PRIMARY, holds: one_primary },
    Promise { name: NOTHING_LOST, holds: nothing_lost },
    Promise { name: STAGED, holds: |_, state| !state.diary.hasty },
    Promise { name: OWN_CIPHERTEXT, holds: own_ciphertext },
    Promise { name: NO_RESURRECTION, holds: |_, state| !state.diary.risen },
    Promise { name: AGREEMENT, holds: agreement },
    Promise { name: HEALING, holds: heals },
];

fn keys(state: &State) -> impl Iterator<Item = (Place, &Key)> {
    PLACES.into_iter().filter_map(|place| Some((place, state.rows[place].key()?)))
}

fn pairs(state: &State) -> impl Iterator<Item = ((Place, &Key), (Place, &Key))> {
    keys(state)
        .flat_map(|one| keys(state).filter(move |other| one.0 < other.0).map(move |other| (one, other)))
}

fn one_primary(model: &Protocol, state: &State) -> bool {
    let changes = |place: Place, key: &Key| {
        key.acts(place) || key.leads(place) && !model.rules.hold(Rule::FrozenWhileUpdating)
    };
    pairs(state).all(|((here, one), (there, other))| {
        let both = changes(here, one) && changes(there, other);
        let same_epoch = one.shared.mark.term.epoch == other.shared.mark.term.epoch;
        let same = if model.rules.hold(Rule::TieBreak) {
            one.shared.mark.term == other.shared.mark.term
        } else {
            same_epoch
        };
        !both || state.diary.forced && !same
    })
}

fn nothing_lost(_: &Protocol, state: &State) -> bool {
    let held =
        keys(state).fold(Default::default(), |held: crate::state::Materials, (_, key)| held.and(key.bytes));
    state.diary.born.within(held)
}

fn own_ciphertext(_: &Protocol, state: &State) -> bool {
    keys(state).all(|(_, key)| key.current.is_none_or(|current| key.bytes.has(current)))
}

fn agreement(_: &Protocol, state: &State) -> bool {
    pairs(state).all(|((_, one), (_, other))| {
        let same = one.shared.mark == other.shared.mark && one.shared.mark.version > 0;
        !same || one.shared == other.shared
    })
}

fn heals(model: &Protocol, state: &State) -> bool {
    let diary = &state.diary;
    let mut print = DefaultHasher::new();
    (&state.rows, diary.born, diary.newest, diary.forced).hash(&mut print);
    let print = print.finish();
    let known = |healed: &std::collections::HashMap<u64, bool>| healed.get(&print).copied();
    if let Some(held) = model.healed.lock().ok().and_then(|healed| known(&healed)) {
        return held;
    }
    let held = trouble_after_healing(model, state).is_none();
    if let Ok(mut healed) = model.healed.lock() {
        healed.insert(print, held);
    }
    held
}
