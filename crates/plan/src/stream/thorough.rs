//! Streams that are run to their end whatever becomes of those who read them: they have effects.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::physical_plan::EmptyRecordBatchStream;
use futures::Stream;

use super::StreamContext;

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
