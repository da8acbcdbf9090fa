//! A file that appears under its name only when it is complete.

use crate::ReportError;
use crate::write_behind::WriteBehind;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = ".tiepoint-";
const SUFFIX: &str = ".part";
/// No output takes so long to write: what is older was left behind by a run that was killed.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// Takes away what runs that were killed have left behind in a folder of outputs.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_ours && age().is_some_and(|age| age > LEFT_BEHIND) {
            let _ = std::fs::remove_file(entry.path()); // if it cannot be removed, it does no harm
        }
    }
}

/// Bytes that are held before they go into the file.
const HELD: usize = 256 << 10;

/// Written beside its final name, flushed to the disk, then renamed. Dropped without [`OutputFile::commit`], it vanishes.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    out: BufWriter<WriteBehind>,
}

impl OutputFile {
    /// Begins a file; its folder must exist.
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666)); // the umask decides, as for any other file
        }
        let file = builder.tempfile_in(folder).map_err(|source| ReportError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), out: BufWriter::with_capacity(HELD, WriteBehind::new(file)) })
    }

    /// Puts the complete file under its name, replacing an older one.
    pub fn commit(self) -> Result<(), ReportError> {
        let path = self.path;
        let failed = |source| ReportError::File { path: path.clone(), source };
        let file = self.out.into_inner().map_err(|error| failed(error.into_error()))?.into_inner();
        file.as_file().sync_all().map_err(failed)?;
        let failed = |source| ReportError::File { path: path.clone(), source };
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_complete_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("matches.csv");
        std::fs::write(&path, "old").unwrap();
        let mut dropped = OutputFile::create(&path).unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let mut whole = OutputFile::create(&path).unwrap();
        whole.write_all(b"new").unwrap();
        whole.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        for (name, hours_old, expected) in
            [(".tiepoint-a.part", 2, false), (".tiepoint-b.part", 0, true), ("c.part", 2, true)]
        {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - Duration::from_hours(hours_old)).unwrap();
            sweep(folder.path());
            assert_eq!(folder.path().join(name).exists(), expected, "{name}");
        }
        let missing = OutputFile::create(&folder.path().join("none/matches.csv")).unwrap_err().to_string();
        assert!(missing.contains("matches.csv"), "{missing}");
    }
}
