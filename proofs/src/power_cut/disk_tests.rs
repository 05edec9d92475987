//! Tests of the disk model: what an fsync covers, what a cut may drop, and what it may not.

use std::collections::BTreeSet;

use super::super::recording::What;
use super::{Disk, Fate, Image, SECTOR};
use crate::chance::Chance;

fn play(events: &[What]) -> Disk {
    let mut disk = Disk::new(1);
    for event in events {
        disk.play(event).unwrap();
    }
    disk
}

fn create(name: &str, inode: u64) -> What {
    What::Create { name: name.to_owned(), inode, mode: 0o600 }
}

fn write(inode: u64, offset: usize, data: &[u8]) -> What {
    What::Write { inode, offset, data: data.to_vec() }
}

fn sync(inode: u64, number: i64) -> [What; 2] {
    [What::SyncBegins { inode, number }, What::SyncEnds { inode, number }]
}

fn cut(disk: &Disk, fate: Fate) -> Image {
    disk.after_cut(fate, &mut Chance::new(1))
}

fn content<'i>(image: &'i Image, name: &str) -> Option<&'i [u8]> {
    image.get(name).and_then(|(_, content)| content.as_deref())
}

#[test]
fn a_file_is_there_for_certain_only_after_its_folder_was_synced_too() {
    let mut events = vec![create("a", 5), write(5, 0, b"one")];
    events.extend(sync(5, 1));
    assert!(cut(&play(&events), Fate::None).is_empty());
    assert_eq!(content(&cut(&play(&events), Fate::All), "a"), Some(&b"one"[..]));
    events.extend(sync(1, 2));
    let disk = play(&events);
    assert_eq!(content(&cut(&disk, Fate::None), "a"), Some(&b"one"[..]));
    assert_eq!(disk.pending(), 0);
}

#[test]
fn a_sync_does_not_cover_what_was_written_while_it_ran() {
    let mut events = vec![create("a", 5)];
    events.extend(sync(1, 1));
    events.push(write(5, 0, b"one"));
    events.push(What::SyncBegins { inode: 5, number: 2 });
    events.push(write(5, 3, b"two"));
    assert_eq!(content(&cut(&play(&events), Fate::None), "a"), Some(&b""[..]));
    events.push(What::SyncEnds { inode: 5, number: 2 });
    let disk = play(&events);
    assert_eq!(content(&cut(&disk, Fate::None), "a"), Some(&b"one"[..]));
    assert_eq!(content(&disk.visible(), "a"), Some(&b"onetwo"[..]));
}

#[test]
fn a_rename_is_done_or_not_and_never_half() {
    let mut events = vec![create("new", 5), write(5, 0, b"new"), create("old", 6), write(6, 0, b"old")];
    events.extend(sync(5, 1));
    events.extend(sync(6, 2));
    events.extend(sync(1, 3));
    events.push(What::Rename { from: "new".to_owned(), to: "old".to_owned() });
    let disk = play(&events);
    let names = |fate| cut(&disk, fate).into_keys().collect::<Vec<_>>();
    assert_eq!(
        (names(Fate::None), names(Fate::All)),
        (vec!["new".to_owned(), "old".to_owned()], vec!["old".to_owned()])
    );
    assert_eq!(content(&cut(&disk, Fate::None), "old"), Some(&b"old"[..]));
    assert_eq!(content(&cut(&disk, Fate::All), "old"), Some(&b"new"[..]));
}

#[test]
fn a_link_is_a_second_name_of_one_file() {
    let mut events = vec![create("new", 5), write(5, 0, b"key")];
    events.extend(sync(5, 1));
    events.push(What::Link { from: "new".to_owned(), to: "key".to_owned() });
    events.push(What::Unlink { name: "new".to_owned() });
    assert_eq!(cut(&play(&events), Fate::All).into_keys().collect::<Vec<_>>(), ["key"]);
    events.extend(sync(1, 2));
    assert_eq!(content(&cut(&play(&events), Fate::None), "key"), Some(&b"key"[..]));
}

#[test]
fn any_subset_of_unsynced_writes_is_found_and_never_a_synced_one_lost() {
    let mut events = vec![create("a", 5), write(5, 0, b"___")];
    events.extend(sync(5, 1));
    events.extend(sync(1, 2));
    events.extend([write(5, 0, b"a"), write(5, 1, b"b"), write(5, 2, b"c")]);
    let disk = play(&events);
    let mut chance = Chance::new(9);
    let found: BTreeSet<Vec<u8>> = (0..200)
        .filter_map(|_| content(&disk.after_cut(Fate::Some(50), &mut chance), "a").map(<[u8]>::to_vec))
        .collect();
    let all = ["___", "a__", "_b_", "__c", "ab_", "a_c", "_bc", "abc"];
    assert_eq!(found, all.iter().map(|text| text.as_bytes().to_vec()).collect());
}

#[test]
fn a_torn_write_is_torn_at_sectors_only() {
    let mut events = vec![create("a", 5), What::Truncate { inode: 5, len: 4 * SECTOR }];
    events.extend(sync(5, 1));
    events.extend(sync(1, 2));
    events.push(write(5, 100, &[7; 3 * SECTOR]));
    let disk = play(&events);
    let mut chance = Chance::new(4);
    let mut patterns = BTreeSet::new();
    for _ in 0..200 {
        let image = disk.after_cut(Fate::Torn(0), &mut chance);
        let found = content(&image, "a").unwrap_or_default();
        assert!(found.iter().take(100).all(|byte| *byte == 0));
        let bounds = [100, SECTOR, 2 * SECTOR, 3 * SECTOR, 3 * SECTOR + 100];
        let parts: Vec<bool> = bounds
            .windows(2)
            .map(|bounds| {
                let part = &found[bounds[0]..bounds[1]];
                assert!(part.iter().all(|byte| *byte == part[0]), "torn inside a sector");
                part[0] == 7
            })
            .collect();
        patterns.insert(parts);
    }
    assert_eq!(patterns.len(), 16);
}

#[test]
fn an_event_about_something_never_made_is_refused() {
    assert!(Disk::new(1).play(&write(5, 0, b"x")).is_err());
    assert!(Disk::new(1).play(&create("no-such-folder/a", 5)).is_err());
    assert!(Disk::new(1).play(&What::Rename { from: "a".to_owned(), to: "b".to_owned() }).is_err());
}
