//! A source of one or several streams: opened once, fetched from again and again.

use arrow_array::RecordBatch;
use sluice_checkpoint::{SourceIdentity, SourceOffset, SourceRange};
use sluice_model::Diagnostic;

use super::{FetchLimits, Fetched, KinesisOptions, KinesisSettings};
use crate::SourceError;

/// The streams of one call of `read_kinesis`. Keep it open between fetches: it holds connections and positions, so that
/// a fetch of records that are there costs one call of the service for each shard.
#[derive(Debug)]
pub struct KinesisSource {
    identity: SourceIdentity,
}

impl KinesisSource {
    /// Looks the streams up: each must exist and be readable with the credentials.
    ///
    /// # Errors
    /// A stream that is not there, a missing right, region or credential, a service that does not answer.
    pub async fn open(
        options: KinesisOptions,
        settings: KinesisSettings,
    ) -> Result<Self, SourceError> {
        let _ = (options, settings);
        Err(SourceError::Internal(
            "streams cannot be opened by this version".into(),
        ))
    }

    /// Who the source is: the streams with the time of their creation.
    #[must_use]
    pub fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    /// Takes what is there after a position; `None` at the very first, for the initial position of the options.
    ///
    /// Returns when every shard is at its newest record, or at a limit. Waits no longer than one round of calls when
    /// there is nothing, so that a caller may ask again at once: the pace of the service is kept here.
    ///
    /// # Errors
    /// Records that the stream no longer holds (unless accepted), a missing right, a stream that is gone, a service that
    /// does not answer for longer than a short interruption. Throttling and single failures are no errors.
    pub async fn fetch(
        &mut self,
        from: Option<&SourceOffset>,
        limits: FetchLimits,
    ) -> Result<Fetched, SourceError> {
        let _ = (from, limits);
        Err(SourceError::Internal("no stream is open".into()))
    }

    /// Reads a range that was written down: the same records. `fetch` is not disturbed by it.
    ///
    /// # Errors
    /// As for [`Self::fetch`]; above all `SOURCE_DATA_LOST.KINESIS_TRIMMED` where count or digest differ.
    pub async fn replay(
        &mut self,
        range: &SourceRange,
    ) -> Result<(Vec<RecordBatch>, Vec<Diagnostic>), SourceError> {
        let _ = range;
        Err(SourceError::Internal("no stream is open".into()))
    }
}
