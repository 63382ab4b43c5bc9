//! The bytes of a file: unpacked within limits, and cut into chunks at line ends. Must not know what lines mean.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sluice_model::limits::{
    DECOMPRESSION_GRACE_BYTES, DECOMPRESSION_RATIO_MAX, LINE_BYTES_MAX, UNPACKED_FILE_BYTES_MAX,
};

use crate::SourceError;
use crate::option::Encoding;

/// Bytes that a chunk aims for: few enough to stay in the cache of a core until they are decoded.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// A file's bytes as a store hands them out.
pub(crate) enum Payload {
    /// A file of the local disk.
    Disk(File),
    /// Chunks that arrive from elsewhere, and how many bytes they must be together.
    Arriving(
        tokio::sync::mpsc::Receiver<Result<Bytes, object_store::Error>>,
        u64,
    ),
}

impl Payload {
    pub(super) fn into_read(self) -> Box<dyn Read + Send> {
        match self {
            Self::Disk(file) => Box::new(file),
            Self::Arriving(receiver, left) => Box::new(Arriving {
                receiver,
                current: Bytes::new(),
                left,
            }),
        }
    }
}

struct Arriving {
    receiver: tokio::sync::mpsc::Receiver<Result<Bytes, object_store::Error>>,
    current: Bytes,
    left: u64,
}

impl Read for Arriving {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(Ok(bytes)) => {
                    self.left = self.left.saturating_sub(bytes.len() as u64);
                    self.current = bytes;
                }
                Some(Err(error)) => return Err(Error::other(error)),
                None if self.left > 0 => return Err(ErrorKind::UnexpectedEof.into()),
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.current.len());
        let taken = self.current.split_to(length);
        out[..length].copy_from_slice(&taken);
        Ok(length)
    }
}

/// Marks an error of the limits among errors of reading.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct LimitPassed(String);

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(out)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Stops bombs: too much unpacked from too little.
struct Guarded<R> {
    inner: R,
    packed: Arc<AtomicU64>,
    unpacked: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(out)?;
        self.unpacked += length as u64;
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > DECOMPRESSION_GRACE_BYTES
            && self.unpacked / packed > DECOMPRESSION_RATIO_MAX
        {
            return Err(Error::other(LimitPassed(format!(
                "it unpacks to more than {DECOMPRESSION_RATIO_MAX} times its size"
            ))));
        }
        if self.unpacked > UNPACKED_FILE_BYTES_MAX {
            return Err(Error::other(LimitPassed(format!(
                "it unpacks to more than {} GiB",
                UNPACKED_FILE_BYTES_MAX >> 30
            ))));
        }
        Ok(length)
    }
}

enum Compression {
    None,
    Gzip,
    Zstd,
    Unsupported(&'static str),
}

fn compression(name: &str) -> Compression {
    let lower = name.to_ascii_lowercase();
    match lower.rsplit_once('.').map(|(_, extension)| extension) {
        Some("gz" | "gzip") => Compression::Gzip,
        Some("zst" | "zstd") => Compression::Zstd,
        Some("bz2") => Compression::Unsupported("bzip2"),
        Some("snappy") => Compression::Unsupported("snappy"),
        Some("lz4") => Compression::Unsupported("lz4"),
        Some("deflate") => Compression::Unsupported("deflate"),
        Some("zip") => Compression::Unsupported("zip"),
        Some("xz") => Compression::Unsupported("xz"),
        _ => Compression::None,
    }
}

/// The unpacked bytes of a file; the compression is told by its name.
pub(crate) fn unpack(
    payload: Payload,
    name: &str,
    shown: &str,
) -> Result<Box<dyn Read + Send>, SourceError> {
    let packed = Arc::new(AtomicU64::new(0));
    let counted = |payload: Payload| {
        BufReader::with_capacity(
            64 << 10,
            Counted {
                inner: payload.into_read(),
                count: Arc::clone(&packed),
            },
        )
    };
    match compression(name) {
        Compression::None => Ok(payload.into_read()),
        Compression::Gzip => {
            let inner = flate2::bufread::MultiGzDecoder::new(counted(payload));
            Ok(Box::new(Guarded {
                inner,
                packed,
                unpacked: 0,
            }))
        }
        Compression::Zstd => {
            let inner = zstd::stream::read::Decoder::with_buffer(counted(payload))
                .map_err(|error| of_io(shown, "zstd", &error))?;
            Ok(Box::new(Guarded {
                inner,
                packed,
                unpacked: 0,
            }))
        }
        Compression::Unsupported(what) => {
            let reason =
                format!("{what} compression is not supported; gzip (.gz) and zstd (.zst) are");
            Err(SourceError::Unreadable {
                path: shown.to_string(),
                reason,
            })
        }
    }
}

/// An error of reading, told apart: a limit, damaged content, or the storage itself.
pub(crate) fn of_io(shown: &str, format: &'static str, error: &Error) -> SourceError {
    let path = shown.to_string();
    if let Some(limit) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<LimitPassed>())
    {
        return SourceError::TooLarge {
            path,
            reason: limit.to_string(),
        };
    }
    if let Some(diagnostic) = error.get_ref().and_then(|inner| crate::s3::carried(inner)) {
        return SourceError::Refused(Box::new(diagnostic.clone()));
    }
    if error.raw_os_error().is_some()
        || error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<object_store::Error>)
    {
        return SourceError::Unreadable {
            path,
            reason: error.to_string(),
        };
    }
    let reason = match error.kind() {
        ErrorKind::UnexpectedEof => {
            "it ends too early: it is cut off or still being written".to_string()
        }
        _ => error.to_string(),
    };
    SourceError::Corrupt {
        path,
        format,
        reason,
    }
}

/// Reads a whole file.
pub(crate) fn read_whole(
    mut reader: impl Read,
    shown: &str,
    format: &'static str,
    limit: u64,
) -> Result<Vec<u8>, SourceError> {
    let mut out = vec![];
    reader
        .by_ref()
        .take(limit + 1)
        .read_to_end(&mut out)
        .map_err(|error| of_io(shown, format, &error))?;
    if out.len() as u64 > limit {
        return Err(SourceError::TooLarge {
            path: shown.to_string(),
            reason: format!("it holds more than {} MiB and is read whole", limit >> 20),
        });
    }
    Ok(out)
}

/// Cuts a stream of bytes into chunks that end at line ends, in one buffer that is filled again and again.
pub(crate) struct Chunks<'a> {
    reader: Box<dyn Read + Send>,
    separator: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out.
    given: usize,
    first: bool,
    ended: bool,
    /// Whether a line that passes the limit is left out instead of ending the read.
    leaves_out: bool,
    shown: &'a str,
    format: &'static str,
}

impl<'a> Chunks<'a> {
    pub(crate) fn new(
        reader: Box<dyn Read + Send>,
        separator: Option<&str>,
        shown: &'a str,
        format: &'static str,
    ) -> Self {
        let separator = separator.unwrap_or("\n").as_bytes().to_vec();
        Self {
            reader,
            separator,
            buffer: vec![],
            given: 0,
            first: true,
            ended: false,
            leaves_out: false,
            shown,
            format,
        }
    }

    /// Leaves out lines that pass the limit, for who only learns from the others: the decoder counts them.
    pub(crate) fn without_overlong_lines(self) -> Self {
        Self {
            leaves_out: true,
            ..self
        }
    }

    /// The next chunk: whole lines, the last one of the file perhaps without its end.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
        self.buffer.drain(..self.given);
        self.given = 0;
        let mut searched = 0;
        let mut overlong = false;
        while !self.ended {
            let start = self.buffer.len();
            self.read()?;
            let from = searched.max(start.saturating_sub(self.separator.len()));
            if overlong {
                let Some(end) = first_end(&self.buffer, &self.separator) else {
                    let tail = self.buffer.len().saturating_sub(self.separator.len());
                    self.buffer.drain(..tail);
                    continue;
                };
                self.buffer.drain(..end);
                overlong = false;
            }
            if self.ended {
                break;
            }
            if let Some(end) = last_end(&self.buffer, from, &self.separator) {
                self.given = end;
                return Ok(self.buffer.get(..end));
            }
            searched = self.buffer.len().saturating_sub(self.separator.len());
            if self.buffer.len() > LINE_BYTES_MAX && self.leaves_out {
                (self.buffer, searched, overlong) = (vec![], 0, true);
            } else if self.buffer.len() > LINE_BYTES_MAX {
                let reason = format!("a line is longer than {} MiB", LINE_BYTES_MAX >> 20);
                return Err(SourceError::TooLarge {
                    path: self.shown.to_string(),
                    reason,
                });
            }
        }
        self.given = self.buffer.len();
        Ok(Some(self.buffer.as_slice()).filter(|last| !last.is_empty() && !overlong))
    }

    /// Adds what comes next to the buffer.
    fn read(&mut self) -> Result<(), SourceError> {
        self.buffer.reserve(CHUNK_BYTES);
        let taken = (&mut self.reader)
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut self.buffer);
        let length = taken.map_err(|error| of_io(self.shown, self.format, &error))?;
        self.ended = length < CHUNK_BYTES;
        if std::mem::take(&mut self.first) {
            self.skip_byte_order_mark()?;
        }
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), SourceError> {
        if self.buffer.starts_with(&[0xEF, 0xBB, 0xBF]) {
            self.buffer.drain(..3);
        }
        if self.buffer.starts_with(&[0xFF, 0xFE]) || self.buffer.starts_with(&[0xFE, 0xFF]) {
            let reason = "it is in UTF-16; only UTF-8 and ISO-8859-1 are read".to_string();
            return Err(SourceError::Corrupt {
                path: self.shown.to_string(),
                format: self.format,
                reason,
            });
        }
        Ok(())
    }
}

fn first_end(buffer: &[u8], separator: &[u8]) -> Option<usize> {
    let position = buffer
        .windows(separator.len().max(1))
        .position(|window| window == separator);
    position.map(|index| index + separator.len())
}

fn last_end(buffer: &[u8], from: usize, separator: &[u8]) -> Option<usize> {
    let tail = buffer.get(from..)?;
    let position = match separator {
        [byte] => tail.iter().rposition(|other| other == byte),
        _ => tail
            .windows(separator.len().max(1))
            .rposition(|window| window == separator),
    };
    position.map(|index| from + index + separator.len())
}

/// Bytes as text: ISO-8859-1 maps each byte; broken UTF-8 is kept with replacement characters, as Spark does.
pub(crate) fn to_text(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
        Encoding::Utf8 => match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => String::from_utf8_lossy(bytes),
        },
    }
}

/// Bytes as UTF-8; broken UTF-8 stays as it is, for who reads records one by one.
pub(crate) fn as_utf8(bytes: &[u8], encoding: Encoding) -> Cow<'_, [u8]> {
    match encoding {
        Encoding::Utf8 => bytes.into(),
        Encoding::Latin1 => to_text(bytes, encoding).into_owned().into_bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn chunks(bytes: Vec<u8>, separator: Option<&str>) -> Vec<Vec<u8>> {
        let mut chunks = Chunks::new(Box::new(Cursor::new(bytes)), separator, "f", "text");
        std::iter::from_fn(|| chunks.next().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn chunks_end_at_line_ends_and_lose_nothing() {
        let line = "x".repeat(700_000);
        for (text, separator) in [
            (format!("{line}\n{line}\n{line}"), None),
            (format!("{line}||{line}||{line}||"), Some("||")),
            (String::new(), None),
            ("a".into(), None),
            ("y".repeat(3 << 20), None),
        ] {
            let parts = chunks(text.clone().into_bytes(), separator);
            assert_eq!(parts.concat(), text.as_bytes());
            for part in parts.iter().rev().skip(1) {
                assert!(part.ends_with(separator.unwrap_or("\n").as_bytes()));
            }
        }
    }

    #[test]
    fn bytes_that_stop_arriving_are_no_end_of_file() {
        for (planned, arrives) in [(3, true), (4, false)] {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            sender.try_send(Ok(Bytes::from_static(b"abc"))).unwrap();
            drop(sender);
            let reader = Payload::Arriving(receiver, planned).into_read();
            assert_eq!(read_whole(reader, "f", "text", 10).is_ok(), arrives);
        }
    }

    #[test]
    fn byte_order_marks_are_skipped_or_named() {
        assert_eq!(chunks(b"\xEF\xBB\xBFa\n".to_vec(), None), [b"a\n"]);
        let mut utf16 = Chunks::new(
            Box::new(Cursor::new(b"\xFF\xFEa\0".to_vec())),
            None,
            "f",
            "json",
        );
        assert!(utf16.next().unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn a_bomb_is_stopped_and_a_cut_file_is_named() {
        let packed = |size: usize| {
            let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
            encoder.write_all(&vec![b'0'; size]).unwrap();
            encoder.finish().unwrap()
        };
        let unpack_bytes = |name: &str, bytes: Vec<u8>| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            read_whole(
                unpack(Payload::Disk(file), name, name).unwrap(),
                name,
                "json",
                1 << 30,
            )
        };
        // One line over and over packs a thousandfold, and is no attack.
        let same = unpack_bytes("a.json.gz", packed(64 << 20)).unwrap();
        assert_eq!(same.len(), 64 << 20);
        let bomb = zstd::encode_all(&vec![b'0'; 64 << 20][..], 3).unwrap();
        assert!(matches!(
            unpack_bytes("a.json.zst", bomb),
            Err(SourceError::TooLarge { .. })
        ));
        let mut cut = packed(1000);
        cut.truncate(cut.len() - 9);
        let error = unpack_bytes("a.json.gz", cut).unwrap_err();
        assert!(
            matches!(&error, SourceError::Corrupt { reason, .. } if reason.contains("cut off")),
            "{error}"
        );
    }
}
