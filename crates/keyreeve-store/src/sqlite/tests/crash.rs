//! Processes that are killed: every acknowledged commit is there afterwards, whole. The child is this test
//! program again, told by its environment what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, io};

use futures_util::future::join_all;
use tempfile::TempDir;

use super::{commit, open, try_open};
use crate::conformance::{block_on, id, path};
use crate::{Commit, Expect, Revision, Store};

const CHILD: &str = "sqlite::tests::crash::child";
const DIRECTORY: &str = "KEYREEVE_STORE_CHILD_DIRECTORY";
const ROUNDS: u64 = 10;
/// Commits that the child has under way at once, so that groups are cut too.
const AT_ONCE: u64 = 8;

fn spawn(directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", CHILD])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "the child of the tests in this file"]
fn child() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return println!("skipped: {DIRECTORY} is not set");
    };
    let mut said = io::stdout();
    let store = match try_open(Path::new(&directory), false) {
        Ok(store) => store,
        Err(error) => return writeln!(said, "\nrefused {error}").unwrap(),
    };
    let mut next = block_on(store.get(&[])).unwrap().revision.0 + 1_000_000;
    loop {
        let commits = (next..next + AT_ONCE).map(|number| store.commit(twins(number)));
        for (number, outcome) in (next..).zip(block_on(join_all(commits))) {
            outcome.unwrap();
            writeln!(said, "\nacknowledged {number}").unwrap();
        }
        next += AT_ONCE;
    }
}

/// Two rows that must never be seen apart.
fn twins(number: u64) -> Commit {
    let value = vec![number as u8; 3_000];
    let (left, right) = (path(&format!("left/{number}")), path(&format!("right/{number}")));
    Commit::new(id(number)).check(left.clone(), Expect::Absent).put(left, value.clone()).put(right, value)
}

fn words(child: &mut Child, keyword: &str) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let keyword = format!("{keyword} ");
    lines.filter_map(move |line| line.strip_prefix(&keyword).map(str::to_owned))
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_afterwards() {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()));
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = spawn(directory.path());
        let mut numbers = words(&mut child, "acknowledged").map(|number| number.parse::<u64>().unwrap());
        // A different place in the commit loop each time; the kill itself falls where it falls.
        acknowledged.extend(numbers.by_ref().take(5 + 17 * usize::try_from(round).unwrap()));
        child.kill().unwrap();
        acknowledged.extend(numbers);
        child.wait().unwrap();
        let store = try_open(directory.path(), false).unwrap();
        block_on(assert_whole(&store, &acknowledged));
    }
    assert!(acknowledged.len() > 800);
}

async fn assert_whole(store: &dyn Store, acknowledged: &[u64]) {
    for number in acknowledged {
        let paths = [path(&format!("left/{number}")), path(&format!("right/{number}"))];
        let rows = store.get(&paths).await.unwrap().rows;
        assert!(rows.iter().all(Option::is_some), "acknowledged commit {number} is lost");
        assert_eq!(store.committed(id(*number)).await, Ok(true));
    }
    let numbers = async |side: &str| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.scan(side, after.as_ref(), 1_000).await.unwrap();
            found.extend(page.rows.iter().map(|(path, _)| path.as_str().trim_start_matches(side).to_owned()));
            after = page.rows.last().map(|(path, _)| path.clone());
            if !page.more {
                return found;
            }
        }
    };
    assert_eq!(numbers("left/").await, numbers("right/").await);
}

#[test]
fn a_second_process_is_refused_with_the_pid_of_the_first() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path());
    let mut child = spawn(directory.path());
    let refusal = words(&mut child, "refused").next().unwrap();
    child.wait().unwrap();
    assert!(refusal.contains(&format!("in use by process {}", std::process::id())), "{refusal}");
    assert_eq!(commit(&store, 1), Ok(Revision(1)));
}
