//! Files rewritten so that reading is quicker: many small ones as few large ones, or rows that are near each other in
//! some columns in the same file. Must not change a row.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use deltalake::kernel::Add;
use futures::StreamExt;
use serde_json::{Value, json};
use sluice_checkpoint::FlowId;
use sluice_model::quantity;

use crate::TableError;
use crate::changes::DataFile;
use crate::codec::Codec;
use crate::request::{CommitOutcome, CommitRequest, Conflict, Removes};
use crate::spill::SpillFiles;
use crate::table::DeltaTable;
use crate::text_bounds::TextBounds;
use crate::write::WriteOptions;
use crate::z_order;

/// Size of the files that are made, unless the table says otherwise (`delta.targetFileSize`).
const FILE_BYTES: u64 = 128 * 1024 * 1024;
/// Memory that sorting may take before it writes to disk.
const SORT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Attempts while other writers take away files that were being rewritten.
const ATTEMPTS_MAX: usize = 3;
/// The flow that commits of maintenance are told as.
const MAINTENANCE: &str = "_maintenance";

/// Values of the partition columns, in Delta's text form.
pub type PartitionValues = BTreeMap<String, Option<String>>;

/// What is asked of OPTIMIZE.
#[derive(Debug, Clone, Default)]
pub struct OptimizeRequest {
    /// Only these partitions; `None`: all.
    pub partitions: Option<HashSet<PartitionValues>>,
    /// The predicate that chose them, for DESCRIBE HISTORY.
    pub predicate: Option<String>,
    /// Columns whose near values are to lie together; empty: files are only put together.
    pub z_order_by: Vec<String>,
    /// With `z_order_by`: files that are large enough are rewritten too.
    pub all_files: bool,
    /// Without `z_order_by`: only files smaller than this, bytes, so that upkeep does not rewrite rows again and again.
    pub files_below: Option<u64>,
}

/// Number and sizes of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSizes {
    /// Bytes of each.
    pub bytes: Vec<u64>,
}

impl FileSizes {
    /// Bytes of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.bytes.iter().sum()
    }
}

/// What OPTIMIZE did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Optimized {
    /// The version made; `None` if there was nothing to do.
    pub version: Option<u64>,
    /// Files that were made.
    pub added: FileSizes,
    /// Files that they replace.
    pub removed: FileSizes,
    /// Partitions in which files were rewritten.
    pub partitions: u64,
    /// Files that were looked at.
    pub considered: u64,
    /// Groups of files that were rewritten together.
    pub bins: u64,
}

impl DeltaTable {
    /// Rewrites files as the request says, in one commit that changes no row: streams that read the table take nothing
    /// from it, and writers that only append are not disturbed. Rows go through, they are not held.
    ///
    /// # Errors
    /// The table cannot be written, the store fails, or other writers keep replacing the files.
    pub async fn optimize(&self, request: &OptimizeRequest) -> Result<Optimized, TableError> {
        for _ in 0..ATTEMPTS_MAX {
            self.refresh().await?;
            match self.try_optimize(request).await? {
                Ok(done) => return Ok(done),
                Err(Conflict::FilesChanged { .. } | Conflict::MetadataChanged { .. }) => {}
                Err(other) => {
                    return Err(TableError::Invalid(format!("OPTIMIZE met {other:?}")));
                }
            }
        }
        Err(TableError::Disturbed {
            path: self.location.to_string(),
        })
    }

    async fn try_optimize(
        &self,
        request: &OptimizeRequest,
    ) -> Result<Result<Optimized, Conflict>, TableError> {
        let loaded = self.loaded();
        self.check_writable(&loaded)?;
        let version = loaded.version();
        let target = self.file_bytes();
        let mut by_partition: BTreeMap<PartitionValues, Vec<DataFile>> = BTreeMap::new();
        for file in self.snapshot_files(version).await? {
            let wanted = request.partitions.as_ref();
            if wanted.is_none_or(|wanted| wanted.contains(&file.partition_values)) {
                let group = by_partition
                    .entry(file.partition_values.clone())
                    .or_default();
                group.push(file);
            }
        }
        let mut done = Optimized::default();
        let mut adds = vec![];
        let mut paths = vec![];
        for (_, files) in by_partition {
            done.considered += files.len() as u64;
            let bins = bins(files, target, request);
            done.partitions += u64::from(!bins.is_empty());
            done.bins += bins.len() as u64;
            for bin in bins {
                let mut made = self.rewrite(&bin, version, request, target).await?;
                done.removed.bytes.extend(bin.iter().map(|file| file.size));
                paths.extend(bin.into_iter().map(|file| file.path));
                let size = |add: &Add| u64::try_from(add.size).unwrap_or(0);
                done.added.bytes.extend(made.iter().map(size));
                adds.append(&mut made);
            }
        }
        if paths.is_empty() {
            return Ok(Ok(done));
        }
        let (app, number) = self.maintenance_txn().await?;
        let commit = CommitRequest {
            adds,
            removes: Removes::Rearranged(paths),
            txns: vec![(app, number)],
            base_version: Some(version),
            operation: "OPTIMIZE".into(),
            parameters: parameters(request),
            metrics: Some(metrics(&done)),
            ..CommitRequest::default()
        };
        match self.commit(&commit).await? {
            CommitOutcome::Committed { version } | CommitOutcome::AlreadyCommitted { version } => {
                done.version = Some(version);
                Ok(Ok(done))
            }
            CommitOutcome::Conflict(conflict) => Ok(Err(conflict)),
            CommitOutcome::Unknown(error) => Err(error),
        }
    }

    /// The transaction of the next commit of maintenance.
    pub(crate) async fn maintenance_txn(&self) -> Result<(String, i64), TableError> {
        let app = FlowId::new(&self.id(), MAINTENANCE, 0).app_id();
        let last = self.txn(&app).await?.unwrap_or(-1);
        Ok((app, last + 1))
    }

    fn file_bytes(&self) -> u64 {
        let properties = self.properties();
        let written = properties.get("delta.targetFileSize");
        written
            .and_then(|text| quantity::bytes(text))
            .filter(|size| *size > 0)
            .unwrap_or(FILE_BYTES)
    }

    /// The rows of some files of one partition as new files.
    async fn rewrite(
        &self,
        files: &[DataFile],
        version: u64,
        request: &OptimizeRequest,
        target: u64,
    ) -> Result<Vec<Add>, TableError> {
        let runtime = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(SpillFiles::default().disk_manager())
            .with_memory_pool(Arc::new(FairSpillPool::new(SORT_BYTES_MAX)))
            .build_arc()?;
        // One partition: rows keep the order of the files.
        let config = SessionConfig::new().with_target_partitions(1);
        let session = SessionContext::new_with_config_rt(config, runtime);
        let provider = self.provider_for_files(files, version).await?;
        let mut rows = session.read_table(provider)?;
        if !request.z_order_by.is_empty() {
            rows = z_order::sorted(rows, &request.z_order_by).await?;
        }
        let mut options = WriteOptions::new("optimize", i64::try_from(version).unwrap_or(0));
        // Rewritten once and read for long: smaller is worth more than written quickly.
        options.codec = Codec::Zstd;
        options.text_bounds = TextBounds::OfRowGroups;
        options.file_bytes = if request.z_order_by.is_empty() {
            target.saturating_mul(2)
        } else {
            target
        };
        let mut writer = self.writer(options);
        let schema = self.schema();
        let mut stream = rows.execute_stream().await?;
        while let Some(batch) = stream.next().await {
            let columns = batch?.columns().to_vec();
            let relaxed = schema
                .fields()
                .iter()
                .map(|field| field.as_ref().clone().with_nullable(true));
            let relaxed = arrow::datatypes::Schema::new(relaxed.collect::<Vec<_>>());
            writer
                .write(&arrow::array::RecordBatch::try_new(
                    Arc::new(relaxed),
                    columns,
                )?)
                .await?;
        }
        let told: Option<u64> = files
            .iter()
            .map(|file| file.rows.filter(|_| !file.has_deletion_vector))
            .sum();
        if told.is_some_and(|told| told != writer.rows()) {
            return Err(TableError::DataFile {
                path: files
                    .first()
                    .map_or_else(String::new, |file| file.path.clone()),
                reason: format!(
                    "the log tells of {} rows in {} files, {} were read",
                    told.unwrap_or_default(),
                    files.len(),
                    writer.rows()
                ),
            });
        }
        let mut adds = writer.finish().await?;
        for add in &mut adds {
            add.data_change = false;
        }
        Ok(adds)
    }
}

/// Files that are rewritten together, in the order in which they were written: small ones up to the size of a file. To
/// put rows in another order, all files of the partition go together.
fn bins(files: Vec<DataFile>, target: u64, request: &OptimizeRequest) -> Vec<Vec<DataFile>> {
    let small = request.files_below.unwrap_or(u64::MAX).min(target / 4 * 3);
    let is_small = |file: &DataFile| file.size < small || file.has_deletion_vector;
    if !request.z_order_by.is_empty() {
        let chosen: Vec<DataFile> = files
            .into_iter()
            .filter(|file| request.all_files || is_small(file))
            .collect();
        let is_worth_it = chosen.len() > 1 || (request.all_files && !chosen.is_empty());
        return if is_worth_it { vec![chosen] } else { vec![] };
    }
    let mut bins: Vec<Vec<DataFile>> = vec![];
    let mut held = u64::MAX;
    for file in files.into_iter().filter(is_small) {
        if held.saturating_add(file.size) > target {
            bins.push(vec![]);
            held = 0;
        }
        held += file.size;
        if let Some(bin) = bins.last_mut() {
            bin.push(file);
        }
    }
    bins.retain(|bin| bin.len() > 1 || bin.iter().any(|file| file.has_deletion_vector));
    bins
}

fn parameters(request: &OptimizeRequest) -> Value {
    let predicate: Vec<&String> = request.predicate.iter().collect();
    json!({
        "predicate": json!(predicate).to_string(),
        "zOrderBy": json!(request.z_order_by).to_string(),
        "auto": "false",
    })
}

fn metrics(done: &Optimized) -> Value {
    let mut sizes = done.added.bytes.clone();
    sizes.sort_unstable();
    let at = |percent: usize| {
        let last = sizes.len().saturating_sub(1);
        sizes
            .get(last * percent / 100)
            .copied()
            .unwrap_or(0)
            .to_string()
    };
    json!({
        "numAddedFiles": done.added.bytes.len().to_string(),
        "numAddedBytes": done.added.total().to_string(),
        "numRemovedFiles": done.removed.bytes.len().to_string(),
        "numRemovedBytes": done.removed.total().to_string(),
        "minFileSize": at(0),
        "p25FileSize": at(25),
        "p50FileSize": at(50),
        "p75FileSize": at(75),
        "maxFileSize": at(100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_go_together_up_to_the_size_of_a_file() {
        let file = |size| DataFile {
            version: 1,
            path: size_of(size),
            size,
            modification_time: 0,
            partition_values: BTreeMap::new(),
            rows: None,
            has_deletion_vector: false,
        };
        let sizes = |files: &[u64], request: &OptimizeRequest| -> Vec<Vec<u64>> {
            let files = files.iter().map(|size| file(*size)).collect();
            let bins = bins(files, 100, request);
            bins.iter()
                .map(|bin| bin.iter().map(|file| file.size).collect())
                .collect()
        };
        let plain = OptimizeRequest::default();
        assert_eq!(
            sizes(&[40, 50, 20, 80, 30], &plain),
            [vec![40, 50], vec![20, 30]]
        );
        assert_eq!(sizes(&[40], &plain), Vec::<Vec<u64>>::new());
        assert_eq!(sizes(&[90, 10, 90], &plain), Vec::<Vec<u64>>::new());
        let mut ordered = OptimizeRequest {
            z_order_by: vec!["a".into()],
            ..OptimizeRequest::default()
        };
        assert_eq!(sizes(&[90, 10, 20], &ordered), [vec![10, 20]]);
        ordered.all_files = true;
        assert_eq!(sizes(&[90, 10], &ordered), [vec![90, 10]]);
        assert_eq!(sizes(&[90], &ordered), [vec![90]]);
    }

    fn size_of(size: u64) -> String {
        format!("part-{size}.parquet")
    }
}
