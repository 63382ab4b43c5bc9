//! An object store with a hook in front of every operation that changes something. Must not know what is stored.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::hook::{self, Step, StepAction, StepHook};

/// Asks the hook before each mutating operation.
#[derive(Debug)]
pub(crate) struct Hooked {
    pub(crate) inner: Arc<dyn ObjectStore>,
    pub(crate) hook: Arc<dyn StepHook>,
}

impl std::fmt::Display for Hooked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.inner)
    }
}

impl Hooked {
    fn ask(&self, name: &'static str, path: &Path) -> StepAction {
        self.hook.on(Step {
            name,
            path: path.as_ref(),
        })
    }
}

#[async_trait]
impl ObjectStore for Hooked {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let name = hook::put_step(location);
        match self.ask(name, location) {
            StepAction::Proceed => self.inner.put_opts(location, payload, options).await,
            StepAction::FailBefore => Err(hook::failed(name)),
            StepAction::FailAfter => {
                self.inner.put_opts(location, payload, options).await?;
                Err(hook::failed(name))
            }
            StepAction::Torn(length) => {
                let bytes = Bytes::from(payload);
                let torn = bytes.slice(..length.min(bytes.len()));
                self.inner.put_opts(location, torn.into(), options).await?;
                Err(hook::failed(name))
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let name = hook::put_step(location);
        match self.ask(name, location) {
            StepAction::Proceed => self.inner.put_multipart_opts(location, options).await,
            _ => Err(hook::failed(name)),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let hook = Arc::clone(&self.hook);
        let asked = locations.map(move |location| {
            let location = location?;
            match hook.on(Step {
                name: "delete",
                path: location.as_ref(),
            }) {
                StepAction::Proceed => Ok(location),
                _ => Err(hook::failed("delete")),
            }
        });
        self.inner.delete_stream(asked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let name = hook::put_step(to);
        match self.ask(name, to) {
            StepAction::Proceed => self.inner.copy_opts(from, to, options).await,
            _ => Err(hook::failed(name)),
        }
    }
}
