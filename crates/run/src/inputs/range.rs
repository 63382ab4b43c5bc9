//! The table function `range`: whole numbers that are made while they are read. Must not know flows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use sluice_graph::query::{ArgumentValue, TableFunction};
use sluice_model::Diagnostic;
use sluice_model::condition::query::{
    DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE, INVALID_PARAMETER_VALUE, WRONG_NUM_ARGS,
};

const BATCH_ROWS: usize = 8192;

/// The numbers of one call: from `start`, by `step`, before `end`.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    start: i64,
    end: i64,
    step: i64,
    schema: SchemaRef,
}

impl Range {
    /// Reads `range(end)` or `range(start, end [, step [, partitions]])`, as Spark does. Arguments must be whole numbers.
    pub(crate) fn of(call: &TableFunction) -> Result<Self, Box<Diagnostic>> {
        let refused = |condition, message: String| {
            Box::new(Diagnostic::error(condition, message).at(&call.origin, ""))
        };
        let mut numbers = vec![];
        for argument in call.positional() {
            let number = whole_number(&argument.value).ok_or_else(|| {
                let message = format!("`range` takes whole numbers, found {}", argument.value);
                refused(&DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE, message)
            })?;
            numbers.push(number);
        }
        let (start, end, step) =
            match (call.arguments.len() == numbers.len()).then_some(numbers.as_slice()) {
                Some([end]) => (0, *end, 1),
                Some([start, end]) => (*start, *end, 1),
                Some([start, end, step] | [start, end, step, _]) => (*start, *end, *step),
                _ => {
                    return Err(refused(
                        &WRONG_NUM_ARGS,
                        "`range` takes an end, or a start, an end and a step".into(),
                    ));
                }
            };
        if step == 0 {
            return Err(refused(
                &INVALID_PARAMETER_VALUE,
                "the step of `range` must not be 0".into(),
            ));
        }
        Ok(Self {
            start,
            end,
            step,
            schema: columns(),
        })
    }
}

/// The one column of a range: `id BIGINT`, never NULL.
pub(crate) fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]))
}

fn whole_number(value: &ArgumentValue) -> Option<i64> {
    let (ArgumentValue::Number(text) | ArgumentValue::Expression(text)) = value else {
        return None;
    };
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.trim_end_matches(['L', 'l']).parse().ok()
}

impl PartitionStream for Range {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (end, step, schema) = (self.end, self.step, Arc::clone(&self.schema));
        let mut next = Some(self.start);
        let batches = std::iter::from_fn(move || {
            let mut ids = vec![];
            while let Some(id) = next.filter(|id| if step > 0 { *id < end } else { *id > end }) {
                ids.push(id);
                next = id.checked_add(step);
                if ids.len() == BATCH_ROWS {
                    break;
                }
            }
            let column: ArrayRef = Arc::new(Int64Array::from(ids));
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column])
                .map_err(DataFusionError::from);
            (!batch.as_ref().is_ok_and(|batch| batch.num_rows() == 0)).then_some(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            futures::stream::iter(batches),
        ))
    }
}
