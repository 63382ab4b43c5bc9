//! One bucket as an object store that connects when it is first used. Must not know what is stored.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt, TryStreamExt, try_unfold};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::sync::Arc;
use tokio::sync::OnceCell;

use super::S3Settings;
use super::connect::connect;
use super::explain::{Act, told};
use super::steady::Steady;

/// A bucket; see the module.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    name: String,
    settings: S3Settings,
    steady: Arc<OnceCell<Steady>>,
}

impl Bucket {
    pub(super) fn new(name: &str, settings: &S3Settings) -> Self {
        Self {
            name: name.to_owned(),
            settings: settings.clone(),
            steady: Arc::default(),
        }
    }

    async fn steady(&self) -> Result<&Steady> {
        let connected = self.steady.get_or_try_init(|| async {
            Ok(Steady {
                client: connect(&self.name, &self.settings).await?,
                bucket: self.name.clone(),
                wait: self.settings.retry_wait,
                limit: self.settings.retry_timeout,
            })
        });
        connected.await
    }

    fn told<T>(&self, answer: Result<T>, act: Act) -> Result<T> {
        answer.map_err(|error| told(error, act, &self.name))
    }

    fn listed(
        &self,
        prefix: Option<&Path>,
        offset: Option<Path>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, prefix) = (self.clone(), prefix.cloned());
        let connected = async move {
            Ok::<_, object_store::Error>(this.steady().await?.clone().list(prefix, offset))
        };
        futures::stream::once(connected).try_flatten().boxed()
    }
}

impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}", self.name)
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let steady = self.steady().await?;
        if options.mode == PutMode::Create {
            return steady.create(location, payload, options).await;
        }
        let put = steady.client.put_opts(location, payload, options).await;
        self.told(put, Act::Write)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let client = &self.steady().await?.client;
        self.told(
            client.put_multipart_opts(location, options).await,
            Act::Write,
        )
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let steady = self.steady().await?;
        let ask = || steady.client.get_opts(location, options.clone());
        let mut found = steady.again(Act::Read, ask).await?;
        if let GetResultPayload::Stream(chunks) = found.payload {
            let bucket = self.name.clone();
            let chunks = up_to(chunks, found.range.end.saturating_sub(found.range.start));
            let chunks = chunks.map_err(move |error| told(error, Act::Read, &bucket));
            found.payload = GetResultPayload::Stream(chunks.boxed());
        }
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let connected = async move {
            Ok::<_, object_store::Error>(this.steady().await?.clone().delete(locations))
        };
        futures::stream::once(connected).try_flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset.clone()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let steady = self.steady().await?;
        let ask = || steady.client.list_with_delimiter(prefix);
        steady.again(Act::List, ask).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let client = &self.steady().await?.client;
        self.told(client.copy_opts(from, to, options).await, Act::Write)
    }
}

/// The chunks of an answer until so many bytes have come. How the connection ends after them does not matter: the client would take a
/// break there for a lack of bytes, and ask for a range that is empty, which is refused.
fn up_to(
    chunks: BoxStream<'static, Result<Bytes>>,
    length: u64,
) -> impl Stream<Item = Result<Bytes>> + Send {
    try_unfold((chunks, length), |(mut chunks, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let chunk = chunks.try_next().await?;
        Ok(chunk.map(|chunk| {
            let left = left.saturating_sub(chunk.len() as u64);
            (chunk, (chunks, left))
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_breaks_behind_the_last_byte_spoils_nothing() {
        let read = async |length| {
            let broken = object_store::Error::Generic {
                store: "S3",
                source: "connection closed".into(),
            };
            let chunks = [Ok(Bytes::from("ab")), Ok(Bytes::from("c")), Err(broken)];
            let chunks = up_to(futures::stream::iter(chunks).boxed(), length);
            chunks.try_collect::<Vec<_>>().await.map(|all| all.concat())
        };
        assert_eq!(read(3).await.unwrap(), b"abc");
        assert!(read(4).await.is_err(), "a byte is missing");
        assert_eq!(read(0).await.unwrap(), b"");
    }
}
