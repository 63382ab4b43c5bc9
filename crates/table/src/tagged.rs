//! Objects that change: read with the tag of their content, replaced only while they have it. Must not know what they say.

use bytes::Bytes;
use object_store::{Error, ObjectStoreExt, PutMode, UpdateVersion};

use crate::TableError;
use crate::location::Location;
use crate::store::Store;

/// Whether put-if-unchanged put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The object has the new content, and this tag.
    Yes(String),
    /// It had another content than the one that was read, or is gone. After a lost answer the content may be one's own: read it.
    No,
}

impl Store {
    /// Reads an object with the tag of its content; `None` if there is none.
    ///
    /// # Errors
    /// The store fails, or has no tags.
    pub async fn get_tagged(
        &self,
        place: &Location,
    ) -> Result<Option<(Bytes, String)>, TableError> {
        let objects = self.objects_of(place)?;
        let read = async {
            let found = objects.get(place.path()).await?;
            let tag = found.meta.e_tag.clone();
            Ok((found.bytes().await?, tag))
        };
        match read.await {
            Ok((bytes, Some(tag))) => Ok(Some((bytes, tag))),
            Ok((_, None)) => Err(self.without_tags()),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(TableError::storage("read", place)(error)),
        }
    }

    /// Replaces an object whose content still has a tag that was read.
    ///
    /// # Errors
    /// The store fails; the object may have changed all the same.
    pub async fn put_if_unchanged(
        &self,
        place: &Location,
        bytes: Bytes,
        tag: &str,
    ) -> Result<Replaced, TableError> {
        let version = UpdateVersion {
            e_tag: Some(tag.to_owned()),
            version: None,
        };
        let put = self
            .objects_of(place)?
            .put_opts(place.path(), bytes.into(), PutMode::Update(version).into())
            .await;
        match put {
            Ok(result) => result
                .e_tag
                .map(Replaced::Yes)
                .ok_or_else(|| self.without_tags()),
            Err(
                Error::Precondition { .. } | Error::NotFound { .. } | Error::AlreadyExists { .. },
            ) => Ok(Replaced::No),
            Err(error) => Err(TableError::storage("write", place)(error)),
        }
    }

    fn without_tags(&self) -> TableError {
        TableError::UnsafeStore {
            url: self.url().to_string(),
        }
    }
}
