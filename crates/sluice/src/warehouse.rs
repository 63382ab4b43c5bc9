//! Where the tables of a project lie: a folder of this machine, or a prefix of a bucket. Must not know tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_model::condition::project::PROJECT_FIELD_NOT_SUPPORTED;
use sluice_model::condition::run::WAREHOUSE_NOT_WRITABLE;
use sluice_model::{Diagnostic, Origin};
use sluice_run::BucketsAndDisk;
use sluice_source::{PathRules, S3};
use sluice_sql::project::Project;
use sluice_table::{Durability, Store, StoreOptions, TableError};
use url::Url;

use crate::edge::{RandomIds, SystemClock};
use crate::workplace::Purpose;

/// A warehouse that was found.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its store.
    pub(crate) store: Store,
    /// Its folder; `None` in a bucket.
    pub(crate) folder: Option<PathBuf>,
}

/// What stores of this machine are given.
pub(crate) fn store_options(s3: &S3) -> StoreOptions {
    let others = BucketsAndDisk::new(s3.clone(), Durability::Fsync);
    StoreOptions::new(Arc::new(SystemClock), Arc::new(RandomIds)).with_others(Arc::new(others))
}

impl Place {
    /// The warehouse of a project.
    pub(crate) fn of(
        project: &Project,
        folder: &Path,
        purpose: Purpose,
        s3: &S3,
    ) -> Result<Self, Box<Diagnostic>> {
        let written = project.settings.warehouse.as_deref();
        let url = written.filter(|text| text.contains("://") && !text.starts_with("file://"));
        match url {
            Some(url) => Self::in_bucket(url, s3),
            None => Self::on_disk(written, folder, purpose, s3),
        }
    }

    fn in_bucket(written: &str, s3: &S3) -> Result<Self, Box<Diagnostic>> {
        let bucket = S3::bucket_of(written);
        let (Some(bucket), Ok(mut base)) = (bucket, Url::parse(written)) else {
            return Err(Box::new(
                Diagnostic::error(
                    &PROJECT_FIELD_NOT_SUPPORTED,
                    format!("the warehouse `{written}` is neither a folder nor in a bucket of S3"),
                )
                .at(&Origin::new("sluice.yml", 1, 1, 0), "")
                .help("set `warehouse:` to a folder, or to `s3://bucket/prefix`"),
            ));
        };
        // `s3a` and `s3n` are other programs' names for the same.
        if base.scheme() != "s3"
            && let Ok(plain) = Url::parse(&format!("s3://{bucket}{}", base.path()))
        {
            base = plain;
        }
        let store = Store::open(s3.bucket(bucket), base, store_options(s3));
        Ok(Self {
            store: store.map_err(|error| error.diagnostic())?,
            folder: None,
        })
    }

    fn on_disk(
        written: Option<&str>,
        folder: &Path,
        purpose: Purpose,
        s3: &S3,
    ) -> Result<Self, Box<Diagnostic>> {
        let path = match written {
            Some(text) => folder.join(text.strip_prefix("file://").unwrap_or(text)),
            None => folder.join(".sluice").join("warehouse"),
        };
        let unwritable = |error: &dyn std::fmt::Display| {
            Box::new(
                Diagnostic::error(
                    &WAREHOUSE_NOT_WRITABLE,
                    format!("cannot open the warehouse `{}`: {error}", path.display()),
                )
                .fact("nothing was changed")
                .help("make the folder writable, or set `warehouse:` in sluice.yml to one that is"),
            )
        };
        if purpose == Purpose::Read && !path.is_dir() {
            // Nothing was ever written: an empty warehouse answers the same, and leaves no trace.
            let store = Store::local_unmade(&path, Durability::Fsync, store_options(s3))
                .map_err(|error: TableError| error.diagnostic())?;
            return Ok(Self {
                store,
                folder: Some(path),
            });
        }
        if purpose == Purpose::Write && written.is_none() {
            keep_out_of_git(&folder.join(".sluice")).map_err(|error| unwritable(&error))?;
        }
        let store = Store::local(&path, Durability::Fsync, store_options(s3))
            .map_err(|error| unwritable(&error))?;
        Ok(Self {
            store,
            folder: Some(path.canonicalize().unwrap_or(path)),
        })
    }

    /// The rules of the project's paths: what lies here is no source.
    pub(crate) fn path_rules(&self, project: &Project, folder: &Path) -> PathRules {
        let pairs = |map: &BTreeMap<String, String>| map.clone().into_iter().collect();
        let own = self.folder.iter().cloned();
        let url = match &self.folder {
            Some(_) => None,
            None => Some(self.store.url().to_string()),
        };
        PathRules {
            project_folder: folder.to_path_buf(),
            volumes: pairs(&project.settings.volumes),
            paths: pairs(&project.settings.paths),
            engine_folders: own.chain([folder.join(".sluice")]).collect(),
            engine_urls: url.into_iter().collect(),
        }
    }
}

/// `.sluice/` is never committed by mistake.
fn keep_out_of_git(folder: &Path) -> std::io::Result<()> {
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::create_dir_all(folder)?;
        fs::write(ignore, "*\n")?;
    }
    Ok(())
}
