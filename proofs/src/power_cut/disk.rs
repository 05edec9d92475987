//! A disk with a volatile cache: what is on it for certain, and what was asked of it since. Pure.
//!
//! The rules are the hardest that POSIX allows: without an fsync of its file, any subset of the writes and truncates
//! may be missing, and a write may be torn at sectors; without an fsync of its folder, any subset of the names made,
//! renamed and removed in it may be missing. A rename is never half done.

use std::collections::BTreeMap;

use super::recording::What;
use crate::chance::Chance;

/// A disk writes a sector whole or not at all.
const SECTOR: usize = 512;

/// Name to object, for one folder.
type Names = BTreeMap<String, usize>;

/// The folder under test on its disk.
#[derive(Debug)]
pub(crate) struct Disk {
    objects: Vec<Object>,
    /// Inodes are used again after a file is gone; objects are not.
    by_inode: BTreeMap<u64, usize>,
    /// Syncs under way: number to the count of operations that they cover.
    syncs: BTreeMap<i64, usize>,
    operations: usize,
}

#[derive(Debug)]
struct Object {
    mode: u32,
    node: Node,
}

#[derive(Debug)]
enum Node {
    File(Layers<Vec<u8>, Alteration>),
    Folder(Layers<Names, Naming>),
}

/// What is durable, what a reader sees, and the operations between the two with their numbers.
#[derive(Debug)]
struct Layers<Content, Operation> {
    durable: Content,
    visible: Content,
    pending: Vec<(usize, Operation)>,
}

impl<Content: Default, Operation> Default for Layers<Content, Operation> {
    fn default() -> Self {
        Self { durable: Content::default(), visible: Content::default(), pending: Vec::new() }
    }
}

#[derive(Debug)]
enum Alteration {
    Write { offset: usize, data: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug)]
enum Naming {
    Add { name: String, object: usize },
    Remove { name: String },
    Rename { from: String, to: String, object: usize },
}

/// What of the pending operations a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// Each one this often of a hundred.
    Some(usize),
    /// Each one this often of a hundred whole, and else torn at sectors.
    Torn(usize),
}

/// A folder as files: relative path to mode and content; `None` is a folder.
pub(crate) type Image = BTreeMap<String, (u32, Option<Vec<u8>>)>;

impl Alteration {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => write(content, *offset, data),
            Self::Truncate(len) => content.resize(*len, 0),
        }
    }

    /// Applies a random part: each sector that the write touches, or none.
    fn tear(&self, content: &mut Vec<u8>, chance: &mut Chance) {
        let Self::Write { offset, data } = self else { return };
        let mut from = 0;
        while from < data.len() {
            let to = data.len().min(from + SECTOR - (offset + from) % SECTOR);
            if chance.percent(50) {
                write(content, offset + from, data.get(from..to).unwrap_or_default());
            }
            from = to;
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(target) = content.get_mut(offset..end) {
        target.copy_from_slice(data);
    }
}

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Add { name, object } => drop(names.insert(name.clone(), *object)),
            Self::Remove { name } => drop(names.remove(name)),
            Self::Rename { from, to, object } => {
                names.remove(from);
                names.insert(to.clone(), *object);
            }
        }
    }
}

impl<Content: Clone, Operation> Layers<Content, Operation> {
    fn push(&mut self, number: usize, operation: Operation, apply: fn(&Operation, &mut Content)) {
        apply(&operation, &mut self.visible);
        self.pending.push((number, operation));
    }

    /// Makes the operations before `number` durable.
    fn sync(&mut self, number: usize, apply: fn(&Operation, &mut Content)) {
        let later = self.pending.iter().position(|(at, _)| *at >= number).unwrap_or(self.pending.len());
        for (_, operation) in self.pending.drain(..later) {
            apply(&operation, &mut self.durable);
        }
    }
}

impl Disk {
    /// A disk with an empty folder of this inode.
    pub(crate) fn new(inode: u64) -> Self {
        let root = Object { mode: 0o700, node: Node::Folder(Layers::default()) };
        Self {
            objects: vec![root],
            by_inode: BTreeMap::from([(inode, 0)]),
            syncs: BTreeMap::new(),
            operations: 0,
        }
    }

    /// Carries out one recorded event.
    ///
    /// # Errors
    /// When the event names something that was never made: the recorder missed a call.
    pub(crate) fn play(&mut self, what: &What) -> Result<(), String> {
        self.operations += 1;
        match what {
            What::Create { name, inode, mode } => {
                self.make(name, *inode, *mode, Node::File(Layers::default()))
            }
            What::MakeFolder { name, inode, mode } => {
                self.make(name, *inode, *mode, Node::Folder(Layers::default()))
            }
            What::Write { inode, offset, data } => {
                self.alter(*inode, Alteration::Write { offset: *offset, data: data.clone() })
            }
            What::Truncate { inode, len } => self.alter(*inode, Alteration::Truncate(*len)),
            What::SyncBegins { number, .. } => {
                self.syncs.insert(*number, self.operations);
                Ok(())
            }
            What::SyncEnds { inode, number } => self.sync(*inode, *number),
            What::Rename { from, to } => self.rename(from, to),
            What::Link { from, to } => self.link(from, to),
            What::Unlink { name } => self.unlink(name),
            What::Mode { inode, mode } => {
                let object = self.object(*inode)?;
                object.mode = *mode;
                Ok(())
            }
        }
    }

    fn object(&mut self, inode: u64) -> Result<&mut Object, String> {
        let number = self.by_inode.get(&inode).copied();
        number
            .and_then(|number| self.objects.get_mut(number))
            .ok_or_else(|| format!("inode {inode} is unknown"))
    }

    /// The names of the folder that holds `path`, and the last part of it.
    fn folder_of<'p>(&mut self, path: &'p str) -> Result<(&mut Layers<Names, Naming>, &'p str), String> {
        let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = 0;
        for part in parents.split('/').filter(|part| !part.is_empty()) {
            let Some(Object { node: Node::Folder(layers), .. }) = self.objects.get(at) else {
                return Err(format!("{path} lies in no folder"));
            };
            at = *layers.visible.get(part).ok_or_else(|| format!("the folder of {path} is unknown"))?;
        }
        match self.objects.get_mut(at) {
            Some(Object { node: Node::Folder(layers), .. }) => Ok((layers, name)),
            Some(Object { node: Node::File(_), .. }) | None => Err(format!("{path} lies in no folder")),
        }
    }

    fn make(&mut self, path: &str, inode: u64, mode: u32, node: Node) -> Result<(), String> {
        let (object, number) = (self.objects.len(), self.operations);
        self.objects.push(Object { mode, node });
        self.by_inode.insert(inode, object);
        let (folder, name) = self.folder_of(path)?;
        folder.push(number, Naming::Add { name: name.to_owned(), object }, Naming::apply);
        Ok(())
    }

    fn alter(&mut self, inode: u64, alteration: Alteration) -> Result<(), String> {
        let number = self.operations;
        match &mut self.object(inode)?.node {
            Node::File(layers) => layers.push(number, alteration, Alteration::apply),
            Node::Folder(_) => return Err(format!("inode {inode} is a folder")),
        }
        Ok(())
    }

    fn sync(&mut self, inode: u64, number: i64) -> Result<(), String> {
        let covered = self.syncs.remove(&number).ok_or("a sync ends that never began")?;
        match &mut self.object(inode)?.node {
            Node::File(layers) => layers.sync(covered, Alteration::apply),
            Node::Folder(layers) => layers.sync(covered, Naming::apply),
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let number = self.operations;
        let parent =
            |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        if parent(from) != parent(to) {
            return Err(format!("{from} moves to another folder, which this disk cannot do in one step"));
        }
        let target = self.folder_of(to)?.1.to_owned();
        let (folder, source) = self.folder_of(from)?;
        let object = *folder.visible.get(source).ok_or_else(|| format!("{from} is unknown"))?;
        folder.push(number, Naming::Rename { from: source.to_owned(), to: target, object }, Naming::apply);
        Ok(())
    }

    fn link(&mut self, from: &str, to: &str) -> Result<(), String> {
        let number = self.operations;
        let (folder, source) = self.folder_of(from)?;
        let object = *folder.visible.get(source).ok_or_else(|| format!("{from} is unknown"))?;
        let (folder, name) = self.folder_of(to)?;
        folder.push(number, Naming::Add { name: name.to_owned(), object }, Naming::apply);
        Ok(())
    }

    /// A name that is unknown (a socket) was never recorded.
    fn unlink(&mut self, path: &str) -> Result<(), String> {
        let number = self.operations;
        let (folder, name) = self.folder_of(path)?;
        if folder.visible.contains_key(name) {
            folder.push(number, Naming::Remove { name: name.to_owned() }, Naming::apply);
        }
        Ok(())
    }

    /// What a reader sees now.
    pub(crate) fn visible(&self) -> Image {
        let mut image = Image::new();
        self.collect(
            0,
            "",
            &mut |layers| layers.visible.clone(),
            &mut |layers| layers.visible.clone(),
            &mut image,
        );
        image
    }

    /// What may be found after a power cut now.
    pub(crate) fn after_cut(&self, fate: Fate, chance: &mut Chance) -> Image {
        let mut names_chance = chance.branch(&[1]);
        let mut names = |layers: &Layers<Names, Naming>| {
            let mut names = layers.durable.clone();
            for (_, naming) in &layers.pending {
                if survives(fate, &mut names_chance) {
                    naming.apply(&mut names);
                }
            }
            names
        };
        let mut content = |layers: &Layers<Vec<u8>, Alteration>| {
            let mut content = layers.durable.clone();
            for (_, alteration) in &layers.pending {
                if survives(fate, chance) {
                    alteration.apply(&mut content);
                } else if matches!(fate, Fate::Torn(_)) {
                    alteration.tear(&mut content, chance);
                }
            }
            content
        };
        let mut image = Image::new();
        self.collect(0, "", &mut names, &mut content, &mut image);
        image
    }

    /// Operations that a cut now may drop.
    pub(crate) fn pending(&self) -> usize {
        let count = |object: &Object| match &object.node {
            Node::File(layers) => layers.pending.len(),
            Node::Folder(layers) => layers.pending.len(),
        };
        self.objects.iter().map(count).sum()
    }

    fn collect(
        &self,
        at: usize,
        prefix: &str,
        names: &mut impl FnMut(&Layers<Names, Naming>) -> Names,
        content: &mut impl FnMut(&Layers<Vec<u8>, Alteration>) -> Vec<u8>,
        image: &mut Image,
    ) {
        let Some(Object { node: Node::Folder(layers), .. }) = self.objects.get(at) else { return };
        for (name, number) in names(layers) {
            let Some(object) = self.objects.get(number) else { continue };
            let path = format!("{prefix}{name}");
            match &object.node {
                Node::File(layers) => drop(image.insert(path, (object.mode, Some(content(layers))))),
                Node::Folder(_) => {
                    image.insert(path.clone(), (object.mode, None));
                    self.collect(number, &format!("{path}/"), names, content, image);
                }
            }
        }
    }
}

fn survives(fate: Fate, chance: &mut Chance) -> bool {
    match fate {
        Fate::None => false,
        Fate::All => true,
        Fate::Some(share) | Fate::Torn(share) => chance.percent(share),
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
