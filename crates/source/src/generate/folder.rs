//! Files of a landing folder, filled as a producer fills them: written under a hidden name and renamed when complete,
//! so that a pipeline that watches the folder never sees half a file. The only part of the simulator that touches a
//! disk. Must not decide what is written or when.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::simulator::{Outlet, Record};

/// How files are made.
#[derive(Debug, Clone)]
pub struct FolderOptions {
    /// The folder, made when it is not there.
    pub folder: PathBuf,
    /// Folders below it, one per table; an empty name is the folder itself.
    pub tables: Vec<String>,
    /// How every file's name begins; it must tell one simulation from another.
    pub stem: String,
    /// How it ends, without a dot.
    pub extension: String,
    /// Whether files are packed with gzip.
    pub is_packed: bool,
    /// Records after which a file is complete.
    pub records_max: u64,
    /// Microseconds after which a file is complete.
    pub age_us_max: Option<i64>,
}

/// Takes records into files.
#[derive(Debug)]
pub struct RollingFiles {
    options: FolderOptions,
    open: Vec<Option<OpenFile>>,
    now_us: i64,
    files: u64,
    bytes: u64,
}

#[derive(Debug)]
struct OpenFile {
    hidden: PathBuf,
    complete: PathBuf,
    writer: Writer,
    records: u64,
    opened_us: i64,
}

#[derive(Debug)]
enum Writer {
    Plain(BufWriter<File>),
    Packed(Box<GzEncoder<BufWriter<File>>>),
}

impl Writer {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.write_all(bytes),
            Self::Packed(writer) => writer.write_all(bytes),
        }
    }

    /// Brings everything to the file and tells its size.
    fn finish(self) -> io::Result<u64> {
        let mut file = match self {
            Self::Plain(writer) => writer,
            Self::Packed(writer) => writer.finish()?,
        };
        file.flush()?;
        Ok(file.get_ref().metadata()?.len())
    }
}

impl RollingFiles {
    /// Makes the folders.
    pub fn create(options: FolderOptions) -> io::Result<Self> {
        for table in &options.tables {
            fs::create_dir_all(options.folder.join(table))?;
        }
        Ok(Self {
            open: options.tables.iter().map(|_| None).collect(),
            options,
            now_us: i64::MIN,
            files: 0,
            bytes: 0,
        })
    }

    /// Files completed.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Bytes of completed files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tells the time; files that are old enough are completed.
    pub fn tick(&mut self, now_us: i64) -> io::Result<()> {
        self.now_us = now_us;
        let Some(age_us) = self.options.age_us_max else {
            return Ok(());
        };
        for table in 0..self.open.len() {
            let opened_us = self.open[table].as_ref().map(|file| file.opened_us);
            if opened_us.is_some_and(|opened_us| now_us.saturating_sub(opened_us) >= age_us) {
                self.complete(table)?;
            }
        }
        Ok(())
    }

    /// Completes every file.
    pub fn finish(&mut self) -> io::Result<()> {
        (0..self.open.len()).try_for_each(|table| self.complete(table))
    }

    fn complete(&mut self, table: usize) -> io::Result<()> {
        let Some(file) = self.open[table].take() else {
            return Ok(());
        };
        let published = file.writer.finish().and_then(|bytes| {
            refuse_taken(&file.complete)?;
            fs::rename(&file.hidden, &file.complete)?;
            Ok(bytes)
        });
        match published {
            Ok(bytes) => {
                self.files += 1;
                self.bytes += bytes;
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&file.hidden);
                Err(error)
            }
        }
    }

    fn begin(&self, table: usize) -> io::Result<OpenFile> {
        let FolderOptions {
            folder,
            tables,
            stem,
            extension,
            is_packed,
            ..
        } = &self.options;
        let number = self.files + self.open.iter().flatten().count() as u64 + 1;
        let packed = if *is_packed { ".gz" } else { "" };
        let name = format!("{stem}-{number:06}.{extension}{packed}");
        let folder = folder.join(&tables[table]);
        let hidden = folder.join(format!(".{name}.tmp"));
        refuse_taken(&folder.join(&name))?;
        let file = BufWriter::with_capacity(64 * 1024, File::create(&hidden)?);
        Ok(OpenFile {
            hidden,
            complete: folder.join(name),
            writer: if *is_packed {
                Writer::Packed(Box::new(GzEncoder::new(file, Compression::fast())))
            } else {
                Writer::Plain(file)
            },
            records: 0,
            opened_us: self.now_us,
        })
    }
}

/// A pipeline may have read the file that is there: it must stay what it was.
fn refuse_taken(path: &Path) -> io::Result<()> {
    if path.exists() {
        let taken = format!("`{}` is already there", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, taken));
    }
    Ok(())
}

impl Outlet for RollingFiles {
    type Error = io::Error;

    fn put(&mut self, record: Record<'_>) -> io::Result<()> {
        if self.open[record.table].is_none() {
            let mut file = self.begin(record.table)?;
            if let Some(header) = record.header {
                file.writer.write_all(header)?;
                file.writer.write_all(b"\n")?;
            }
            self.open[record.table] = Some(file);
        }
        let records_max = self.options.records_max;
        let Some(file) = &mut self.open[record.table] else {
            return Ok(());
        };
        file.writer.write_all(record.bytes)?;
        file.writer.write_all(b"\n")?;
        file.records += 1;
        if file.records >= records_max {
            self.complete(record.table)?;
        }
        Ok(())
    }
}

/// What is not complete is taken away: nobody has seen it.
impl Drop for RollingFiles {
    fn drop(&mut self) {
        for file in self.open.iter().flatten() {
            let _ = fs::remove_file(&file.hidden);
        }
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
