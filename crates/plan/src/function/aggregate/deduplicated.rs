//! DISTINCT for aggregates that know nothing of it: each row of arguments counts once. Must not know what is computed of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// An accumulator that is given each row once, when all are there; in their order, so that neither arrival nor partitions decide last digits.
#[derive(Debug)]
pub(super) struct Deduplicated {
    inner: Box<dyn Accumulator>,
    converter: RowConverter,
    rows: BTreeSet<OwnedRow>,
    bytes: usize,
}

impl Deduplicated {
    pub(super) fn new(inner: Box<dyn Accumulator>, types: Vec<DataType>) -> Result<Self> {
        let fields = types.into_iter().map(SortField::new).collect();
        Ok(Self {
            inner,
            converter: RowConverter::new(fields)?,
            rows: BTreeSet::new(),
            bytes: 0,
        })
    }

    /// The type of the state: the rows as the converter writes them.
    pub(super) fn state_type() -> DataType {
        super::super::signature::list_of(&DataType::Binary)
    }

    fn add(&mut self, row: OwnedRow) {
        let bytes = row.as_ref().len() + size_of::<OwnedRow>();
        if self.rows.insert(row) {
            self.bytes += bytes;
        }
    }
}

impl Accumulator for Deduplicated {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.converter.convert_columns(values)?;
        for row in &rows {
            self.add(row.owned());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            let columns = self
                .converter
                .convert_rows(rows.iter().map(OwnedRow::row))?;
            self.inner.update_batch(&columns)?;
        }
        self.inner.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.inner.size() + self.converter.size() + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows: BinaryArray = self.rows.iter().map(|row| Some(row.as_ref())).collect();
        let field = Arc::new(Field::new("element", DataType::Binary, true));
        let offsets = OffsetBuffer::from_lengths([rows.len()]);
        let list = ListArray::try_new(field, offsets, Arc::new(rows), None)?;
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states.first() else {
            return Ok(());
        };
        let parser = self.converter.parser();
        for list in lists.as_list::<i32>().iter().flatten() {
            for row in list.as_binary::<i32>().iter().flatten() {
                self.add(parser.parse(row).owned());
            }
        }
        Ok(())
    }
}
