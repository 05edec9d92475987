//! Healing: from a state, all links work, everything that is sent arrives once and at once, and nobody asks for anything. Where
//! this fair schedule ends must be good. What was in flight before is lost in it; that it may still arrive, before, between
//! and after, is covered by the exploration, which takes the same steps.

use std::collections::VecDeque;

use crate::region::{deliver, sends};
use crate::state::{Each, Message, PLACES, Place, Row};
use crate::step::{Protocol, State, activate, waiting_for};

/// Rounds after which a schedule that has not come to rest never will. The longest that is needed is far shorter.
const ROUNDS_MAX: usize = 40;
/// Deliveries of one round, likewise.
const DELIVERIES_MAX: usize = 400;

/// What is wrong where healing from `state` ends, in either order of the Regions.
pub(crate) fn trouble_after_healing(model: &Protocol, state: &State) -> Option<&'static str> {
    let backwards = [Place::C, Place::B, Place::A];
    [PLACES, backwards].into_iter().find_map(|order| {
        let mut healing = State { network: Vec::new(), ..state.clone() };
        match heal(model, &mut healing, order) {
            Ok(()) => trouble(&healing),
            Err(endless) => Some(endless),
        }
    })
}

fn heal(model: &Protocol, state: &mut State, order: [Place; 3]) -> Result<(), &'static str> {
    for _ in 0..ROUNDS_MAX {
        let before = state.rows;
        for place in order {
            exchange(model, state, sends(model.rules, place, &state.rows[place]))?;
            let ready = state.rows[place]
                .key()
                .is_some_and(|key| key.acts(place) && waiting_for(model.rules, place, key).is_empty());
            if ready {
                activate(state, place, None);
            }
        }
        if state.rows == before {
            return Ok(());
        }
    }
    Err("healing does not end")
}

fn exchange(model: &Protocol, state: &mut State, messages: Vec<Message>) -> Result<(), &'static str> {
    let mut queue = VecDeque::from(messages);
    for _ in 0..DELIVERIES_MAX {
        let Some(message) = queue.pop_front() else { return Ok(()) };
        let here = message.to;
        let outcome = deliver(model.rules, here, &mut state.rows[here], &message);
        let answers = outcome.answers.into_iter();
        queue.extend(answers.map(|body| Message { from: here, to: message.from, body }));
    }
    Err("a conversation does not end")
}

/// What is wrong with a state at rest.
fn trouble(state: &State) -> Option<&'static str> {
    let keys = || PLACES.into_iter().filter_map(|place| Some((place, state.rows[place].key()?)));
    let mut primaries = keys().filter(|(place, key)| key.leads(*place));
    let Some((home, primary)) = primaries.next() else { return Some("no primary") };
    if primaries.next().is_some() {
        return Some("two primaries");
    }
    if !primary.acts(home) {
        return Some("Updating does not end");
    }
    if primary.shared.pending.is_some() {
        return Some("a rotation does not end");
    }
    if !state.diary.forced && primary.shared.current != state.diary.newest {
        return Some("a rotation is undone");
    }
    for place in PLACES {
        let member = primary.shared.members[place].is_some();
        match &state.rows[place] {
            Row::Absent | Row::Gone { .. } if member => return Some("a replica is listed that there is not"),
            Row::Gone { told: false, .. } => return Some("the end of a replica is told for ever"),
            Row::Absent | Row::Gone { .. } => {}
            Row::Present(_) if !member => return Some("a replica is not listed"),
            Row::Present(key) if key.shared != primary.shared => return Some("shared states differ"),
            Row::Present(key) if key.orphans != Each::default() => return Some("orphans are left"),
            Row::Present(key) if key.current != Some(primary.shared.current) => {
                return Some("a Region encrypts with another material");
            }
            Row::Present(key) if !state.diary.born.within(key.bytes) => {
                return Some("a Region lacks a material");
            }
            Row::Present(_) => {}
        }
    }
    None
}
