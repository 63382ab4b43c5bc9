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
    quoted: Vec<Vec<u8>>,
    index: HashMap<String, usize, BuildHasherDefault<Fnv>>,
    fold: bool,
    /// Which field came last time after each field, from the start: devices keep their order. A guess, never the truth.
    after: Vec<AtomicUsize>,
}

/// FNV-1a: field names are short and the map is built from the declared schema, not from input.
#[derive(Debug)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
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
        Ok(Self {
            names: fields.iter().map(|field| field.name.clone()).collect(),
            shapes: fields
                .iter()
                .map(|field| Shape::new(&field.data_type, case_sensitive, &field.name))
                .collect::<Result<_, _>>()?,
            quoted: fields.iter().map(|field| quoted(&field.name)).collect(),
            index,
            fold: !case_sensitive,
            after: (0..=fields.len()).map(AtomicUsize::new).collect(),
        })
    }

    /// The name with its quotes, as it stands in most documents; empty where it would be escaped.
    #[inline]
    pub(crate) fn quoted(&self, position: usize) -> &[u8] {
        self.quoted.get(position).map_or(&[], Vec::as_slice)
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
        if self.fold {
            return self.index.get(&name.to_lowercase()).copied();
        }
        self.index.get(name).copied()
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
