//! The steps that the model takes: what users and operators ask for, within bounds, and messages that arrive.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Mutex;

use stateright::{Model, Property};

use crate::promise;
use crate::region::{change, deliver, fresh, lead, sends, settle, would_accept};
use crate::rules::{Rule, Rules};
use crate::state::{
    Body, Each, Key, Mark, Materials, Message, PLACES, Place, Row, Rows, Shared, Status, Term,
};

/// How often each thing may happen in one history. Deliveries, losses, repetitions and crashes are not bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Budget {
    /// All of the following together.
    pub(crate) steps: u8,
    pub(crate) rotations: u8,
    pub(crate) replications: u8,
    pub(crate) deletions: u8,
    pub(crate) promotions: u8,
    pub(crate) forced: u8,
    /// Replicas that a rotation does not wait for.
    pub(crate) unreachable: u8,
    /// Promotions that the target refuses for a reason of its own.
    pub(crate) refusals: u8,
    /// Materials that a Region asks others for, to decrypt.
    pub(crate) pulls: u8,
}

/// What the promises need to know of the past. No rule reads it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Diary {
    /// Materials that were pending or current anywhere.
    pub(crate) born: Materials,
    pub(crate) count: u8,
    /// What was made current last.
    pub(crate) newest: u8,
    pub(crate) forced: bool,
    /// A material was made current that a reachable replica lacked.
    pub(crate) hasty: bool,
    /// Lives of replicas that are over.
    pub(crate) ended: Vec<(Place, Mark)>,
    /// A life that was over began again.
    pub(crate) risen: bool,
}

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) rows: Rows,
    /// Messages that were sent, in order; each may arrive at any time, again and again.
    pub(crate) network: Vec<Message>,
    pub(crate) budget: Budget,
    pub(crate) diary: Diary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Deliver(Message),
    /// The target of a promotion refuses it, for a state that its own key is in.
    Refuse(Message),
    Rotate(Place),
    /// Makes the pending material current, without waiting for this Region.
    Activate(Place, Option<Place>),
    Replicate(Place, Place),
    /// The waiting period of a replica has passed.
    Delete(Place),
    UpdatePrimary(Place, Place),
    ForcePromote(Place),
    /// The first Region gets a material from the second.
    Pull(Place, Place, u8),
}

/// The protocol with these rules, within these bounds.
#[derive(Debug)]
pub(crate) struct Protocol {
    pub(crate) rules: Rules,
    pub(crate) budget: Budget,
    /// Regions that have the key at the start; A is its primary.
    pub(crate) regions: &'static [Place],
    /// Whether messages that can change nothing any more are forgotten.
    pub(crate) forgetful: bool,
    /// What healing was found to lead to.
    pub(crate) healed: Mutex<HashMap<u64, bool>>,
}

impl Protocol {
    fn first(&self) -> State {
        let term = Term { epoch: 1, primary: Place::A };
        let mark = Mark { term, version: 1 };
        let (one, mut members) = (Materials::one(0), Each::default());
        for place in self.regions {
            members[*place] = Some(mark);
        }
        let gone = Each::default();
        let shared = Shared { mark, members, gone, listed: one, held: one, current: 0, pending: None };
        let mut rows = Each::of(Row::Absent);
        for place in self.regions {
            let mut key = fresh(shared, one);
            key.current = Some(0);
            if *place == Place::A {
                self.regions.iter().for_each(|place| key.acked[*place] = Some(1));
            }
            rows[*place] = Row::Present(key);
        }
        let diary = Diary { born: one, count: 1, ..Diary::default() };
        State { rows, network: Vec::new(), budget: self.budget, diary }
    }

    fn send(&self, state: &mut State, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            if let Err(at) = state.network.binary_search(&message) {
                state.network.insert(at, message);
            }
        }
    }

    /// Forgets what can change nothing, and sends what may be sent.
    fn post(&self, state: &mut State) {
        if self.forgetful {
            let rows = state.rows;
            state.network.retain(|message| !is_idle(&rows, message));
        }
        for place in PLACES {
            let messages = sends(self.rules, place, &state.rows[place]);
            self.send(state, messages);
        }
    }

    fn arrive(&self, state: &mut State, message: &Message) {
        let here = message.to;
        let outcome = deliver(self.rules, here, &mut state.rows[here], message);
        if let Some(life) = outcome.made {
            state.diary.risen |= state.diary.ended.contains(&(here, life));
        }
        let answers = outcome.answers.into_iter();
        self.send(state, answers.map(|body| Message { from: here, to: message.from, body }));
    }

    /// What may be asked of the Region `here`.
    fn asked(&self, state: &State, here: Place, steps: &mut Vec<Step>) {
        let (Row::Present(key), budget) = (state.rows[here], state.budget) else { return };
        let updating = !self.rules.hold(Rule::FrozenWhileUpdating) && key.leads(here);
        if key.acts(here) || updating {
            if key.shared.pending.is_none() && budget.rotations > 0 {
                steps.push(Step::Rotate(here));
            }
            let absent = |place: &Place| key.shared.members[*place].is_none();
            if budget.replications > 0 {
                steps.extend(PLACES.into_iter().filter(absent).map(|to| Step::Replicate(here, to)));
            }
            let other = |place: &Place| *place != here && !absent(place);
            if budget.promotions > 0 && key.demoting.is_none() {
                steps.extend(PLACES.into_iter().filter(other).map(|to| Step::UpdatePrimary(here, to)));
            }
        } else if !key.leads(here) && key.current.is_some() {
            let held = key.bytes.within(key.shared.held) && key.shared.mark.version > 0;
            let known = key.orphans == Each::default();
            if budget.deletions > 0 && (held && known || !self.rules.hold(Rule::DeleteOnlyWhatIsHeld)) {
                steps.push(Step::Delete(here));
            }
            if budget.forced > 0 {
                steps.push(Step::ForcePromote(here));
            }
        }
        if budget.pulls > 0 && !key.leads(here) {
            let lacked = state.diary.born.without(key.bytes);
            for from in PLACES {
                let found = state.rows[from].key().map(|key| key.bytes.common(lacked)).unwrap_or_default();
                steps.extend(found.each().map(|material| Step::Pull(here, from, material)));
            }
        }
    }

    fn take(&self, state: &mut State, step: Step) -> Option<()> {
        let Budget { steps, .. } = &mut state.budget;
        if !matches!(step, Step::Deliver(_) | Step::Activate(_, None)) {
            *steps = steps.checked_sub(1)?;
        }
        let budget = &mut state.budget;
        match step {
            Step::Deliver(message) => self.arrive(state, &message),
            Step::Refuse(message) => {
                budget.refusals -= 1;
                let Body::Promote(base) = message.body else { return None };
                let Row::Present(key) = &mut state.rows[message.to] else { return None };
                if self.rules.hold(Rule::RefusalIsPromise) {
                    key.refused = Some(base.mark);
                }
                let answer = Body::Refused(base.mark);
                self.send(state, [Message { from: message.to, to: message.from, body: answer }]);
            }
            Step::Rotate(here) => {
                budget.rotations -= 1;
                let Row::Present(key) = &mut state.rows[here] else { return None };
                let material = state.diary.count;
                key.bytes = key.bytes.and(Materials::one(material));
                key.shared.pending = Some(material);
                change(key);
                key.pending_since = key.shared.mark.version;
                state.diary.count += 1;
                state.diary.born = state.diary.born.and(Materials::one(material));
            }
            Step::Activate(here, skipped) => {
                budget.unreachable -= u8::from(skipped.is_some());
                activate(state, here, skipped)?;
            }
            Step::Replicate(here, to) => {
                budget.replications -= 1;
                let Row::Present(key) = &mut state.rows[here] else { return None };
                change(key);
                key.shared.members[to] = Some(key.shared.mark);
            }
            Step::Delete(here) => {
                budget.deletions -= 1;
                let key = *state.rows[here].key()?;
                let since = key.shared.members[here].max(key.orphans[here])?;
                state.rows[here] = Row::Gone { mark: key.shared.mark, since, told: false };
                state.diary.ended.push((here, since));
            }
            Step::UpdatePrimary(here, to) => {
                budget.promotions -= 1;
                let Row::Present(key) = &mut state.rows[here] else { return None };
                key.demoting = Some(to);
            }
            Step::ForcePromote(here) => {
                budget.forced -= 1;
                let Row::Present(key) = &mut state.rows[here] else { return None };
                force(here, key)?;
                state.diary.forced = true;
            }
            Step::Pull(here, _, material) => {
                budget.pulls -= 1;
                let Row::Present(key) = &mut state.rows[here] else { return None };
                key.bytes = key.bytes.and(Materials::one(material));
                settle(self.rules, here, key);
            }
        }
        Some(())
    }

    /// Activations that the rules allow now.
    fn activations(&self, state: &State, here: Place, steps: &mut Vec<Step>) {
        let Some(key) = state.rows[here].key() else { return };
        if !key.acts(here) || key.shared.pending.is_none() {
            return;
        }
        let waiting = waiting_for(self.rules, here, key);
        match waiting.as_slice() {
            [] => steps.push(Step::Activate(here, None)),
            [one] if state.budget.unreachable > 0 => steps.push(Step::Activate(here, Some(*one))),
            [..] => {}
        }
    }
}

/// Replicas that a pending material still waits for.
pub(crate) fn waiting_for(rules: Rules, here: Place, key: &Key) -> Vec<Place> {
    let waits = |place: &Place| {
        *place != here
            && key.shared.members[*place].is_some()
            && key.acked[*place] < Some(key.pending_since)
            && rules.hold(Rule::WaitForAcks)
    };
    PLACES.into_iter().filter(waits).collect()
}

/// The pending material becomes current.
pub(crate) fn activate(state: &mut State, here: Place, skipped: Option<Place>) -> Option<()> {
    let Row::Present(mut key) = state.rows[here] else { return None };
    let material = key.shared.pending.take()?;
    for place in PLACES {
        let same_life =
            |other: &&Key| other.shared.members[place].max(other.orphans[place]) == key.shared.members[place];
        let lacks = state.rows[place].key().filter(same_life).is_some_and(|other| !other.bytes.has(material));
        state.diary.hasty |= lacks && Some(place) != skipped;
    }
    key.shared.current = material;
    key.current = Some(material);
    change(&mut key);
    state.diary.newest = material;
    state.rows[here] = Row::Present(key);
    Some(())
}

fn force(here: Place, key: &mut Key) -> Option<()> {
    let epoch = key.shared.mark.term.epoch + 1;
    key.shared.current = key.current?;
    key.shared.pending = key.shared.pending.filter(|material| key.bytes.has(*material));
    lead(here, key, epoch);
    Some(())
}

/// Whether a message can change nothing any more, and its answer is not waited for, or would be given again to what the
/// asker sends anyway. Such messages are forgotten; a test compares with an exploration that forgets none.
fn is_idle(rows: &Rows, message: &Message) -> bool {
    let from = message.from;
    match (&rows[message.to], &message.body) {
        (Row::Present(key), Body::Push(shared, bytes)) => {
            shared.mark < key.shared.mark || shared.mark == key.shared.mark && bytes.within(key.bytes)
        }
        (Row::Gone { since, .. }, Body::Push(shared, _)) => shared.members[message.to] <= Some(*since),
        (Row::Present(key), Body::Promote(base)) => base.mark < key.shared.mark,
        (Row::Present(key), Body::Have(status)) => match status.mark.term.cmp(&key.shared.mark.term) {
            Ordering::Less => true,
            Ordering::Equal => !key.leads(message.to) || says_nothing_new(key, from, &rows[from], status),
            Ordering::Greater => false,
        },
        (Row::Present(key), Body::Refused(mark)) => *mark < key.shared.mark,
        (Row::Present(key), Body::IsGone(since, last)) => {
            key.leads(message.to) && last.term <= key.shared.mark.term && !lists(key, from, *since)
        }
        (Row::Present(key), Body::ReplicaGone(since, last)) => {
            let waits = matches!(&rows[from], Row::Gone { since: life, told: false, .. } if life == since);
            key.leads(message.to) && last.term <= key.shared.mark.term && !lists(key, from, *since) && !waits
        }
        (Row::Gone { told, since, .. }, Body::NotedGone(life, _)) => *told || life < since,
        (Row::Present(_) | Row::Absent, Body::NotedGone(..)) => true,
        (Row::Absent | Row::Gone { .. }, _) => false,
    }
}

fn lists(key: &Key, from: Place, since: Mark) -> bool {
    key.shared.members[from].is_some_and(|life| life <= since)
}

/// Whether an answer in its own term tells a primary nothing: what is reported is there, what is lacking has arrived, and
/// the acknowledgement is known or does not count.
fn says_nothing_new(key: &Key, from: Place, row: &Row, status: &Status) -> bool {
    let reported = status.extra.within(key.bytes)
        && PLACES.into_iter().all(|place| {
            let life = status.orphans[place];
            life <= key.shared.members[place] || life <= key.shared.gone[place]
        });
    let arrived = row.key().is_none_or(|key| status.lacks.within(key.bytes));
    let of_this_life = key.shared.members[from].is_some_and(|life| life <= status.mark);
    let counts = of_this_life && status.lacks.is_empty();
    reported && arrived && (!counts || key.acked[from] >= Some(status.mark.version))
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend(state.network.iter().copied().map(Step::Deliver));
        for here in PLACES {
            self.activations(state, here, steps);
        }
        if state.budget.steps == 0 {
            return;
        }
        for here in PLACES {
            self.asked(state, here, steps);
        }
        if state.budget.refusals > 0 {
            let refusable = |message: &&Message| {
                let Body::Promote(base) = &message.body else { return false };
                state.rows[message.to].key().is_some_and(|key| would_accept(self.rules, key, base))
            };
            steps.extend(state.network.iter().filter(refusable).copied().map(Step::Refuse));
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        self.take(&mut state, step)?;
        self.post(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promise::PROMISES.iter().map(|promise| Property::always(promise.name, promise.holds)).collect()
    }
}
