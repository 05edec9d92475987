//! A sweep over a list: a line is `BLOB`, `ID<TAB>BLOB` or `ID<TAB>BLOB<TAB>CONTEXT`, blobs in base64, contexts in JSON.
//! The answer has the same lines in the same order; one that could not be done is as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_model::limits::CIPHERTEXT_BYTES_MAX;

use super::journal::Journal;
use super::renewal::{Outcome, Renewer, Trouble};
use super::workers::{Done, Progress, each};
use super::{Plan, Tally};
use crate::kms::Call;

/// A line that is not blank.
struct Line<'t> {
    number: usize,
    text: &'t str,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
struct Parsed<'t> {
    id: Option<&'t str>,
    blob: &'t str,
    context: Option<&'t str>,
}

/// Where the journal of a sweep is that writes this file, unless somebody says otherwise.
#[must_use]
pub fn journal_beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".keyreeve-reencrypt");
    output.with_file_name(name)
}

/// Sweeps, with one thread for each caller; answers with the lines to write.
pub fn sweep<C: Call + Send>(
    plan: &Plan,
    journal: &Journal,
    text: &str,
    callers: Vec<C>,
    progress: Progress<'_>,
) -> (Tally, String) {
    let numbered = text.lines().enumerate().map(|(index, text)| Line { number: index + 1, text });
    let lines: Vec<Line<'_>> = numbered.filter(|line| !line.text.trim().is_empty()).collect();
    let renewer = Renewer::new(plan, journal);
    let renewed = Mutex::new(BTreeMap::new());
    let keep = |number, line| {
        renewed.lock().unwrap_or_else(PoisonError::into_inner).insert(number, line);
    };
    let tally = each(&lines, callers, progress, &name, &|call: &mut C, line: &Line<'_>| {
        let parsed = Parsed::of(line.text)?;
        let (new, done) = match renewer.renew(call, &parsed.blob()?, &parsed.context()?)? {
            Outcome::Current => return Ok(Done::Current),
            Outcome::Pending => return Ok(Done::Pending),
            Outcome::Renewed(new) => (new, Done::Renewed),
            Outcome::Resumed { new, sure } => (new, Done::Resumed { sure }),
        };
        keep(line.number, parsed.with(&new));
        Ok(done)
    });
    let mut renewed = renewed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| renewed.remove(&(index + 1)).unwrap_or_else(|| line.to_owned()));
    (tally, lines.map(|line| line + "\n").collect())
}

fn name(line: &Line<'_>) -> String {
    match Parsed::of(line.text) {
        Ok(Parsed { id: Some(id), .. }) => format!("line {}, {id}", line.number),
        Ok(_) | Err(_) => format!("line {}", line.number),
    }
}

impl<'t> Parsed<'t> {
    fn of(line: &'t str) -> Result<Self, Trouble> {
        let columns: Vec<&str> = line.split('\t').collect();
        match columns.as_slice() {
            [blob] => Ok(Self { id: None, blob, context: None }),
            [id, blob] => Ok(Self { id: Some(id), blob, context: None }),
            [id, blob, context] => Ok(Self { id: Some(id), blob, context: Some(context) }),
            _ => Err(Trouble::One("a line is BLOB, ID<TAB>BLOB or ID<TAB>BLOB<TAB>CONTEXT".to_owned())),
        }
    }

    fn blob(&self) -> Result<Vec<u8>, Trouble> {
        let blob = STANDARD.decode(self.blob.trim()).ok();
        blob.filter(|blob| (1..=CIPHERTEXT_BYTES_MAX).contains(&blob.len()))
            .ok_or_else(|| Trouble::One("its ciphertext is not base64 of 1 to 6144 bytes".to_owned()))
    }

    fn context(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let Some(text) = self.context.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        serde_json::from_str(text).map_err(|error| {
            Trouble::One(format!("its encryption context is not a JSON object of texts: {error}"))
        })
    }

    fn with(&self, new: &[u8]) -> String {
        let new = STANDARD.encode(new);
        let columns = [self.id, Some(new.as_str()), self.context];
        columns.into_iter().flatten().collect::<Vec<_>>().join("\t")
    }
}
