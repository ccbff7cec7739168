//! The folders of rules and templates on disk: read whole, and watched for changes.

pub mod revision;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};

use crate::app::live::{Found, Text};
use crate::rules::{FileError, Files};

/// Largest file that is read; rules and templates are texts that people write.
pub const LARGEST: u64 = 4 << 20;

/// The rule files directly in the folder, in the order of their names.
///
/// A folder that is not there has none: a service may start before its rules do.
pub fn rule_files(folder: &Path) -> io::Result<Vec<Text>> {
    let mut files = Vec::new();
    for path in visible(folder)? {
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("yaml" | "yml")) && path.is_file() {
            files.push(read(&path));
        }
    }
    Ok(files)
}

/// Everything that is in the two folders; what cannot be read is among it.
pub fn find(rules: &Path, templates: &Path) -> Found {
    let mut found = find_templates(templates);
    match rule_files(rules) {
        Ok(files) => found.rules = files,
        Err(error) => found.unreadable.push(format!("{}: error: cannot be read: {error}", rules.display())),
    }
    found
}

/// The templates in the folder, and no rules.
pub fn find_templates(folder: &Path) -> Found {
    let mut found = Found::default();
    if let Err(error) = template_files(folder, &mut found) {
        found.unreadable.push(format!("{}: error: cannot be read: {error}", folder.display()));
    }
    found
}

/// The templates of everybody, and those of single organizations by the name of their folder.
fn template_files(folder: &Path, found: &mut Found) -> io::Result<()> {
    for path in visible(folder)? {
        if path.is_dir() {
            let files = visible(&path)?.iter().filter(|path| is_template(path)).map(|path| read(path)).collect();
            found.own_templates.push((file_name(&path), files));
        } else if is_template(&path) {
            found.templates.push(read(&path));
        }
    }
    Ok(())
}

fn is_template(path: &Path) -> bool {
    file_name(path).ends_with(".xml.j2")
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn visible(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Text {
    let name = path.display().to_string();
    let stem = file_name(path);
    let stem = stem.split('.').next().unwrap_or_default().to_owned();
    Text { name, stem, bytes: bounded(path) }
}

/// The bytes of a file that is not too large.
fn bounded(path: &Path) -> Result<Vec<u8>, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if about.len() > LARGEST {
        return Err(format!("it has {} bytes, more than the {LARGEST} that are read", about.len()));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

/// The files that rule files name, below the rules folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The files below this folder.
    pub const fn new(root: PathBuf) -> Self {
        Self(root)
    }

    /// The path on disk: nothing leads out of the folder, links included.
    fn resolve(&self, path: &str) -> Result<PathBuf, FileError> {
        let path = inside(path)?;
        let failed = |error: &io::Error| {
            let missing = error.kind() == io::ErrorKind::NotFound;
            if missing { FileError::Missing } else { FileError::Unreadable(error.to_string()) }
        };
        let root = self.0.canonicalize().map_err(|error| failed(&error))?;
        let file = root.join(path).canonicalize().map_err(|error| failed(&error))?;
        if !file.starts_with(&root) {
            return Err(FileError::NotAllowed("it is a link out of the folder of the rule file".to_owned()));
        }
        if !file.is_file() {
            return Err(FileError::NotAllowed("it is not a file".to_owned()));
        }
        Ok(file)
    }
}

/// The path, if nothing in it leads upward or elsewhere.
pub(crate) fn inside(path: &str) -> Result<&str, FileError> {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if plain && !path.is_empty() {
        return Ok(path);
    }
    Err(FileError::NotAllowed("the path must stay below the folder of the rule file".to_owned()))
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        bounded(&self.resolve(path)?).map_err(FileError::Unreadable)
    }

    fn find(&self, path: &str) -> Result<(), FileError> {
        self.resolve(path).map(drop)
    }
}

/// Follows folders until it is dropped.
#[derive(Debug)]
pub struct Watch {
    // Dropping it closes the channel, and that ends the thread.
    _watcher: notify::RecommendedWatcher,
}

/// Quiet time after a change before it is acted on: editors write in several moves.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// A look without being told, for file systems that tell nothing.
const POLL: Duration = Duration::from_secs(30);

/// Calls `changed` on a thread of its own after anything in the folders may have changed.
///
/// Folders are watched rather than files: a file that is replaced by renaming is another file, and the
/// watch would stay with the old one. `changed` compares contents itself, because it is also called now
/// and then without any cause.
pub fn watch(folders: &[PathBuf], changed: impl Fn() + Send + 'static) -> Result<Watch, notify::Error> {
    let (sender, receiver) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
        // Reading a file is an event too, and must not lead to the next reading.
        let matters = event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_)));
        if matters {
            // The other end is gone only while stopping.
            let _gone = sender.send(());
        }
    })?;
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    let run = move || {
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(()) => while receiver.recv_timeout(DEBOUNCE).is_ok() {},
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            changed();
        }
    };
    thread::Builder::new().name("watch".to_owned()).spawn(run).map_err(notify::Error::io)?;
    Ok(Watch { _watcher: watcher })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[Text]) -> Vec<&str> {
        files.iter().map(|file| file.stem.as_str()).collect()
    }

    #[test]
    fn rule_files_are_the_visible_yaml_files_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", ".hidden.yaml", "notes.txt"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        std::fs::create_dir(folder.path().join("lists.yaml")).unwrap();
        let files = rule_files(folder.path()).unwrap();
        assert_eq!(names(&files), ["a", "b"]);
        assert_eq!(files[1].bytes.as_deref(), Ok(&b"b.yaml"[..]));
        assert!(rule_files(&folder.path().join("nowhere")).unwrap().is_empty());
    }

    #[test]
    fn templates_are_shared_or_an_organizations_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("acme")).unwrap();
        for name in ["ring.xml.j2", "README.md", "acme/menu.xml.j2"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let found = find(&folder.path().join("nowhere"), folder.path());
        assert_eq!(names(&found.templates), ["ring"]);
        assert_eq!(found.own_templates.len(), 1);
        let (org, files) = &found.own_templates[0];
        assert_eq!((org.as_str(), names(files)), ("acme", vec!["menu"]));
        assert!(found.rules.is_empty() && found.unreadable.is_empty());
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("big.yaml")).unwrap();
        file.set_len(LARGEST + 1).unwrap();
        assert!(rule_files(folder.path()).unwrap()[0].bytes.as_ref().unwrap_err().contains("more than"));
    }

    #[test]
    fn rule_files_can_name_only_files_of_their_folder() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("x"), "secret").unwrap();
        std::fs::create_dir(inside.path().join("lists")).unwrap();
        std::fs::write(inside.path().join("lists/vip.csv"), "+16195550111").unwrap();
        std::os::unix::fs::symlink(outside.path().join("x"), inside.path().join("link")).unwrap();
        let folder = Folder::new(inside.path().to_owned());
        assert_eq!(folder.read("lists/vip.csv"), Ok(b"+16195550111".to_vec()));
        assert_eq!(folder.find("lists/vip.csv"), Ok(()));
        assert_eq!(folder.read("lists/none.csv"), Err(FileError::Missing));
        for path in ["../x", "/etc/passwd", "lists/../../x", "link", "lists", ""] {
            assert!(matches!(folder.read(path), Err(FileError::NotAllowed(_))), "{path}");
        }
    }

    #[test]
    fn a_file_replaced_by_renaming_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "old").unwrap();
        let (sender, receiver) = mpsc::channel();
        let _watch = watch(&[folder.path().to_owned()], move || sender.send(()).unwrap_or_default()).unwrap();
        std::fs::write(folder.path().join(".a.tmp"), "new").unwrap();
        std::fs::rename(folder.path().join(".a.tmp"), folder.path().join("a.yaml")).unwrap();
        assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(()));
    }
}
