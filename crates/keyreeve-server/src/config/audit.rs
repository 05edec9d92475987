//! `[audit]`: how the audit log is written and how long it is kept, and where records and notices go. `destination.rs` has
//! the buckets of trails.

use std::path::{Path, PathBuf};

use super::destination::{self, BucketPlace};
use super::problem::Place;
use super::values::Values;
use crate::deployment::{AuditSettings, Mode};
use crate::http_client::Url;
use crate::streams::{Content, Endpoint, FeedSettings, Target};

/// How long the log is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days; `None` keeps everything.
    pub days: Option<u32>,
    /// Bytes; `None` sets no limit.
    pub bytes: Option<u64>,
    /// Where segments are put before they are purged.
    pub export_folder: Option<PathBuf>,
}

/// What `[audit]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// Records for which space is kept ready, for an hour.
    pub records_per_second: u64,
    /// Size of a segment file.
    pub segment_bytes: u64,
    /// How long the log is kept.
    pub retention: Retention,
    /// Keys of encryption contexts whose values are hashed in records.
    pub hashed_context_keys: Vec<String>,
    /// Streams and notices.
    pub feeds: Vec<FeedSettings>,
    /// Where the buckets of trails are.
    pub destinations: Vec<BucketPlace>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            records_per_second: AuditSettings::RECORDS_PER_SECOND,
            segment_bytes: AuditSettings::SEGMENT_BYTES,
            retention: Retention::default(),
            hashed_context_keys: Vec::new(),
            feeds: Vec::new(),
            destinations: Vec::new(),
        }
    }
}

impl AuditConfig {
    /// What a deployment needs to know to open its log.
    pub fn settings(&self) -> AuditSettings {
        AuditSettings {
            segment_bytes: self.segment_bytes,
            reserve_bytes: AuditSettings::reserve_bytes(self.records_per_second),
            hashed_context_keys: self.hashed_context_keys.clone(),
            ..AuditSettings::of(Mode::Serve)
        }
    }
}

pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;
/// Segments are read and indexed whole: beyond this a lookup would take long.
const SEGMENT_MIB_MAX: u64 = 1_024;

/// Everything of `[audit]`; what is wrong with it becomes problems.
pub(super) fn check(values: &mut Values, base: &Path) -> AuditConfig {
    let default = AuditConfig::default();
    let number = |values: &Values, name| values.count(name).and_then(|count| u64::try_from(count).ok());
    let segment_mib = number(values, "audit.segment_mib");
    if segment_mib.is_some_and(|mib| mib > SEGMENT_MIB_MAX) {
        let text = format!("audit.segment_mib is at most {SEGMENT_MIB_MAX}");
        values.refuse(values.place("audit.segment_mib"), text);
    }
    let days = number(values, "audit.retention_days").map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    let retention = Retention {
        days,
        bytes: number(values, "audit.retention_gib").map(|gib| gib.saturating_mul(GIB)),
        export_folder: super::path(values, "audit.export_folder", base),
    };
    if retention.export_folder.is_some() && retention.days.is_none() && retention.bytes.is_none() {
        let text = "audit.export_folder needs audit.retention_days or audit.retention_gib beside it: without them \
                    nothing is purged, and nothing put there";
        values.refuse(values.place("audit.export_folder"), text.to_owned());
    }
    let mut feeds = Vec::new();
    for content in [Content::Records, Content::Notices] {
        feeds.extend(check_feeds(values, base, content));
    }
    AuditConfig {
        records_per_second: number(values, "audit.records_per_second").unwrap_or(default.records_per_second),
        segment_bytes: segment_mib.map_or(default.segment_bytes, |mib| mib.saturating_mul(MIB)),
        retention,
        hashed_context_keys: values.texts("audit.hashed_context_keys").unwrap_or_default().to_vec(),
        feeds,
        destinations: destination::check(values, base),
    }
}

/// One row a kind of receiver.
struct Kind {
    content: Content,
    word: &'static str,
    /// The one setting that it needs; empty is none.
    needs: &'static str,
    /// What it may have besides.
    may: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind { content: Content::Records, word: "stdout", needs: "", may: &[] },
    Kind { content: Content::Records, word: "unix", needs: "path", may: &[] },
    Kind { content: Content::Records, word: "otlp", needs: "url", may: &["headers_file", "ca_file"] },
    Kind { content: Content::Notices, word: "webhook", needs: "url", may: &["token_file", "ca_file"] },
    Kind { content: Content::Notices, word: "unix", needs: "path", may: &[] },
];

/// Settings that not every kind has.
const OF_KINDS: [&str; 5] = ["path", "url", "headers_file", "token_file", "ca_file"];

fn check_feeds(values: &mut Values, base: &Path, content: Content) -> Vec<FeedSettings> {
    let list = format!("audit.{}", content.word());
    let mut feeds: Vec<FeedSettings> = Vec::new();
    for (index, place) in values.list(&list).into_iter().enumerate() {
        let table = Table { list: &list, prefix: format!("{list}.{index}"), place: place.clone(), base };
        let Some(feed) = table.feed(values, content) else { continue };
        if feeds.iter().any(|other| other.name == feed.name) {
            let text = format!("two {list} are named `{}`: give each its own name", feed.name);
            values.refuse(place, text);
        }
        feeds.push(feed);
    }
    feeds
}

/// One table of a list.
struct Table<'a> {
    list: &'a str,
    prefix: String,
    place: Place,
    base: &'a Path,
}

impl Table<'_> {
    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn path(&self, values: &Values, name: &str) -> Option<PathBuf> {
        super::path(values, &self.full(name), self.base)
    }

    fn refuse(&self, values: &mut Values, name: &str, text: String) {
        let own = values.place(&self.full(name));
        let place = if own == Place::Absent { self.place.clone() } else { own };
        values.refuse(place, text);
    }

    fn feed(&self, values: &mut Values, content: Content) -> Option<FeedSettings> {
        let kind = self.kind(values, content)?;
        let target = match (content, kind.needs) {
            (Content::Records, "url") => Target::Otlp(self.endpoint(values)?),
            (Content::Notices, "url") => Target::Webhook(self.endpoint(values)?),
            (_, "path") => Target::Unix(self.path(values, "path")?),
            _ => Target::Stdout,
        };
        let name = values.text(&self.full("name")).unwrap_or(target.kind()).to_owned();
        if !is_name(&name) {
            let text = format!("{}.name takes a-z, 0-9 and -, at most 32 of them", self.list);
            self.refuse(values, "name", text);
            return None;
        }
        let from_beginning = values.flag(&self.full("from_beginning"));
        Some(FeedSettings { name, content, target, from_beginning })
    }

    /// The row of its kind, if it has what that needs and nothing that belongs to another.
    fn kind(&self, values: &mut Values, content: Content) -> Option<&'static Kind> {
        let of_list = || KINDS.iter().filter(|kind| kind.content == content);
        let word = values.text(&self.full("kind")).map(str::to_owned);
        let Some(kind) = of_list().find(|kind| Some(kind.word) == word.as_deref()) else {
            let words: Vec<_> = of_list().map(|kind| format!("\"{}\"", kind.word)).collect();
            let found = word.map_or_else(|| "it is missing".to_owned(), |word| format!("this is `{word}`"));
            let name = format!("{}.kind", self.list);
            // A value that was given in a wrong shape has its problem already.
            if !values.problems.iter().any(|problem| problem.text.starts_with(&name)) {
                self.refuse(values, "kind", format!("{name} is one of {}, and {found}", words.join(", ")));
            }
            return None;
        };
        for name in OF_KINDS {
            let given = values.text(&self.full(name)).is_some();
            if name == kind.needs && !given {
                let text = format!("{} of kind \"{}\" needs {name}", self.list, kind.word);
                self.refuse(values, name, text);
            } else if name != kind.needs && given && !kind.may.contains(&name) {
                let text = format!("{}.{name} does not belong to the kind \"{}\"", self.list, kind.word);
                self.refuse(values, name, text);
            }
        }
        Some(kind)
    }

    fn endpoint(&self, values: &mut Values) -> Option<Endpoint> {
        let text = values.text(&self.full("url"))?.to_owned();
        match Url::parse(&text) {
            Ok(url) => Some(Endpoint {
                url,
                headers_file: self.path(values, "headers_file"),
                token_file: self.path(values, "token_file"),
                ca_file: self.path(values, "ca_file"),
            }),
            Err(fault) => {
                self.refuse(values, "url", format!("{}.url: `{text}` is {fault}", self.list));
                None
            }
        }
    }
}

/// It names a file, and is a label.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
