//! What is appended to the log: one CloudTrail record for one account, and the rows that its change wrote.
//!
//! The payload of a frame, big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 16 | id |
//! | 8 | time, milliseconds since the epoch |
//! | 12 | account |
//! | 1, n | length of the Region's name, the name |
//! | 4, n | length of the record, the record: JSON in UTF-8; empty for upkeep |
//! | rest | rows: JSON, `[["kms/…/key/…", 3, "<sha-256, hex>"], ["…", 4, null]]`; empty for none |

use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record's `eventID`. After a crash the log may hold an entry twice; readers keep the first of an id.
    pub id: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// The record's `recipientAccountId`.
    pub account: AccountId,
    /// The record's `awsRegion`.
    pub region: Region,
    /// The record, as JSON. Empty when Keyreeve wrote rows for its own upkeep (a flush of last uses, a rewrap).
    pub event: Vec<u8>,
    /// Every row that was written in the same commit.
    pub rows: Vec<WrittenRow>,
}

/// A row that a change wrote, as it must be found until another change says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenRow(
    /// Its path in the store.
    pub String,
    /// Its number among the values of the path.
    pub u64,
    /// SHA-256 of the sealed value, in hex; `None` where the row was deleted.
    pub Option<String>,
);

impl Entry {
    /// The payload of its frame.
    pub fn to_payload(&self) -> Vec<u8> {
        let rows = if self.rows.is_empty() { Vec::new() } else { rows_json(&self.rows) };
        let region = self.region.as_str().as_bytes();
        let mut payload = Vec::with_capacity(48 + region.len() + self.event.len() + rows.len());
        payload.extend_from_slice(self.id.as_bytes());
        payload.extend_from_slice(&self.time.as_millis().to_be_bytes());
        payload.extend_from_slice(self.account.to_string().as_bytes());
        payload.push(u8::try_from(region.len()).unwrap_or_default());
        payload.extend_from_slice(region);
        payload.extend_from_slice(&u32::try_from(self.event.len()).unwrap_or_default().to_be_bytes());
        payload.extend_from_slice(&self.event);
        payload.extend_from_slice(&rows);
        payload
    }

    /// Reads a payload; `None` when it has another form.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let (id, rest) = payload.split_first_chunk::<16>()?;
        let (millis, rest) = rest.split_first_chunk::<8>()?;
        let (account, rest) = rest.split_first_chunk::<12>()?;
        let (region_len, rest) = rest.split_first()?;
        let (region, rest) = rest.split_at_checked(usize::from(*region_len))?;
        let (event_len, rest) = rest.split_first_chunk::<4>()?;
        let (event, rows) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*event_len)).ok()?)?;
        Some(Self {
            id: Uuid::from_bytes(*id),
            time: Timestamp::from_millis(i64::from_be_bytes(*millis)),
            account: AccountId::parse(std::str::from_utf8(account).ok()?)?,
            region: Region::parse(std::str::from_utf8(region).ok()?)?,
            event: event.to_vec(),
            rows: if rows.is_empty() { Vec::new() } else { serde_json::from_slice(rows).ok()? },
        })
    }
}

/// Strings and numbers serialise without fail.
fn rows_json(rows: &[WrittenRow]) -> Vec<u8> {
    serde_json::to_vec(rows).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back_and_a_cut_one_does_not() {
        let rows = vec![WrittenRow("a/b".into(), 3, Some("ab".into())), WrittenRow("c".into(), 4, None)];
        for (event, rows) in [(&b"{}"[..], vec![]), (b"", rows.clone()), (b"{\"a\":1}", rows)] {
            let entry = Entry {
                id: Uuid::from_u128(7),
                time: Timestamp::from_millis(1_790_000_000_123),
                account: AccountId::parse("111122223333").unwrap(),
                region: Region::parse("eu-central-1").unwrap(),
                event: event.to_vec(),
                rows,
            };
            let payload = entry.to_payload();
            assert_eq!(Entry::from_payload(&payload), Some(entry));
            assert!((0..53).all(|cut| Entry::from_payload(&payload[..cut]).is_none()));
        }
    }
}
