//! The memory proof: secrets are planted, a load runs, its connections close; then the process's memory, its folder,
//! its logs and a core attempt are searched for them, in every usual form.

mod core_file;
mod load;
mod scan;
mod secret;
mod unsealing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Setting;
use crate::chance::Chance;
use crate::client::Kms;
use crate::crash::keep;
use crate::failure::Failure;
use crate::report::{bar, say};
use crate::server::{Launch, Server};
use scan::{Haystack, Hit, Region};
use secret::{Home, Needle, Secret, needles};

/// How long the server may take to notice that a connection was closed.
const CLOSING: (u32, Duration) = (1000, Duration::from_millis(10));

/// Runs the proof.
///
/// # Errors
/// [`Failure::Broken`] when a secret is where it must not be.
pub(crate) async fn run(setting: &Setting, rounds: usize) -> Result<(), Failure> {
    let folder = setting.folder()?;
    let outcome = prove(setting, folder.path(), rounds).await;
    if outcome.is_err() {
        keep(folder);
    }
    outcome
}

async fn prove(setting: &Setting, folder: &Path, rounds: usize) -> Result<(), Failure> {
    let (data, log) = (folder.join("data"), folder.join("server.log"));
    let mut launch = setting.launch(&data, &log);
    launch.environment.push(("RUST_LOG".to_owned(), "trace".to_owned()));
    let mut server = launch.start()?;
    let sockets = sockets(server.id());
    let mut kms = Kms::open(server.address).await?;
    let keys = load::create_keys(&mut kms).await?;
    drop(kms);
    // A restart, so that keys are also unwrapped from the store and not only as they were made.
    server.stop()?;
    server = launch.start()?;
    let chance = Chance::new(setting.seed);
    let progress = bar(rounds, "load");
    let mut secrets = Vec::new();
    for round in 0..rounds {
        let chance = chance.branch(&[u64::try_from(round).unwrap_or(u64::MAX)]);
        secrets.extend(load::use_keys(server.address, &keys, 1, &chance).await?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    closed(&server, sockets.as_ref().ok().copied()).await?;
    let passed = secrets.len();
    let copy = folder.join("copy");
    copy_folder(&data, &copy)?;
    secrets.extend(unsealing::secrets(&copy).await?);
    fs::remove_dir_all(&copy).map_err(Failure::file(&copy))?;
    say(&format!(
        "memory: {passed} plaintexts passed through the server over connections that are closed; {} keys of the \
         deployment were read from a copy of its folder",
        secrets.len() - passed
    ));
    let needles = needles(&secrets);
    search_memory(&server, &secrets, &needles)?;
    search_files(folder, &secrets, &needles, "while it runs")?;
    server.signal(rustix::process::Signal::TERM)?;
    let printed = folder.join("server.out");
    let rest = server.rest_of_output();
    let output = format!("{}{rest}", server.greeting);
    fs::write(&printed, output).map_err(Failure::file(&printed))?;
    search_files(folder, &secrets, &needles, "after its end")?;
    core(&launch, folder, &keys).await
}

/// Waits until the server holds no connection any more.
async fn closed(server: &Server, before: Option<usize>) -> Result<(), Failure> {
    let Some(before) = before else { return Ok(()) };
    for _ in 0..CLOSING.0 {
        if sockets(server.id()).is_ok_and(|now| now <= before) {
            return Ok(());
        }
        tokio::time::sleep(CLOSING.1).await;
    }
    Err(Failure::Broken("the server keeps connections that its clients closed".to_owned()))
}

fn sockets(process: u32) -> std::io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(format!("/proc/{process}/fd"))? {
        let target = fs::read_link(entry?.path()).unwrap_or_default();
        count += usize::from(target.to_string_lossy().starts_with("socket:"));
    }
    Ok(count)
}

fn search_memory(server: &Server, secrets: &[Secret], needles: &[Needle]) -> Result<(), Failure> {
    let hits = match Haystack::new(needles).find_in_process(server.id()) {
        Ok(hits) => hits,
        Err(error) if !rustix::process::geteuid().is_root() => {
            say(&format!(
                "memory: SKIPPED the memory image: {error}. The server forbids others of its user to read it; run this \
                 proof as root to search it"
            ));
            return Ok(());
        }
        Err(error) => return Err(Failure::Setting(format!("cannot read the memory of the server: {error}"))),
    };
    for line in table(secrets, needles, &hits) {
        say(&format!("  {line}"));
    }
    let finds = misplaced(secrets, needles, &hits);
    if !finds.is_empty() {
        return Err(Failure::Broken(format!("{} finds in memory:\n  {}", finds.len(), finds.join("\n  "))));
    }
    unseen(secrets, needles, &hits)?;
    say(&format!("memory: {} secrets in 7 forms each: none where it must not be", secrets.len()));
    Ok(())
}

/// Finds by secret, form and kind of memory; keys of one kind together.
fn table(secrets: &[Secret], needles: &[Needle], hits: &[Hit]) -> Vec<String> {
    let mut table: BTreeMap<(&str, &str, Region), usize> = BTreeMap::new();
    for hit in hits {
        let Some(needle) = needles.get(hit.needle) else { continue };
        let Some(secret) = secrets.get(needle.secret) else { continue };
        let kind = secret.name.split(" of ").next().unwrap_or_default();
        *table.entry((kind, needle.form, hit.region)).or_default() += 1;
    }
    table
        .iter()
        .map(|((name, form, region), count)| format!("{name}, {form}: {count} in {region:?}"))
        .collect()
}

/// Every secret that is where it must not be, or there too often.
fn misplaced(secrets: &[Secret], needles: &[Needle], hits: &[Hit]) -> Vec<String> {
    let mut finds = Vec::new();
    for (number, secret) in secrets.iter().enumerate() {
        let own = hits.iter().filter_map(|hit| {
            let needle = needles.get(hit.needle).filter(|needle| needle.secret == number)?;
            Some((hit, needle.form))
        });
        let (at_home, elsewhere): (Vec<_>, Vec<_>) =
            own.partition(|(hit, form)| is_home(secret.home, form, hit.region));
        finds.extend(
            elsewhere.iter().map(|(hit, form)| {
                format!("{} ({form}) in {:?} at {:x}", secret.name, hit.region, hit.address)
            }),
        );
        if let Home::Handles { copies, .. } = secret.home
            && at_home.len() > copies
        {
            finds.push(format!("{}: {} copies, its handles hold {copies}", secret.name, at_home.len()));
        }
    }
    finds
}

/// Handles lie wherever the allocator of their thread puts them.
fn is_home(home: Home, found: &str, region: Region) -> bool {
    match home {
        Home::Nowhere => false,
        Home::Arena | Home::ArenaCertainly => region == Region::Arena && found == "raw",
        Home::Handles { form, .. } => matches!(region, Region::Heap | Region::Anonymous) && found == form,
    }
}

/// What is certainly in memory must be found, or the search is blind.
fn unseen(secrets: &[Secret], needles: &[Needle], hits: &[Hit]) -> Result<(), Failure> {
    for (number, secret) in secrets.iter().enumerate() {
        let certain = matches!(secret.home, Home::ArenaCertainly | Home::Handles { .. });
        let own = |hit: &Hit| needles.get(hit.needle).is_some_and(|needle| needle.secret == number);
        if certain && !hits.iter().any(own) {
            return Err(Failure::Setting(format!(
                "{} is not found at all: the search is blind",
                secret.name
            )));
        }
    }
    Ok(())
}

/// Everything in the folder of the proof: the data folder, the log of level trace, what was printed.
fn search_files(folder: &Path, secrets: &[Secret], needles: &[Needle], when: &str) -> Result<(), Failure> {
    let haystack = Haystack::new(needles);
    let mut files = Vec::new();
    list(folder, &mut files)?;
    let (mut wrong, mut bytes) = (Vec::new(), 0);
    for path in &files {
        let content = fs::read(path).map_err(Failure::file(path))?;
        bytes += content.len();
        let is_key_file = path.ends_with("data/root.key");
        let mut found = 0;
        for (needle, at) in haystack.find(&content) {
            let Some(needle) = needles.get(needle) else { continue };
            let name = secrets.get(needle.secret).map_or("", |secret| secret.name.as_str());
            found += 1;
            if !(is_key_file && name == "the key file's key") {
                wrong.push(format!("{name} ({}) in {} at {at}", needle.form, path.display()));
            }
        }
        if is_key_file && found == 0 {
            return Err(Failure::Setting(
                "the key file's key is not found in it: the search is blind".to_owned(),
            ));
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::Broken(format!("{} finds in files:\n  {}", wrong.len(), wrong.join("\n  "))));
    }
    let log = fs::metadata(folder.join("server.log")).map_or(0, |log| log.len());
    if log == 0 {
        return Err(Failure::Setting("the log of level trace is empty: the search is blind".to_owned()));
    }
    say(&format!(
        "memory: {when}: {} files ({bytes} bytes: data folder, {log} bytes of log of level trace, standard output): no \
         secret, save the key file's key in root.key",
        files.len()
    ));
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let path = entry.map_err(Failure::file(folder))?.path();
        let metadata = fs::symlink_metadata(&path).map_err(Failure::file(&path))?;
        if metadata.is_dir() {
            list(&path, files)?;
        } else if metadata.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir(to).map_err(Failure::file(to))?;
    let mut files = Vec::new();
    list(from, &mut files)?;
    for path in files.iter().filter(|path| !path.to_string_lossy().ends_with("-shm")) {
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(Failure::file(parent))?;
        }
        fs::copy(path, &target).map_err(Failure::file(&target))?;
    }
    Ok(())
}

async fn core(launch: &Launch, folder: &Path, keys: &[String]) -> Result<(), Failure> {
    let place = folder.join("core-attempt");
    fs::create_dir(&place).map_err(Failure::file(&place))?;
    let chance = Chance::new(0);
    let others = core_file::attempt(launch, &place, async |address| {
        load::use_keys(address, keys, 1, &chance).await.map(drop)
    })
    .await?;
    let context = if others {
        "while another program ended in the same way does"
    } else {
        "(nor does another program on this machine: here this part shows little)"
    };
    say(&format!("memory: ended by SIGSEGV without a core limit, the server leaves no core file, {context}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(home: Home, hits: &[(&'static str, Region)]) -> usize {
        let secrets = [Secret::new("key of k", home, &[7; 32])];
        let needles = needles(&secrets);
        let at = |form: &str| needles.iter().position(|needle| needle.form == form).unwrap_or(usize::MAX);
        let hits: Vec<Hit> =
            hits.iter().map(|(form, region)| Hit { needle: at(form), region: *region, address: 1 }).collect();
        misplaced(&secrets, &needles, &hits).len() + usize::from(unseen(&secrets, &needles, &hits).is_err())
    }

    #[test]
    fn a_secret_is_misplaced_outside_its_home_in_another_form_or_too_often() {
        let handles = Home::Handles { form: "reversed", copies: 2 };
        let handle = ("reversed", Region::Anonymous);
        for (home, hits, wanted) in [
            (Home::Nowhere, &[][..], 0),
            (Home::Nowhere, &[("base64", Region::Stack)], 1),
            (Home::Arena, &[], 0),
            (Home::Arena, &[("raw", Region::Arena)], 0),
            (Home::Arena, &[("raw", Region::Heap)], 1),
            (Home::Arena, &[("hex", Region::Arena)], 1),
            (Home::ArenaCertainly, &[], 1),
            (handles, &[], 1),
            (handles, &[handle, handle], 0),
            (handles, &[handle, handle, handle], 1),
            (handles, &[handle, ("raw", Region::Heap)], 1),
            (handles, &[handle, ("reversed", Region::Stack)], 1),
        ] {
            assert_eq!(finds(home, hits), wanted, "{home:?} {hits:?}");
        }
    }
}
