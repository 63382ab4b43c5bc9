//! What columns are made of: values of a fixed width, texts one after the other, and the places of NULLs. Must not know types
//! of SQL.

use std::sync::Arc;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{ArrayRef, BinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

/// Which values are NULL. Most are not, so only the places of those that are get remembered: a value that is there costs nothing.
#[derive(Debug, Default)]
struct Nulls {
    places: Vec<usize>,
}

impl Nulls {
    fn truncate(&mut self, length: usize) {
        let kept = self.places.partition_point(|place| *place < length);
        self.places.truncate(kept);
    }

    fn finish(&mut self, length: usize) -> Option<NullBuffer> {
        if self.places.is_empty() {
            return None;
        }
        let mut valid = BooleanBufferBuilder::new(length);
        valid.append_n(length, true);
        for place in self.places.drain(..) {
            valid.set_bit(place, false);
        }
        Some(NullBuffer::new(valid.finish()))
    }
}

/// Fixed-width values and which of them are NULL.
#[derive(Debug)]
pub(crate) struct Values<T> {
    values: Vec<T>,
    nulls: Nulls,
}

impl<T: Copy + Default> Values<T> {
    pub(super) fn new() -> Self {
        Self {
            values: vec![],
            nulls: Nulls::default(),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn push_null(&mut self) {
        self.nulls.places.push(self.values.len());
        self.values.push(T::default());
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
        self.nulls.truncate(length);
    }

    pub(super) fn finish<P: ArrowPrimitiveType<Native = T>>(
        &mut self,
        data_type: DataType,
    ) -> Result<ArrayRef, ArrowError>
    where
        T: arrow_buffer::ArrowNativeType,
    {
        let room = Vec::with_capacity(self.values.len());
        let values = ScalarBuffer::from(std::mem::replace(&mut self.values, room));
        let nulls = self.nulls.finish(values.len());
        let array = PrimitiveArray::<P>::try_new(values, nulls)?.with_data_type(data_type);
        Ok(Arc::new(array))
    }
}

/// Texts or bytes one after the other.
#[derive(Debug)]
pub(crate) struct Bytes {
    data: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Nulls,
}

impl Bytes {
    pub(crate) fn new() -> Self {
        Self {
            data: vec![],
            offsets: vec![0],
            nulls: Nulls::default(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    #[inline]
    fn seal(&mut self) {
        self.offsets
            .push(i32::try_from(self.data.len()).unwrap_or(i32::MAX));
    }

    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.seal();
    }

    /// Adds the first `length` bytes of a text that may go on behind them.
    #[inline]
    pub(crate) fn push_head(&mut self, length: usize, text: &[u8]) {
        const SHORT: usize = 16;
        match text.first_chunk::<SHORT>() {
            // A copy of fixed size needs no call; what is too much is cut off again.
            Some(head) if length <= SHORT => {
                self.data.extend_from_slice(head);
                self.data.truncate(self.data.len() - (SHORT - length));
            }
            _ => self
                .data
                .extend_from_slice(text.get(..length).unwrap_or(text)),
        }
        self.seal();
    }

    pub(crate) fn push_null(&mut self) {
        self.nulls.places.push(self.len());
        self.seal();
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.offsets.truncate(length + 1);
            let end = self.offsets.last().copied().unwrap_or(0);
            self.data.truncate(usize::try_from(end).unwrap_or(0));
            self.nulls.truncate(length);
        }
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer, Option<NullBuffer>) {
        let nulls = self.nulls.finish(self.len());
        // The next batch will be about as large: room for it at once, not by doubling.
        let mut room = Vec::with_capacity(self.offsets.len());
        room.push(0);
        let offsets = std::mem::replace(&mut self.offsets, room);
        let room = Vec::with_capacity(self.data.len() + self.data.len() / 8);
        let data = std::mem::replace(&mut self.data, room);
        (
            OffsetBuffer::new(offsets.into()),
            Buffer::from_vec(data),
            nulls,
        )
    }

    pub(crate) fn finish_text(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, data, nulls) = self.take();
        Ok(Arc::new(StringArray::try_new(offsets, data, nulls)?))
    }

    pub(super) fn finish_binary(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, data, nulls) = self.take();
        Ok(Arc::new(BinaryArray::try_new(offsets, data, nulls)?))
    }
}
