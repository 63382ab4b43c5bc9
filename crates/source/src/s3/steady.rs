//! What is sent again although the client gives up on it, and what a doubtful answer means. Must not know what is stored.
//!
//! Each of these is safe because the request says the same when it is sent twice: a listing goes on after its last key, a
//! deletion of what is gone is done, and a put-if-absent that was answered once too often says "exists", which its
//! callers take for "perhaps my own".

use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, TryStreamExt, try_unfold};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutOptions, PutPayload, PutResult, Result,
};

use tokio::time::Instant;

use super::explain::{Act, may_pass, told};

/// Requests of one kind that are sent after the client's own attempts.
const AGAIN_MAX: u32 = 5;
/// Keys of one deletion.
const DELETED_AT_ONCE: usize = 1_000;

/// A client with its bucket's name, and the first wait before something is sent again.
#[derive(Debug, Clone)]
pub(super) struct Steady {
    pub(super) client: AmazonS3,
    pub(super) bucket: String,
    pub(super) wait: Duration,
    /// After this long nothing is sent again.
    pub(super) limit: Duration,
}

impl Steady {
    fn told(&self, error: Error, act: Act) -> Error {
        told(error, act, &self.bucket)
    }

    fn is_over(&self, times: u32, begun: Instant) -> bool {
        times >= AGAIN_MAX || begun.elapsed() > self.limit
    }

    async fn pause(&self, times: u32) {
        tokio::time::sleep(self.wait * 2_u32.saturating_pow(times.min(6))).await;
    }

    /// Asks again what may be asked twice. The client gives up when a connection ends before the answer.
    pub(super) async fn again<T, F: Future<Output = Result<T>> + Send>(
        &self,
        act: Act,
        mut ask: impl FnMut() -> F + Send,
    ) -> Result<T> {
        let begun = Instant::now();
        let mut times = 0;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.told(error, act),
            };
            if self.is_over(times, begun) || !may_pass(&error) {
                return Err(error);
            }
            self.pause(times).await;
            times += 1;
        }
    }

    /// Creates an object. The client gives up when a connection ends before the answer, and takes a conflict of two
    /// requests under way for an object that exists: both are asked again here.
    pub(super) async fn create(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let begun = Instant::now();
        for times in 0.. {
            let put = self
                .client
                .put_opts(location, payload.clone(), options.clone())
                .await;
            let error = match put {
                Ok(put) => return Ok(put),
                Err(error @ Error::AlreadyExists { .. }) => {
                    match self.client.head(location).await {
                        Err(Error::NotFound { .. }) if times < AGAIN_MAX => {
                            self.pause(times).await;
                            continue;
                        }
                        _ => return Err(error),
                    }
                }
                Err(error) => self.told(error, Act::Write),
            };
            if self.is_over(times, begun) || !may_pass(&error) {
                return Err(error);
            }
            self.pause(times).await;
        }
        Err(Error::NotImplemented {
            operation: "endless attempts".into(),
            implementer: "S3".into(),
        })
    }

    /// Lists what comes after a key, all below a prefix.
    pub(super) fn list(
        self,
        prefix: Option<Path>,
        offset: Option<Path>,
    ) -> impl Stream<Item = Result<ObjectMeta>> {
        let begun = Listing {
            page: None,
            after: offset,
            times: 0,
            begun: Instant::now(),
        };
        try_unfold(
            (self, prefix, begun),
            |(steady, prefix, mut listing)| async move {
                loop {
                    let page = match &mut listing.page {
                        Some(page) => page,
                        None => listing.page.insert(match &listing.after {
                            Some(after) => steady.client.list_with_offset(prefix.as_ref(), after),
                            None => steady.client.list(prefix.as_ref()),
                        }),
                    };
                    match page.next().await {
                        None => return Ok(None),
                        Some(Ok(found)) => {
                            listing.after = Some(found.location.clone());
                            listing.times = 0;
                            listing.begun = Instant::now();
                            return Ok(Some((found, (steady, prefix, listing))));
                        }
                        Some(Err(error)) => {
                            let error = steady.told(error, Act::List);
                            if steady.is_over(listing.times, listing.begun) || !may_pass(&error) {
                                return Err(error);
                            }
                            steady.pause(listing.times).await;
                            listing.times += 1;
                            listing.page = None;
                        }
                    }
                }
            },
        )
    }

    /// Deletes objects, a thousand at a time. Those that are gone already count as deleted.
    pub(super) fn delete(
        self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let deleted = locations
            .try_chunks(DELETED_AT_ONCE)
            .map_err(|error| error.1)
            .and_then(move |chunk| {
                let steady = self.clone();
                async move { steady.delete_chunk(chunk).await }
            });
        deleted
            .map_ok(|chunk| futures::stream::iter(chunk.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn delete_chunk(&self, chunk: Vec<Path>) -> Result<Vec<Path>> {
        let begun = Instant::now();
        for times in 0.. {
            let paths = futures::stream::iter(chunk.clone().into_iter().map(Ok)).boxed();
            let done: Result<Vec<Path>> = self
                .client
                .delete_stream(paths)
                .filter(|done| {
                    let is_gone = matches!(done, Err(Error::NotFound { .. }));
                    std::future::ready(!is_gone)
                })
                .try_collect()
                .await;
            let error = match done {
                Ok(_) => return Ok(chunk),
                Err(error) => self.told(error, Act::Delete),
            };
            if self.is_over(times, begun) || !may_pass(&error) {
                return Err(error);
            }
            self.pause(times).await;
        }
        Ok(chunk)
    }
}

/// How far a listing is.
struct Listing {
    page: Option<BoxStream<'static, Result<ObjectMeta>>>,
    after: Option<Path>,
    /// Since when, and how often, it has been asked again.
    begun: Instant,
    times: u32,
}
