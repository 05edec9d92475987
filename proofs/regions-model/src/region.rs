//! One Region's half of the protocol: what it commits and answers when a message arrives, and what it may send at any time.
//! Pure: a row and a message in, the new row and messages out.

use crate::rules::{Rule, Rules};
use crate::state::{Body, Each, Key, Mark, Materials, Message, PLACES, Place, Row, Shared, Status, Term};

/// What became of a delivered message.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answers: Vec<Body>,
    /// A replica was made, of this life.
    pub(crate) made: Option<Mark>,
}

/// Whether one shared state is newer than another.
fn newer(rules: Rules, one: Mark, other: Mark) -> bool {
    if !rules.hold(Rule::EpochFirst) {
        return one.version > other.version;
    }
    if !rules.hold(Rule::TieBreak) {
        return (one.term.epoch, one.version) > (other.term.epoch, other.version);
    }
    one > other
}

fn higher(rules: Rules, one: Term, other: Term) -> bool {
    if rules.hold(Rule::TieBreak) { one > other } else { one.epoch > other.epoch }
}

/// Delivers a message to the Region `here`.
pub(crate) fn deliver(rules: Rules, here: Place, row: &mut Row, message: &Message) -> Outcome {
    let mut outcome = Outcome::default();
    match message.body {
        Body::Push(shared, bytes) => pushed(rules, here, row, shared, bytes, &mut outcome),
        Body::Promote(base) => promote(rules, here, row, base, &mut outcome),
        Body::NotedGone(life, term) => noted(row, life, term),
        Body::Have(status) => {
            if let Row::Present(key) = row {
                outcome.answers.extend(heard(rules, here, key, message.from, &status));
            }
        }
        Body::IsGone(since, mark) => {
            if let Row::Present(key) = row {
                learn(rules, here, key, mark.term);
                strike(rules, here, key, message.from, since);
            }
        }
        Body::ReplicaGone(since, mark) => {
            if let Row::Present(key) = row {
                if rules.hold(Rule::GoneTellsTerm) {
                    learn(rules, here, key, mark.term);
                }
                if key.leads(here) && (key.demoting == Some(message.from) || !frozen(rules, key)) {
                    strike(rules, here, key, message.from, since);
                    outcome.answers.push(Body::NotedGone(since, key.shared.mark.term));
                }
            }
        }
        Body::Refused(mark) => {
            if let Row::Present(key) = row
                && key.demoting.is_some()
                && (key.shared.mark == mark || !rules.hold(Rule::RefusalNamesItsTry))
            {
                key.demoting = None;
                change(key);
            }
        }
    }
    outcome
}

fn pushed(rules: Rules, here: Place, row: &mut Row, shared: Shared, bytes: Materials, outcome: &mut Outcome) {
    let Some(life) = shared.members[here] else { return };
    match row {
        Row::Gone { since, mark, .. } if entombed(rules, *since, *mark, life, shared.mark) => {
            outcome.answers.push(is_gone(rules, *since, *mark));
            return;
        }
        Row::Absent | Row::Gone { .. } => {
            let mut key = fresh(shared, bytes);
            settle(rules, here, &mut key);
            *row = Row::Present(key);
            outcome.made = Some(life);
        }
        Row::Present(key) => {
            let deaf = key.leads(here) && !rules.hold(Rule::Demote);
            if newer(rules, shared.mark, key.shared.mark) && !deaf {
                accept(rules, here, key, shared, bytes);
            } else if shared.mark == key.shared.mark && rules.hold(Rule::BytesOfSameMark) {
                key.bytes = key.bytes.and(bytes);
                settle(rules, here, key);
            }
        }
    }
    outcome.answers.extend(row.key().map(|key| Body::Have(status(rules, key))));
}

/// Whether a tombstone keeps a push from making the replica again.
fn entombed(rules: Rules, since: Mark, last: Mark, life: Mark, pushed: Mark) -> bool {
    let outdated = pushed.term < last.term && rules.hold(Rule::GoneTellsTerm);
    rules.hold(Rule::Tombstone) && (life <= since || outdated)
}

/// The answer of a tombstone. Without its last mark, a primary whose promotion was carried out, and whose target then promoted
/// somebody else and was deleted, would believe that nothing had happened.
fn is_gone(rules: Rules, since: Mark, last: Mark) -> Body {
    Body::IsGone(since, if rules.hold(Rule::GoneTellsTerm) { last } else { since })
}

/// A replica that is being made.
pub(crate) fn fresh(shared: Shared, bytes: Materials) -> Key {
    Key {
        shared,
        bytes,
        current: None,
        demoting: None,
        acked: Each::default(),
        pending_since: 0,
        refused: None,
        orphans: Each::default(),
    }
}

fn status(rules: Rules, key: &Key) -> Status {
    let mut status = key.status();
    if !rules.hold(Rule::ReportExtra) {
        status.extra = Materials::default();
    }
    if !rules.hold(Rule::ReportOrphans) {
        status.orphans = Each::default();
    }
    status
}

fn accept(rules: Rules, here: Place, key: &mut Key, shared: Shared, bytes: Materials) {
    let heard = key.shared.mark.term == shared.mark.term && key.shared.mark.version == 0;
    let forgets = heard && !rules.hold(Rule::HeardKeepsMembers);
    for place in PLACES {
        let members = key.shared.members[place].filter(|_| !forgets || place == here);
        let known = members.max(key.orphans[place]);
        let unknown = shared.members[place] < known && shared.gone[place] < known;
        key.orphans[place] = known.filter(|_| unknown);
    }
    if shared.mark.term != key.shared.mark.term {
        key.demoting = None;
        key.acked = Each::default();
    }
    key.shared = shared;
    key.bytes = key.bytes.and(bytes);
    settle(rules, here, key);
}

/// A replica begins to encrypt with what the shared state calls current, once it can.
pub(crate) fn settle(rules: Rules, here: Place, key: &mut Key) {
    if key.leads(here) {
        return;
    }
    let ready = match key.current {
        None => key.lacks().is_empty(),
        Some(_) => key.bytes.has(key.shared.current),
    };
    if ready || !rules.hold(Rule::CurrentNeedsBytes) {
        key.current = Some(key.shared.current);
    }
}

/// One more shared change at the primary.
pub(crate) fn change(key: &mut Key) {
    key.shared.mark.version += 1;
    key.shared.held = key.bytes;
    key.shared.listed = key.shared.listed.and(key.bytes);
}

/// Whether not even what replicas report may change the shared state: `Promote` may have been sent with it. Before that, an
/// Updating primary must still take in what they report, or a target that has something unlisted never gets ready.
fn frozen(rules: Rules, key: &Key) -> bool {
    let ready = |target: Place| key.acked[target] == Some(key.shared.mark.version);
    key.demoting.is_some_and(ready) && rules.hold(Rule::FrozenWhileUpdating)
}

/// Whoever hears of a higher term is no primary any more.
fn learn(rules: Rules, here: Place, key: &mut Key, term: Term) {
    if key.leads(here) && higher(rules, term, key.shared.mark.term) && rules.hold(Rule::Demote) {
        key.shared.mark = Mark { term, version: 0 };
        key.demoting = None;
        key.acked = Each::default();
    }
}

/// A Region's answer arrives at the primary; maybe its bytes are sent at once.
fn heard(rules: Rules, here: Place, key: &mut Key, from: Place, status: &Status) -> Option<Body> {
    learn(rules, here, key, status.mark.term);
    if !key.leads(here) || status.mark.term != key.shared.mark.term {
        return None;
    }
    let orphans: Vec<Place> = PLACES.into_iter().filter(|place| adoptable(key, *place, status)).collect();
    if !status.extra.within(key.bytes) || !orphans.is_empty() {
        if !frozen(rules, key) {
            key.bytes = key.bytes.and(status.extra);
            for place in orphans {
                key.shared.members[place] = status.orphans[place];
                key.acked[place] = None;
            }
            change(key);
        }
        return None;
    }
    let this_life = key.shared.members[from].is_some_and(|life| life <= status.mark);
    let counts = this_life || !rules.hold(Rule::AckOfThisLife);
    let whole = status.lacks.is_empty() || !rules.hold(Rule::AckMeansBytes);
    if counts && whole {
        key.acked[from] = key.acked[from].max(Some(status.mark.version));
    }
    let send = status.lacks.common(key.bytes);
    (!send.is_empty()).then_some(Body::Push(key.shared, send))
}

fn adoptable(key: &Key, place: Place, status: &Status) -> bool {
    let life = status.orphans[place];
    key.shared.members[place] < life && key.shared.gone[place] < life
}

/// Strikes off a replica whose life has ended.
fn strike(rules: Rules, here: Place, key: &mut Key, from: Place, since: Mark) {
    let named =
        key.shared.members[from].is_some_and(|life| life <= since || !rules.hold(Rule::GoneNamesSince));
    let promised = key.demoting == Some(from);
    if !key.leads(here) || frozen(rules, key) && !promised || !named {
        return;
    }
    if promised {
        // Who is gone accepts no promotion any more: Updating ends here.
        key.demoting = None;
    }
    key.shared.members[from] = None;
    key.acked[from] = None;
    if rules.hold(Rule::RememberGone) {
        key.shared.gone[from] = key.shared.gone[from].max(Some(since));
    }
    change(key);
}

fn noted(row: &mut Row, life: Mark, term: Term) {
    if let Row::Gone { mark, since, told } = row
        && *since == life
        && mark.term <= term
    {
        *told = true;
    }
}

/// Whether a promotion from this base would be accepted here.
pub(crate) fn would_accept(rules: Rules, key: &Key, base: &Shared) -> bool {
    let same_term = !higher(rules, key.shared.mark.term, base.mark.term);
    let exact = key.shared.mark == base.mark || !rules.hold(Rule::ExactBase);
    let full = key.lacks().is_empty() || !rules.hold(Rule::FullPush);
    let refused = key.refused.is_some_and(|refused| base.mark <= refused);
    same_term && exact && full && !refused
}

fn promote(rules: Rules, here: Place, row: &mut Row, base: Shared, outcome: &mut Outcome) {
    let key = match row {
        Row::Present(key) => key,
        Row::Absent => return,
        Row::Gone { since, mark, .. } => {
            outcome.answers.push(is_gone(rules, *since, *mark));
            return;
        }
    };
    if key.refused.is_some_and(|refused| base.mark <= refused) && key.shared.mark.term == base.mark.term {
        outcome.answers.push(Body::Refused(base.mark));
        return;
    }
    if would_accept(rules, key, &base) {
        if key.shared.mark < base.mark {
            key.shared = base;
        }
        key.current = Some(key.shared.current);
        lead(here, key, base.mark.term.epoch + 1);
    }
    outcome.answers.push(Body::Have(status(rules, key)));
}

/// This Region is the primary from here on, in a term of this epoch.
pub(crate) fn lead(here: Place, key: &mut Key, epoch: u8) {
    for place in PLACES {
        key.shared.members[place] = key.shared.members[place].max(key.orphans[place]);
        key.orphans[place] = None;
    }
    key.shared.mark = Mark { term: Term { epoch, primary: here }, version: 0 };
    change(key);
    key.pending_since = key.shared.mark.version;
    key.demoting = None;
    key.acked = Each::default();
}

/// What a Region may send at any time: whatever is not acknowledged yet.
pub(crate) fn sends(rules: Rules, here: Place, row: &Row) -> Vec<Message> {
    let to = |to, body| Message { from: here, to, body };
    let others = PLACES.into_iter().filter(|place| *place != here);
    match row {
        Row::Absent | Row::Gone { told: true, .. } => Vec::new(),
        Row::Gone { mark, since, told: false } => {
            others.map(|place| to(place, Body::ReplicaGone(*since, *mark))).collect()
        }
        Row::Present(key) if !key.leads(here) => Vec::new(),
        Row::Present(key) => {
            let newest = Some(key.shared.mark.version);
            let mut sends: Vec<Message> = others
                .filter(|place| key.shared.members[*place].is_some() && key.acked[*place] != newest)
                .map(|place| to(place, Body::Push(key.shared, Materials::default())))
                .collect();
            if let Some(target) = key.demoting
                && (key.acked[target] == newest || !rules.hold(Rule::FullPush))
            {
                sends.push(to(target, Body::Promote(key.shared)));
            }
            sends
        }
    }
}
