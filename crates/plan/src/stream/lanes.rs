//! Streams as a node of a physical plan, so that DataFusion's operators can run over them; and streams that are run to
//! their end whatever becomes of those who read them.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::Stream;

use super::StreamContext;

/// Streams of one schema, each read once: a leaf with one partition for each.
#[derive(Debug)]
pub(super) struct Lanes {
    streams: Mutex<Vec<Option<Held>>>,
    properties: Arc<PlanProperties>,
}

struct Held(SendableRecordBatchStream);

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl Lanes {
    /// A leaf over streams.
    pub(super) fn over(schema: SchemaRef, streams: Vec<SendableRecordBatchStream>) -> Arc<Self> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(streams.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(Self {
            streams: Mutex::new(streams.into_iter().map(|s| Some(Held(s))).collect()),
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for Lanes {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lanes")
    }
}

impl ExecutionPlan for Lanes {
    fn name(&self) -> &'static str {
        "Lanes"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        match streams.get_mut(partition).and_then(Option::take) {
            Some(held) => Ok(held.0),
            None => internal_err!("a stream that is read once was read twice"),
        }
    }
}

/// A stream that has effects: given up before its end, it goes to the batch, which reads it to the end.
pub(super) struct Thorough {
    inner: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    context: Arc<StreamContext>,
}

impl Thorough {
    /// That stream.
    pub(super) fn stream(
        inner: SendableRecordBatchStream,
        context: Arc<StreamContext>,
    ) -> SendableRecordBatchStream {
        Box::pin(Self {
            schema: inner.schema(),
            inner: Some(inner),
            context,
        })
    }
}

impl Stream for Thorough {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let polled = inner.as_mut().poll_next(cx);
        // After an error there is nothing to go on with: the batch has failed.
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }
        polled
    }
}

impl RecordBatchStream for Thorough {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Drop for Thorough {
    fn drop(&mut self) {
        if let Some(rest) = self.inner.take() {
            self.context.given_up(rest);
        }
    }
}

/// A stream of nothing.
pub(super) fn nothing(schema: SchemaRef) -> SendableRecordBatchStream {
    Box::pin(EmptyRecordBatchStream::new(schema))
}
