//! The log as its files hold it, and what must be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keyreeve_audit::reading::Reading;
use keyreeve_audit::{Entry, FrameKind};
use serde_json::Value;

use crate::client::{Answered, Api};
use crate::failure::Failure;

/// Operations of the load that change nothing, by the beginnings of their names.
const READS: [&str; 6] = ["Decrypt", "Describe", "Encrypt", "Generate", "Get", "List"];

/// An event of the log.
#[derive(Debug)]
struct Event {
    record: Value,
    account: String,
    time: i64,
    rows: usize,
}

/// Every entry that holds an event, the first of each id, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Log {
    order: Vec<String>,
    by_id: BTreeMap<String, Event>,
    /// Ids by request and account.
    by_request: BTreeMap<(String, String), Vec<String>>,
    /// Entries whose id stood in the log before.
    pub(super) repeated: usize,
}

/// Whether an answer acknowledges a change.
pub(super) fn is_change(answered: &Answered) -> bool {
    answered.error.is_none() && !READS.iter().any(|name| answered.operation.starts_with(name))
}

/// CloudTrail's name for the code of an error.
fn error_code(answered: &Answered) -> Option<String> {
    let code = answered.error.as_deref()?;
    Some(match (answered.api, code) {
        (_, "AccessDeniedException") => "AccessDenied".to_owned(),
        (Api::Iam, code) if !code.ends_with("Exception") => format!("{code}Exception"),
        (Api::Kms | Api::CloudTrail | Api::Iam, code) => code.to_owned(),
    })
}

fn member<'r>(record: &'r Value, name: &str) -> Option<&'r str> {
    record.get(name).and_then(Value::as_str)
}

impl Log {
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let mut reading = Reading::new(folder.to_owned());
        let mut log = Self::default();
        while let Some(frame) = reading.next_frame().map_err(Failure::file(folder))? {
            if frame.kind != FrameKind::Entry {
                continue;
            }
            let odd = || Failure::Broken(format!("entry {} does not read", frame.number.0));
            let entry = Entry::from_payload(&frame.payload).ok_or_else(odd)?;
            if !entry.event.is_empty() {
                log.take(&entry).ok_or_else(odd)?;
            }
        }
        Ok(log)
    }

    pub(super) fn take(&mut self, entry: &Entry) -> Option<()> {
        let record: Value = serde_json::from_slice(&entry.event).ok()?;
        let (id, account) = (entry.id.to_string(), entry.account.to_string());
        if self.by_id.contains_key(&id) {
            self.repeated += 1;
            return Some(());
        }
        if let Some(request) = member(&record, "requestID") {
            self.by_request.entry((request.to_owned(), account.clone())).or_default().push(id.clone());
        }
        self.order.push(id.clone());
        let event = Event { record, account, time: entry.time.as_millis(), rows: entry.rows.len() };
        self.by_id.insert(id, event);
        Some(())
    }

    /// Events.
    pub(super) fn events(&self) -> usize {
        self.order.len()
    }

    /// Events of requests that got no answer.
    pub(super) fn unanswered(&self, answered: &[Answered]) -> usize {
        let answered: BTreeSet<&str> = answered.iter().map(|answered| answered.request_id.as_str()).collect();
        self.by_request.keys().filter(|(request, _)| !answered.contains(request.as_str())).count()
    }

    /// Ids of the account's events behind StartLogging and up to StopLogging.
    pub(super) fn between_start_and_stop(&self, account: &str) -> Vec<&str> {
        let named = |id: &str, name: &str| {
            self.by_id.get(id).is_some_and(|event| member(&event.record, "eventName") == Some(name))
        };
        let stopped = self.order.iter().find(|id| named(id, "StopLogging"));
        let stopped = stopped.and_then(|id| self.by_id.get(id));
        let stopped = stopped.map_or(i64::MAX, |event| event.time);
        let logged = self.order.iter().skip_while(|id| !named(id, "StartLogging")).skip(1);
        let wanted = |id: &&String| {
            self.by_id.get(*id).is_some_and(|event| event.account == account && event.time <= stopped)
        };
        logged.filter(wanted).map(String::as_str).collect()
    }

    /// Whether this is an event of this account.
    pub(super) fn has(&self, id: &str, account: &str) -> bool {
        self.by_id.get(id).is_some_and(|event| event.account == account)
    }

    /// Holds the log against the answers: a sentence for everything that is missing or wrong.
    pub(super) fn hold(&self, answered: &[Answered]) -> Vec<String> {
        let mut losses: Vec<String> = answered.iter().filter_map(|answered| self.loss(answered)).collect();
        let twice = self.by_request.iter().filter(|(_, ids)| ids.len() > 1);
        losses.extend(twice.map(|((request, account), ids)| {
            format!("request {request} has several events in account {account}: {ids:?}")
        }));
        let alarms = self
            .by_id
            .values()
            .filter(|event| member(&event.record, "eventName") == Some("AuditIntegrityAlarm"));
        losses.extend(alarms.map(|event| format!("a false alarm: {}", event.record)));
        losses
    }

    fn loss(&self, answered: &Answered) -> Option<String> {
        let Answered { request_id, who, api, operation, .. } = answered;
        let said = format!("{operation}, request {request_id}, answered {:?}", answered.error);
        let key = (request_id.clone(), who.account().to_owned());
        let Some(event) = self.by_request.get(&key).and_then(|ids| self.by_id.get(ids.first()?)) else {
            return Some(format!("{said}: not in the log"));
        };
        let record = &event.record;
        let code = error_code(answered);
        let source = format!("{}.amazonaws.com", api.service());
        if member(record, "eventName") != Some(operation)
            || member(record, "eventSource") != Some(&source)
            || member(record, "errorCode") != code.as_deref()
        {
            return Some(format!("{said}: its record says something else: {record}"));
        }
        (is_change(answered) && event.rows == 0).then(|| format!("{said}: a change without rows: {record}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::client::Who;
    use keyreeve_audit::WrittenRow;
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_model::timestamp::Timestamp;
    use serde_json::json;
    use uuid::Uuid;

    pub(in super::super) fn entry(
        number: u128,
        request: &str,
        name: &str,
        error: Option<&str>,
        rows: usize,
    ) -> Entry {
        let mut record =
            json!({ "requestID": request, "eventName": name, "eventSource": "kms.amazonaws.com" });
        if let Some(error) = error {
            record["errorCode"] = error.into();
        }
        Entry {
            id: Uuid::from_u128(number),
            time: Timestamp::from_millis(i64::try_from(number).unwrap()),
            account: AccountId::ZERO,
            region: Region::parse("us-east-1").unwrap(),
            event: record.to_string().into_bytes(),
            rows: (0..rows).map(|_| WrittenRow("p".to_owned(), 1, None)).collect(),
        }
    }

    fn answered(request: &str, operation: &str, error: Option<&str>) -> Answered {
        let (request_id, operation) = (request.to_owned(), operation.to_owned());
        Answered { request_id, who: Who::Owner, api: Api::Kms, operation, error: error.map(str::to_owned) }
    }

    #[test]
    fn a_missing_wrong_or_second_record_is_a_loss_and_a_repeated_entry_is_none() {
        let denied = ("AccessDeniedException", "AccessDenied");
        let ok = answered("r", "EnableKey", None);
        let refused = answered("r", "EnableKey", Some(denied.0));
        for (entries, answer, loss) in [
            (vec![entry(1, "r", "EnableKey", None, 1)], &ok, None),
            (vec![entry(1, "r", "EnableKey", None, 1), entry(1, "r", "EnableKey", None, 1)], &ok, None),
            (vec![entry(1, "r", "EnableKey", Some(denied.1), 0)], &refused, None),
            (vec![], &ok, Some("not in the log")),
            (vec![entry(1, "q", "EnableKey", None, 1)], &ok, Some("not in the log")),
            (vec![entry(1, "r", "EnableKey", None, 0)], &ok, Some("without rows")),
            (vec![entry(1, "r", "EnableKey", Some(denied.1), 1)], &ok, Some("something else")),
            (vec![entry(1, "r", "EnableKey", None, 1)], &refused, Some("something else")),
            (vec![entry(1, "r", "DisableKey", None, 1)], &ok, Some("something else")),
            (
                vec![entry(1, "r", "EnableKey", None, 1), entry(2, "r", "EnableKey", None, 1)],
                &ok,
                Some("several"),
            ),
        ] {
            let mut log = Log::default();
            entries.iter().for_each(|entry| log.take(entry).unwrap());
            let losses = log.hold(std::slice::from_ref(answer)).join("\n");
            assert_eq!(losses.is_empty(), loss.is_none(), "{losses}");
            assert!(losses.contains(loss.unwrap_or_default()), "{losses}");
        }
    }
}
