//! The scrub: compares every row of the store with what the log said of it last. A row that was deleted, put back or
//! brought back to life behind Keyreeve's back opens as any other, and only the log knows better.

use std::collections::HashMap;

use keyreeve_audit::{Entry, FrameKind, Place, WrittenRow, index};
use keyreeve_crypto::digest::sha256;
use keyreeve_model::error::KmsError;
use keyreeve_store::Path;
use tokio::sync::mpsc;

use super::heads::left_in_outbox;
use super::{Ledger, is_recorded};
use crate::records::Records;

/// Rows read at once.
const PAGE: usize = 500;
/// Words read ahead.
const WORDS_AHEAD: usize = 1024;
/// Bytes of the log read at a time.
const READ_BYTES: usize = 1 << 20;
/// How often a row that seems to disagree is looked at. One that changes each time is left to the next scrub.
const LOOKS_MAX: usize = 16;
/// The most rows that are named: where more disagree, another store was put in place of this one.
const FINDINGS_MAX: usize = 1000;

/// How a row disagrees with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// The log knows it, and it is not there.
    Missing,
    /// Its value is not the one that was written last: an older one was put back.
    Replaced,
    /// It was deleted, and is there again.
    Resurrected,
    /// The log does not know it.
    Unknown,
}

/// A row that disagrees with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its path.
    pub path: String,
    /// How.
    pub disagreement: Disagreement,
}

impl Finding {
    /// For the operator.
    pub fn sentence(&self) -> String {
        let what = match self.disagreement {
            Disagreement::Missing => "was removed from the store",
            Disagreement::Replaced => "holds another value than the one that was written last",
            Disagreement::Resurrected => "was deleted, and is in the store again",
            Disagreement::Unknown => "is in the store, and Keyreeve never wrote it",
        };
        format!("The row {} {what}, behind Keyreeve's back.", self.path)
    }
}

/// Compares. Rows that change meanwhile are looked at again before anything is said of them.
///
/// # Errors
/// Store errors; [`KmsError::AuditUnavailable`] when the log cannot be read.
pub(crate) async fn scrub(ledger: &Ledger, records: &Records) -> Result<Vec<Finding>, KmsError> {
    let durable = ledger.journal().durable();
    let mut suspects = compare(ledger, records, durable).await?;
    let (mut findings, mut before) = (Vec::new(), News::default());
    for _ in 0..LOOKS_MAX {
        if suspects.is_empty() {
            break;
        }
        let news = News::after(ledger, records, durable, &suspects).await?;
        let mut undecided = Vec::new();
        for suspect in suspects {
            match news.verdict(&suspect) {
                None => {}
                Some(finding) if news.agrees_with(&before, &suspect.path) => findings.push(finding),
                Some(_) => undecided.push(suspect),
            }
        }
        (suspects, before) = (undecided, news);
    }
    Ok(findings)
}

/// A row and the last word on it, which do not agree at first sight.
#[derive(Debug)]
struct Suspect {
    path: String,
    word: Option<WrittenRow>,
}

/// Walks the sorted words and the sorted rows side by side.
async fn compare(ledger: &Ledger, records: &Records, durable: Place) -> Result<Vec<Suspect>, KmsError> {
    let mut words = read_words(ledger, durable);
    let (mut word, mut after, mut suspects) = (next(&mut words).await?, None, Vec::new());
    loop {
        let page = records.stored_page(after.as_ref(), PAGE).await?;
        for (path, row) in page.rows.iter().filter(|(path, _)| is_recorded(path.as_str())) {
            while let Some(missed) = word.take_if(|word| word.0.as_str() < path.as_str()) {
                suspects.extend(gone(missed));
                word = next(&mut words).await?;
            }
            let known = match word.take_if(|word| word.0 == path.as_str()) {
                Some(known) => {
                    word = next(&mut words).await?;
                    Some(known)
                }
                None => None,
            };
            if known.as_ref().and_then(|word| word.2.as_deref()) != Some(&hex::encode(sha256(&row.value))) {
                suspects.push(Suspect { path: path.as_str().to_owned(), word: known });
            }
        }
        if suspects.len() > FINDINGS_MAX {
            suspects.truncate(FINDINGS_MAX);
            return Ok(suspects);
        }
        match page.rows.into_iter().next_back() {
            Some((path, _)) if page.more => after = Some(path),
            Some(_) | None => break,
        }
    }
    while let Some(missed) = word {
        suspects.extend(gone(missed));
        word = next(&mut words).await?;
    }
    suspects.truncate(FINDINGS_MAX);
    Ok(suspects)
}

/// A row that is not there, unless it was deleted.
fn gone(word: WrittenRow) -> Option<Suspect> {
    word.2.is_some().then(|| Suspect { path: word.0.clone(), word: Some(word) })
}

type Words = mpsc::Receiver<std::io::Result<WrittenRow>>;

fn read_words(ledger: &Ledger, durable: Place) -> Words {
    let (send, receive) = mpsc::channel(WORDS_AHEAD);
    let folder = ledger.journal().folder().to_owned();
    drop(tokio::task::spawn_blocking(move || match index::words(&folder, durable) {
        Ok(words) => {
            for word in words {
                if send.blocking_send(word).is_err() {
                    break;
                }
            }
        }
        Err(error) => drop(send.blocking_send(Err(error))),
    }));
    receive
}

/// The next word on a row that is recorded.
async fn next(words: &mut Words) -> Result<Option<WrittenRow>, KmsError> {
    loop {
        match words.recv().await.transpose() {
            Ok(Some(word)) if !is_recorded(&word.0) => {}
            Ok(word) => return Ok(word),
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be read");
                return Err(KmsError::AuditUnavailable);
            }
        }
    }
}

/// What was written since the words were read.
#[derive(Default)]
struct News {
    rows: HashMap<String, Option<String>>,
    words: HashMap<String, WrittenRow>,
}

impl News {
    /// In this order: a change whose row is seen has its record in the outbox, or no longer there and then in the log.
    async fn after(
        ledger: &Ledger,
        records: &Records,
        durable: Place,
        suspects: &[Suspect],
    ) -> Result<Self, KmsError> {
        let mut news = Self { rows: HashMap::new(), words: HashMap::new() };
        for Suspect { path, .. } in suspects {
            let place = Path::parse(path).map_err(|_| KmsError::Internal)?;
            news.rows.insert(path.clone(), records.stored_hash(&place).await?);
        }
        for entry in left_in_outbox(records).await? {
            news.take(entry);
        }
        let mut after = durable;
        loop {
            let frames = ledger.journal().read(after, READ_BYTES).map_err(|_| KmsError::AuditUnavailable)?;
            let Some(last) = frames.last() else { return Ok(news) };
            after = last.number;
            for frame in frames.iter().filter(|frame| frame.kind == FrameKind::Entry) {
                if let Some(entry) = Entry::from_payload(&frame.payload) {
                    news.take(entry);
                }
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        for row in entry.rows.into_iter().filter(|row| self.rows.contains_key(&row.0)) {
            let known = self.words.entry(row.0.clone()).or_insert_with(|| row.clone());
            if row.1 >= known.1 {
                *known = row;
            }
        }
    }

    /// Whether an earlier look saw the same row and the same last word. The words are read after the rows: a word on a
    /// change that came between is newer than the row that was seen, and the next look sees another row or another word.
    fn agrees_with(&self, before: &Self, path: &str) -> bool {
        let number = |news: &Self| news.words.get(path).map(|word| word.1);
        self.rows.get(path) == before.rows.get(path) && number(self) == number(before)
    }

    /// What is wrong with the row, if anything is.
    fn verdict(&self, suspect: &Suspect) -> Option<Finding> {
        let found = self.rows.get(&suspect.path)?.as_deref();
        let newest = [self.words.get(&suspect.path), suspect.word.as_ref()].into_iter().flatten();
        let word = newest.max_by_key(|word| word.1);
        let disagreement = match (word.map(|word| word.2.as_deref()), found) {
            (None, None) | (Some(None), None) => return None,
            (Some(Some(said)), Some(found)) if said == found => return None,
            (Some(Some(_)), Some(_)) => Disagreement::Replaced,
            (Some(Some(_)), None) => Disagreement::Missing,
            (Some(None), Some(_)) => Disagreement::Resurrected,
            (None, Some(_)) => Disagreement::Unknown,
        };
        Some(Finding { path: suspect.path.clone(), disagreement })
    }
}
