//! Streams against receivers that fail, lag, and come back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use keyreeve_audit::{Entry, SigningKey};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;

/// Reading waits at most so long: a deadline, not a pause.
const PATIENCE: Duration = Duration::from_secs(20);

fn journal() -> Arc<Journal> {
    Arc::new(Journal::ephemeral().unwrap())
}

fn entry(id: u128, event: &Value) -> Entry {
    Entry {
        id: Uuid::from_u128(id),
        time: Timestamp::from_millis(1_790_000_000_000),
        account: AccountId::ZERO,
        region: Region::parse("us-east-1").unwrap(),
        event: event.to_string().into_bytes(),
        rows: Vec::new(),
    }
}

fn append(journal: &Journal, entries: Vec<Entry>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(journal.append(entries)).unwrap();
}

fn append_ids(journal: &Journal, ids: impl Iterator<Item = u128>) {
    append(journal, ids.map(|id| entry(id, &json!({ "n": id as u64 }))).collect());
}

fn start(journal: &Arc<Journal>, folder: &Path, content: Content, target: &str) -> Streams {
    let source = Source {
        journal: Arc::clone(journal),
        clock: Arc::new(SystemClock),
        cursors: Some(folder.join("streams")),
    };
    Streams::start(&source, &[FeedSettings::parse(content, target).unwrap()]).unwrap()
}

fn accept(listener: &UnixListener) -> BufReader<UnixStream> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

/// The numbers of so many lines.
fn numbers(collector: &mut BufReader<UnixStream>, count: usize) -> Vec<u64> {
    let mut line = String::new();
    let mut next = || {
        line.clear();
        collector.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["n"].as_u64().unwrap()
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn each_record_is_one_line_and_comes_once_though_the_log_may_hold_it_twice() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let socket = folder.path().join("collector.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    append_ids(&journal, 1..3);
    let streams = start(&journal, folder.path(), Content::Records, &format!("unix:{}", socket.display()));
    let upkeep = Entry { event: Vec::new(), ..entry(9, &json!({})) };
    let tall = Entry { event: b"{\n  \"n\":\r\n 4, \"t\": \"a\\nb\" }".to_vec(), ..entry(4, &json!({})) };
    append(&journal, vec![entry(3, &json!({ "n": 3 })), upkeep, entry(3, &json!({ "n": 3 })), tall]);
    append_ids(&journal, 5..6);
    let mut collector = accept(&listener);
    // A new stream begins with what comes next.
    assert_eq!(numbers(&mut collector, 3), [3, 4, 5]);
    streams.stop(PATIENCE);
    assert_eq!(collector.read_to_string(&mut String::new()).unwrap(), 0);
}

#[test]
fn a_stream_goes_on_where_it_was_after_a_restart_and_knows_what_it_sent() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let socket = folder.path().join("collector.sock");
    let target = format!("unix:{}", socket.display());
    let listener = UnixListener::bind(&socket).unwrap();
    let streams = start(&journal, folder.path(), Content::Records, &target);
    append_ids(&journal, 1..4);
    assert_eq!(numbers(&mut accept(&listener), 3), [1, 2, 3]);
    streams.stop(PATIENCE);
    // While nothing runs; 3 is what a crash may append anew.
    append_ids(&journal, 3..7);
    let streams = start(&journal, folder.path(), Content::Records, &target);
    assert_eq!(numbers(&mut accept(&listener), 3), [4, 5, 6]);
    streams.stop(PATIENCE);
    // Of another log nothing was sent yet.
    let other = self::journal();
    append_ids(&other, 20..40);
    let streams = start(&other, folder.path(), Content::Records, &target);
    assert_eq!(numbers(&mut accept(&listener), 20), (20..40).collect::<Vec<_>>());
    streams.stop(PATIENCE);
}

#[test]
fn a_collector_that_reads_nothing_holds_up_no_append_and_one_that_comes_back_gets_the_rest() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let socket = folder.path().join("collector.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let streams = start(&journal, folder.path(), Content::Records, &format!("unix:{}", socket.display()));
    let collector = accept_after(&listener, || append_ids(&journal, 0..1));
    // Far more than a socket's buffer and what a stream reads at a time.
    let long = "x".repeat(1_000);
    for n in 1..3_000 {
        append(&journal, vec![entry(n, &json!({ "n": n as u64, "long": long }))]);
    }
    let feed = Arc::clone(&streams.counts()[0]);
    assert!(journal.durable() > feed.place() && feed.failures() == 0, "{feed:?}");
    let mut collector = BufReader::with_capacity(1, collector.into_inner());
    assert_eq!(numbers(&mut collector, 100), (0..100).collect::<Vec<_>>());
    // It dies with what its buffer holds, and comes back: what the socket had not taken comes, each line once.
    drop(collector);
    let rest = accept(&listener).lines().map_while(|line| {
        let n = serde_json::from_str::<Value>(&line.unwrap()).unwrap()["n"].as_u64().unwrap();
        Some(n).filter(|n| *n != 2_999)
    });
    let rest: Vec<_> = rest.collect();
    let first = rest[0];
    assert!(first >= 100, "{first} came twice");
    assert_eq!(rest, (first..2_999).collect::<Vec<_>>());
    streams.stop(PATIENCE);
    assert!(feed.failures() >= 1 && !feed.is_waiting() && feed.place() == journal.durable(), "{feed:?}");
}

fn accept_after(listener: &UnixListener, append: impl FnOnce()) -> BufReader<UnixStream> {
    append();
    accept(listener)
}

/// One request of a client: its head in lower case, and its body.
fn read_request(stream: &mut BufReader<std::net::TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).unwrap() == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length =
        head.split_once("content-length: ").unwrap().1.split_once("\r\n").unwrap().0.parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some((head, body))
}

/// Answers requests with these statuses, in turn; gives what it was asked.
fn serve(listener: TcpListener, statuses: Vec<u16>) -> std::thread::JoinHandle<Vec<(String, Vec<u8>)>> {
    std::thread::spawn(move || {
        let (mut asked, mut statuses) = (Vec::new(), statuses.into_iter());
        while statuses.len() > 0 {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut stream = BufReader::new(stream);
            while let Some(request) = (statuses.len() > 0).then(|| read_request(&mut stream)).flatten() {
                asked.push(request);
                let status = statuses.next().unwrap();
                write!(stream.get_mut(), "HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
            }
        }
        asked
    })
}

fn key_event(id: u128, name: &str) -> Entry {
    entry(id, &json!({ "eventSource": "kms.amazonaws.com", "eventName": name }))
}

#[test]
fn notices_are_posted_in_order_until_each_is_taken() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let streams = start(&journal, folder.path(), Content::Notices, &url);
    let feed = Arc::clone(&streams.counts()[0]);
    append(&journal, vec![key_event(1, "RotateKey"), key_event(2, "Encrypt"), key_event(3, "DeleteKey")]);
    let asked = serve(listener, vec![500, 503, 200, 404, 204]).join().unwrap();
    streams.stop(PATIENCE);
    let told: Vec<_> = asked
        .iter()
        .map(|(head, body)| {
            assert!(
                head.starts_with("post /hook http/1.1\r\n") && head.contains("application/json"),
                "{head}"
            );
            let notice: Value = serde_json::from_slice(body).unwrap();
            (notice["id"].as_str().unwrap().to_owned(), notice["detail-type"].as_str().unwrap().to_owned())
        })
        .collect();
    let id = |n| Uuid::from_u128(n).to_string();
    let rotation = (id(1), "KMS CMK Rotation".to_owned());
    let deletion = (id(3), "KMS CMK Deletion".to_owned());
    assert_eq!(told, [&rotation, &rotation, &rotation, &deletion, &deletion].map(Clone::clone));
    assert_eq!((feed.sent(), feed.failures()), (2, 3));
}

#[test]
fn a_batch_that_a_collector_calls_malformed_is_not_sent_again_and_any_other_refusal_is_repeated() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let streams = start(&journal, folder.path(), Content::Records, &url);
    let feed = Arc::clone(&streams.counts()[0]);
    append_ids(&journal, 0..3);
    let asked = serve(listener, vec![401, 429, 400]).join().unwrap();
    streams.stop(PATIENCE);
    assert!(asked.iter().all(|(head, _)| head.starts_with("post /v1/logs ")), "{asked:?}");
    assert!(asked.iter().all(|(_, body)| *body == asked[0].1));
    assert_eq!((feed.sent(), feed.rejected(), feed.failures()), (0, 3, 2));
    assert_eq!(feed.place(), journal.durable());
}

#[test]
fn heads_and_other_frames_are_passed_over() {
    let (folder, journal) = (tempfile::tempdir().unwrap(), journal());
    let socket = folder.path().join("collector.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let streams = start(&journal, folder.path(), Content::Records, &format!("unix:{}", socket.display()));
    append_ids(&journal, 1..2);
    let key = SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(journal.seal(&key, Timestamp::from_millis(0))).unwrap();
    append_ids(&journal, 2..3);
    assert_eq!(numbers(&mut accept(&listener), 2), [1, 2]);
    let feed = Arc::clone(&streams.counts()[0]);
    streams.stop(PATIENCE);
    assert_eq!((feed.sent(), feed.place()), (2, journal.durable()));
}
