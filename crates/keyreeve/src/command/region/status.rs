//! `keyreeve region status` in words: who answers, how far the Regions are apart, and what is to be done about it.

use serde_json::Value;

use super::{elements, is_true, text};
use crate::table::{plain, table};
use crate::terminal;

/// Paths that are shown of what was lost; the rest is counted.
const LOST_SHOWN: usize = 10;

/// What an operator reads.
pub(super) fn words(reply: &Value) -> String {
    let own = format!("This Region: {}", plain(text(reply, "Region")));
    let peers = elements(reply, "Peers");
    let identities = identities(reply, peers);
    if peers.is_empty() {
        return format!("{own}{identities}\nIt trusts no other Region yet: `keyreeve region trust FILE`.");
    }
    let rows: Vec<_> = peers.iter().map(row).collect();
    let heading = ["REGION", "STATE", "LAST CONTACT", "KEYS BEHIND", "CLOCK AHEAD (S)", "TROUBLE"];
    let there: String = peers.iter().map(disagreement).collect();
    format!("{own}{identities}\n{}{there}", table(heading, &rows))
}

fn row(peer: &Value) -> [String; 6] {
    let state = if is_true(peer, "Reachable") { "reachable" } else { "UNREACHABLE" };
    let number = |name| peer.get(name).map(Value::to_string).unwrap_or_default();
    [
        plain(text(peer, "Region")),
        state.to_owned(),
        terminal::instant(peer.get("LastContact")),
        number("KeysBehind"),
        number("ClockAheadSeconds"),
        plain(text(peer, "Trouble")),
    ]
}

/// Where the identities of this Region are kept, and how it stands about them.
fn identities(reply: &Value, peers: &[Value]) -> String {
    let home = peers.iter().find(|peer| is_true(peer, "Home")).map(|peer| plain(text(peer, "Region")));
    let mut words = match (&home, reply.get("IdentitiesAgreed")) {
        (None, _) => String::new(),
        (Some(home), None) => format!("\nIdentities have not agreed with their home {home} yet"),
        (Some(home), agreed) => {
            format!("\nIdentities agreed with their home {home} at {}", terminal::instant(agreed))
        }
    };
    if let Some(trouble) = reply.get("IdentitiesTrouble").and_then(Value::as_str) {
        let since = terminal::instant(reply.get("IdentitiesTroubleSince"));
        words.push_str(&format!("\n  They do not agree since {since}: {}", plain(trouble)));
    }
    if let Some(outdated) = reply.get("IdentitiesOutdated").and_then(Value::as_str) {
        words.push_str(&format!("\n  {}", plain(outdated)));
    }
    if let Some(doubt) = reply.get("HomeInDoubt").and_then(Value::as_str) {
        words.push_str(&format!("\n  {}", plain(doubt)));
    }
    if let Some(lost) = reply.get("IdentitiesReplaced") {
        words.push_str(&replaced(lost));
    }
    words
}

/// What this Region had when it was the home, and the present home had not.
fn replaced(lost: &Value) -> String {
    let (count, paths) =
        (lost.get("Rows").and_then(Value::as_u64).unwrap_or_default(), elements(lost, "Paths"));
    let mut words = format!(
        "\n  When another Region took them over, {count} of them were other ones here, and are replaced. Make again in the \
         home what is missed there:"
    );
    for path in paths.iter().take(LOST_SHOWN) {
        words.push_str(&format!("\n    {}", plain(path.as_str().unwrap_or_default())));
    }
    let more = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(paths.len().min(LOST_SHOWN));
    if more > 0 {
        words.push_str(&format!(
            "\n    and {more} more: `keyreeve region status --json`, and the log of this server"
        ));
    }
    words
}

/// What another Region says of its identities, where that is not what it should be.
fn disagreement(peer: &Value) -> String {
    let Some(trouble) = peer.get("IdentitiesTrouble").and_then(Value::as_str) else { return String::new() };
    let since = match peer.get("IdentitiesTroubleSince") {
        None => String::new(),
        since => format!(" since {}", terminal::instant(since)),
    };
    format!("\nIdentities in {} do not agree{since}: {}", plain(text(peer, "Region")), plain(trouble))
}
