//! Files and directories, each as it is and as it would be after a power cut.

use super::Random;
use model::Micros;
use rustix::io::Errno;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// What a disk writes in one piece; smaller than a real one's, so that small files tear, too.
const BLOCK: usize = 512;
const ROOT: usize = 0;

/// The directory tree; nodes are numbers in it.
#[derive(Clone)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone)]
enum Node {
    File(File),
    Dir(Dir),
}

#[derive(Clone, Default)]
struct File {
    now: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    /// Whether the next sync writes; not after a failed one.
    dirty: bool,
    modified: Micros,
}

#[derive(Clone, Default)]
struct Dir {
    now: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::Dir(Dir::default())] }
    }
}

impl Tree {
    pub(super) fn make_dir(&mut self, dir: &Path) -> io::Result<()> {
        let mut at = ROOT;
        for name in names(dir)? {
            at = match self.dir(at)?.now.get(name) {
                Some(next) => *next,
                None => self.add(at, name, Node::Dir(Dir::default()))?,
            };
        }
        // What the last name is now decides how it is refused.
        self.dir(at).map_or(Err(Errno::EXIST.into()), |_| Ok(()))
    }

    /// The file `path`, empty: a new one, or one that is there.
    pub(super) fn create(&mut self, path: &Path, new: bool, modified: Micros) -> io::Result<usize> {
        let (dir, name) = self.place(path)?;
        let file = match self.dir(dir)?.now.get(&name) {
            Some(_) if new => return Err(Errno::EXIST.into()),
            Some(file) => *file,
            None => self.add(dir, &name, Node::File(File::default()))?,
        };
        let content = self.file_mut(file)?;
        (content.now, content.dirty, content.modified) = (Arc::default(), true, modified);
        Ok(file)
    }

    pub(super) fn fill(&mut self, file: usize, bytes: &[u8]) {
        let content = self.file_mut(file).expect("it was created just now");
        content.now = Arc::new(bytes.to_vec());
    }

    pub(super) fn sync(&mut self, path: &Path) -> io::Result<()> {
        let file = self.find(path)?;
        let content = self.file_mut(file)?;
        if content.dirty {
            (content.durable, content.dirty) = (Arc::clone(&content.now), false);
        }
        Ok(())
    }

    /// A sync that fails: a part may have reached the disk, and the rest is forgotten sooner or later.
    pub(super) fn lose(&mut self, path: &Path, random: &mut Random) -> io::Result<()> {
        let file = self.find(path)?;
        let content = self.file_mut(file)?;
        if content.dirty {
            content.durable = torn(content, random);
            content.dirty = false;
            if random.coin() {
                content.now = Arc::clone(&content.durable);
            }
        }
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        let at = self.find(dir)?;
        let dir = self.dir_mut(at)?;
        dir.durable.clone_from(&dir.now);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ((old, name), (new, target)) = (self.place(from)?, self.place(to)?);
        let node = *self.dir(old)?.now.get(&name).ok_or(Errno::NOENT)?;
        let taken = self.dir(new)?.now.get(&target);
        if taken.is_some_and(|taken| matches!(self.nodes[*taken], Node::Dir(_))) {
            return Err(Errno::ISDIR.into());
        }
        self.dir_mut(old)?.now.remove(&name);
        self.dir_mut(new)?.now.insert(target, node);
        Ok(())
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.find(from)?;
        self.file(file)?;
        let (dir, name) = self.place(to)?;
        let names = &mut self.dir_mut(dir)?.now;
        if names.contains_key(&name) {
            return Err(Errno::EXIST.into());
        }
        names.insert(name, file);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let file = self.find(path)?;
        self.file(file)?;
        let (dir, name) = self.place(path)?;
        self.dir_mut(dir)?.now.remove(&name);
        Ok(())
    }

    pub(super) fn content(&self, path: &Path) -> io::Result<&[u8]> {
        self.file(self.find(path)?).map(|file| file.now.as_slice())
    }

    pub(super) fn touch(&mut self, path: &Path, now: Micros) -> io::Result<()> {
        let file = self.find(path)?;
        self.file_mut(file)?.modified = now;
        Ok(())
    }

    pub(super) fn modified(&self, path: &Path) -> io::Result<Micros> {
        self.file(self.find(path)?).map(|file| file.modified)
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Ok(self.dir(self.find(dir)?)?.now.keys().cloned().collect())
    }

    pub(super) fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.find(path)?;
        Ok([Path::new("/")].into_iter().chain(names(path)?.into_iter().map(Path::new)).collect())
    }

    /// Bytes of the files that have a name.
    pub(super) fn used(&self) -> u64 {
        let dirs = self.nodes.iter().filter_map(|node| match node {
            Node::Dir(dir) => Some(dir),
            Node::File(_) => None,
        });
        let named: BTreeSet<usize> = dirs.flat_map(|dir| dir.now.values().copied()).collect();
        named.into_iter().filter_map(|node| self.file(node).ok()).map(|file| file.now.len() as u64).sum()
    }

    /// A power cut: what is left is durable.
    pub(super) fn crash(&mut self, random: &mut Random) {
        let (mut reached, mut seen) = (vec![ROOT], BTreeSet::new());
        while let Some(node) = reached.pop() {
            if !seen.insert(node) {
                continue;
            }
            match &mut self.nodes[node] {
                Node::File(file) => {
                    let left = if file.dirty { torn(file, random) } else { Arc::clone(&file.durable) };
                    (file.now, file.durable, file.dirty) = (Arc::clone(&left), left, false);
                }
                Node::Dir(dir) => {
                    dir.now = left_of(dir, random);
                    dir.durable.clone_from(&dir.now);
                    reached.extend(dir.now.values());
                }
            }
        }
        // Nothing that cannot be reached any more may take space.
        for (node, content) in self.nodes.iter_mut().enumerate() {
            if !seen.contains(&node) {
                *content = Node::File(File::default());
            }
        }
    }

    fn add(&mut self, dir: usize, name: &str, node: Node) -> io::Result<usize> {
        let new = self.nodes.len();
        self.dir_mut(dir)?.now.insert(name.to_owned(), new);
        self.nodes.push(node);
        Ok(new)
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        names(path)?.into_iter().try_fold(ROOT, |at, name| {
            self.dir(at)?.now.get(name).copied().ok_or_else(|| Errno::NOENT.into())
        })
    }

    /// The directory a path lies in, and its last name.
    fn place(&self, path: &Path) -> io::Result<(usize, String)> {
        let mut names = names(path)?;
        let last = names.pop().ok_or(Errno::ISDIR)?.to_owned();
        let dir = self.find(&names.into_iter().collect::<PathBuf>())?;
        Ok((dir, last))
    }

    fn dir(&self, node: usize) -> io::Result<&Dir> {
        match &self.nodes[node] {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    fn dir_mut(&mut self, node: usize) -> io::Result<&mut Dir> {
        match &mut self.nodes[node] {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    fn file(&self, node: usize) -> io::Result<&File> {
        match &self.nodes[node] {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(Errno::ISDIR.into()),
        }
    }

    fn file_mut(&mut self, node: usize) -> io::Result<&mut File> {
        match &mut self.nodes[node] {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(Errno::ISDIR.into()),
        }
    }
}

/// The names a path goes through; a path that starts nowhere starts at the root.
fn names(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str().ok_or(Errno::INVAL)?),
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL.into()),
        }
    }
    Ok(names)
}

/// What a power cut may leave of a file that was not synced.
fn torn(file: &File, random: &mut Random) -> Arc<Vec<u8>> {
    match random.below(4) {
        0 => Arc::clone(&file.durable),
        1 => Arc::clone(&file.now),
        2 => {
            let length = random.below(file.now.len() as u64 + 1) as usize;
            Arc::new(file.now[..length].to_vec())
        }
        _ => {
            let mut content = file.now.to_vec();
            for block in content.chunks_mut(BLOCK) {
                if random.coin() {
                    block.fill(0);
                }
            }
            Arc::new(content)
        }
    }
}

/// What a power cut may leave of the names of a directory that was not synced.
fn left_of(dir: &Dir, random: &mut Random) -> BTreeMap<String, usize> {
    match random.below(4) {
        0 => return dir.durable.clone(),
        1 => return dir.now.clone(),
        _ => {}
    }
    let names: BTreeSet<&String> = dir.now.keys().chain(dir.durable.keys()).collect();
    let mut left = BTreeMap::new();
    for name in names {
        let (now, durable) = (dir.now.get(name), dir.durable.get(name));
        let kept = if now == durable || random.coin() { now } else { durable };
        left.extend(kept.map(|node| (name.clone(), *node)));
    }
    left
}
