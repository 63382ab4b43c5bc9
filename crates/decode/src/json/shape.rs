//! What is expected where: field names and types compiled for quick finding. Must not hold values.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_model::{SparkField, SparkType};

use crate::record::DecodeError;

/// The expected form of one value; scalars are told apart by their column.
#[derive(Debug)]
pub(crate) enum Shape {
    Scalar,
    List(Box<Shape>),
    Map(Box<Shape>),
    Struct(StructShape),
}

/// The fields of an object.
#[derive(Debug)]
pub(crate) struct StructShape {
    pub(crate) names: Vec<String>,
    pub(crate) shapes: Vec<Shape>,
    keys: Vec<Key>,
    guess: Option<FirstBytes>,
    /// By the declared spelling, and by the lower case where case does not count.
    index: HashMap<String, usize, BuildHasherDefault<NameHash>>,
    fold: bool,
    /// Which field came last time after each field, from the start: devices keep their order. A guess, never the truth.
    after: Vec<AtomicUsize>,
}

/// The name of a field with its quotes, as it stands in most documents, ready to be compared without a call.
#[derive(Debug)]
pub(crate) struct Key {
    /// Empty where the name would be escaped.
    pub(crate) quoted: Vec<u8>,
    /// The first bytes as words, and which of their bits count; `None` for names that are longer.
    pub(crate) words: Option<([u64; Key::WORDS], [u64; Key::WORDS])>,
}

impl Key {
    /// Words of eight bytes that a key is compared in.
    pub(crate) const WORDS: usize = 4;
    /// Bytes of them.
    pub(crate) const BYTES: usize = Self::WORDS * 8;

    fn new(name: &str) -> Self {
        let quoted = quoted(name);
        let fits = (1..=Self::BYTES).contains(&quoted.len());
        let words = fits.then(|| {
            let (mut words, mut masks) = ([0; Self::WORDS], [0; Self::WORDS]);
            for (index, byte) in quoted.iter().enumerate() {
                words[index / 8] |= u64::from(*byte) << (index % 8 * 8);
                masks[index / 8] |= 0xff << (index % 8 * 8);
            }
            (words, masks)
        });
        Self { quoted, words }
    }
}

/// Guesses a field by the first bytes of its name, where these tell all fields apart; the key then decides.
#[derive(Debug)]
struct FirstBytes {
    /// Which bits after the opening quote count.
    mask: u64,
    factor: u64,
    shift: u32,
    slots: Vec<u16>,
}

impl FirstBytes {
    const FACTORS_TRIED: u64 = 64;

    /// `None` where the names share their first bytes, or no table of fair size holds them.
    fn new(keys: &[Key]) -> Option<Self> {
        // The closing quote of the shortest name is the last byte that stands in every document.
        let length = keys
            .iter()
            .map(|key| key.quoted.len().saturating_sub(1))
            .min()?
            .min(8);
        let mask = if length == 8 {
            u64::MAX
        } else {
            (1 << (length * 8)) - 1
        };
        let words: Vec<u64> = keys
            .iter()
            .map(|key| Some(u64::from_le_bytes(padded(key.quoted.get(1..)?)) & mask))
            .collect::<Option<_>>()?;
        let size = (keys.len() * 8).next_power_of_two();
        let shift = u64::BITS - size.trailing_zeros();
        (1..=Self::FACTORS_TRIED).find_map(|attempt| {
            let factor = (attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1;
            let mut slots = vec![u16::MAX; size];
            for (position, word) in words.iter().enumerate() {
                let slot = slots.get_mut(slot_of(*word, factor, shift))?;
                if *slot != u16::MAX {
                    return None;
                }
                *slot = u16::try_from(position).ok()?;
            }
            Some(Self {
                mask,
                factor,
                shift,
                slots,
            })
        })
    }
}

fn slot_of(word: u64, factor: u64, shift: u32) -> usize {
    usize::try_from(word.wrapping_mul(factor).checked_shr(shift).unwrap_or(0)).unwrap_or(0)
}

/// The first eight bytes; zeros where there are fewer.
fn padded(bytes: &[u8]) -> [u8; 8] {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    word
}

/// Hashes the names of fields: they are short, and the map is built from the declared schema, not from input.
#[derive(Debug, Default)]
pub(crate) struct NameHash(u64);

impl Hasher for NameHash {
    fn write(&mut self, bytes: &[u8]) {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut add = |word: u64| {
            let mixed = (self.0 ^ word).wrapping_mul(MIX);
            self.0 = mixed ^ (mixed >> 32);
        };
        add(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            add(u64::from_le_bytes(*word));
        }
        match bytes.last_chunk::<8>() {
            // The last eight bytes hold the rest, and some bytes once more, which does no harm.
            Some(last) if !rest.is_empty() => add(u64::from_le_bytes(*last)),
            Some(_) => {}
            None => add(rest
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))),
        }
    }

    fn write_u8(&mut self, _: u8) {
        // The end mark of a text: its length is part of the hash already.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Shape {
    pub(crate) fn new(
        data_type: &SparkType,
        case_sensitive: bool,
        column: &str,
    ) -> Result<Self, DecodeError> {
        Ok(match data_type {
            SparkType::Array(element) => {
                Self::List(Box::new(Self::new(element, case_sensitive, column)?))
            }
            SparkType::Map(key, value) if **key == SparkType::String => {
                Self::Map(Box::new(Self::new(value, case_sensitive, column)?))
            }
            SparkType::Map(..) => {
                return Err(DecodeError::Type {
                    format: "JSON",
                    column: column.to_string(),
                    data_type: data_type.to_string(),
                });
            }
            SparkType::Struct(fields) => Self::Struct(StructShape::new(fields, case_sensitive)?),
            _ => Self::Scalar,
        })
    }
}

impl StructShape {
    pub(crate) fn new(fields: &[SparkField], case_sensitive: bool) -> Result<Self, DecodeError> {
        let mut index = HashMap::default();
        for (position, field) in fields.iter().enumerate() {
            let key = if case_sensitive {
                field.name.clone()
            } else {
                field.name.to_lowercase()
            };
            index.insert(key, position);
        }
        for field in fields {
            if let Some(position) = index.get(&field.name.to_lowercase()).copied() {
                index.entry(field.name.clone()).or_insert(position);
            }
        }
        let keys: Vec<Key> = fields.iter().map(|field| Key::new(&field.name)).collect();
        Ok(Self {
            names: fields.iter().map(|field| field.name.clone()).collect(),
            shapes: fields
                .iter()
                .map(|field| Shape::new(&field.data_type, case_sensitive, &field.name))
                .collect::<Result<_, _>>()?,
            guess: FirstBytes::new(&keys),
            keys,
            index,
            fold: !case_sensitive,
            after: (0..=fields.len()).map(AtomicUsize::new).collect(),
        })
    }

    /// The name of a field as it stands in most documents.
    #[inline]
    pub(crate) fn key(&self, position: usize) -> Option<&Key> {
        self.keys.get(position)
    }

    /// The field whose name may follow, by the eight bytes after an opening quote. A guess, never the truth.
    #[inline]
    pub(crate) fn guess(&self, word: u64) -> Option<usize> {
        let guess = self.guess.as_ref()?;
        let slot = slot_of(word & guess.mask, guess.factor, guess.shift);
        guess.slots.get(slot).map(|position| usize::from(*position))
    }

    /// The field to expect after a slot: 0 is the start of an object, n + 1 the place after field n.
    #[inline]
    pub(crate) fn expected(&self, slot: usize) -> usize {
        self.after
            .get(slot)
            .map_or(usize::MAX, |after| after.load(Ordering::Relaxed))
    }

    /// Remembers what came after a slot.
    pub(crate) fn learn(&self, slot: usize, position: usize) {
        if let Some(cell) = self.after.get(slot) {
            cell.store(position, Ordering::Relaxed);
        }
    }

    /// The position of a field.
    #[inline]
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        if let Some(position) = self.index.get(name) {
            return Some(*position);
        }
        let is_folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
        if !self.fold || name.bytes().all(is_folded) {
            return None;
        }
        self.index.get(&name.to_lowercase()).copied()
    }
}

fn quoted(name: &str) -> Vec<u8> {
    if name
        .bytes()
        .any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        return vec![];
    }
    format!("\"{name}\"").into_bytes()
}
