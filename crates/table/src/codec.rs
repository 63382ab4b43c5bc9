//! How the pages of data files are compressed: what a table says of it, and its names. Must not write.
//!
//! Files of a micro-batch are young: they are read once or twice and then rewritten by OPTIMIZE, so they are compressed
//! quickly, and well only when they are rewritten.

use std::collections::BTreeMap;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};

/// The table property that names a codec, in lower case: names of `delta.` properties are the same in any case.
pub(crate) const PROPERTY: &str = "delta.parquet.compression.codec";
/// What may stand in it, for who wrote something else.
pub(crate) const NAMES: &str =
    "it names no codec: SNAPPY, ZSTD, LZ4_RAW, GZIP, UNCOMPRESSED or NONE";
/// What becomes of codecs that Spark knows and that are not written.
pub(crate) const NOT_WRITTEN: &str = "files are compressed with SNAPPY, and with ZSTD by OPTIMIZE";

/// A compression of Parquet that every reader of Delta tables knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Uncompressed,
    /// Quick, and twice to four times smaller: the default of Spark and DuckDB.
    Snappy,
    /// Quick too; old readers do not know it.
    Lz4Raw,
    /// Slow and small, for readers that know nothing else.
    Gzip,
    /// About half of what Snappy leaves, for more time.
    Zstd,
}

impl Codec {
    /// The codec of a name as Spark writes it, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "none" | "uncompressed" => Self::Uncompressed,
            "snappy" => Self::Snappy,
            "lz4_raw" | "lz4raw" => Self::Lz4Raw,
            "gzip" => Self::Gzip,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// Whether Spark knows a codec of this name that is not written here.
    pub(crate) fn is_foreign(name: &str) -> bool {
        let name = name.trim();
        ["lz4", "lzo", "brotli"]
            .iter()
            .any(|foreign| name.eq_ignore_ascii_case(foreign))
    }

    /// The codec that a table's properties name.
    pub(crate) fn of_table(properties: &BTreeMap<String, String>) -> Option<Self> {
        let mut all = properties.iter();
        let (_, name) = all.find(|(property, _)| property.eq_ignore_ascii_case(PROPERTY))?;
        Self::parse(name)
    }

    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Uncompressed => Compression::UNCOMPRESSED,
            Self::Snappy => Compression::SNAPPY,
            Self::Lz4Raw => Compression::LZ4_RAW,
            Self::Gzip => Compression::GZIP(GzipLevel::default()),
            Self::Zstd => Compression::ZSTD(ZstdLevel::default()),
        }
    }
}
