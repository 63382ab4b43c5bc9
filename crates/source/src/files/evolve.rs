//! Inference of a schema from files, and its growth when files bring new columns.

use futures::StreamExt;
use object_store::GetResultPayload;
use sluice_model::SparkField;
use sluice_model::limits::{INFERENCE_BYTES_MAX, INFERENCE_FILES_MAX};

use super::schema::METADATA_COLUMN;
use super::source::Inner;
use super::{FileEntry, SourceSchema, StoredSchema, apply_hints, merge_fields, partition};
use crate::format::{self, Learner, Payload};
use crate::option::{EvolutionMode, FileFormat, PartitionColumns, ReadFilesOptions};
use crate::{NewColumns, SourceError};

impl StoredSchema {
    /// The columns of a call that several flows read, each with its own stored ones: those of the first, and behind
    /// them what only the others have come to, where the evolution mode lets a schema grow by itself.
    #[must_use]
    pub fn of_all(stored: Vec<Self>, options: &ReadFilesOptions) -> Option<Self> {
        let mut stored = stored.into_iter();
        let first = stored.next()?;
        if options.evolution != EvolutionMode::AddNewColumns {
            return Some(first);
        }
        Some(stored.fold(first, |known, other| {
            let mut all = SourceSchema::from_stored(&known, options);
            for partition in &other.partitions {
                if !all
                    .partitions
                    .iter()
                    .any(|field| field.name == partition.name)
                {
                    all.partitions.push(partition.clone());
                }
            }
            match all.new_columns(&other.data, options) {
                Some(wider) => wider.to_stored(),
                None => all.to_stored(),
            }
        }))
    }
}

impl SourceSchema {
    /// The wider schema, where `found` has columns that this one has not and the evolution mode stops for them.
    pub(crate) fn new_columns(
        &self,
        found: &[SparkField],
        options: &ReadFilesOptions,
    ) -> Option<Self> {
        match options.evolution {
            EvolutionMode::AddNewColumns | EvolutionMode::FailOnNewColumns => {}
            EvolutionMode::Rescue | EvolutionMode::None => return None,
        }
        let mut found: Vec<SparkField> = found.to_vec();
        apply_hints_to_known(&mut found, options);
        found.retain(|field| {
            !is_taken(&field.name, options)
                && !self
                    .partitions
                    .iter()
                    .any(|partition| partition.name.eq_ignore_ascii_case(&field.name))
        });
        let mut wider = self.clone();
        // A name that differs in case only is rescued, never a second column.
        merge_fields(&mut wider.data, &found, false, false).then_some(wider)
    }

    /// The wider schema, where a file lies in partition folders that this one has no column for.
    pub(crate) fn new_partitions(
        &self,
        folders: Vec<&str>,
        options: &ReadFilesOptions,
    ) -> Option<Self> {
        if !options.stops_for_new_columns() || options.partition_columns != PartitionColumns::Detect
        {
            return None;
        }
        let mut wider = self.clone();
        let known = |field: &SparkField| {
            self.data
                .iter()
                .chain(&self.partitions)
                .any(|other| other.name.eq_ignore_ascii_case(&field.name))
        };
        wider.partitions.extend(
            partition::columns_of(std::iter::once(folders), options)
                .into_iter()
                .filter(|field| !known(field)),
        );
        (wider.partitions.len() > self.partitions.len()).then_some(wider)
    }

    /// The columns of a wider schema that this one has not, or has with a narrower type.
    pub(crate) fn added_in(&self, wider: &Self) -> Vec<SparkField> {
        let (mine, other) = (self.columns(), wider.columns());
        other
            .into_iter()
            .filter(|field| !mine.contains(field))
            .collect()
    }
}

/// Whether a name is that of a column of our own making: a field of the data that has it too is rescued. Where nothing is
/// rescued its values would be lost without a word, so that there it is a column, and reading both is an error.
fn is_taken(name: &str, options: &ReadFilesOptions) -> bool {
    let Some(rescued) = options.rescued_column.as_deref() else {
        return false;
    };
    [rescued, METADATA_COLUMN]
        .iter()
        .any(|ours| ours.eq_ignore_ascii_case(name))
}

/// Hints for the columns that are there; what is hinted and missing is the business of inference.
fn apply_hints_to_known(fields: &mut Vec<SparkField>, options: &ReadFilesOptions) {
    let known: Vec<_> = options
        .schema_hints
        .iter()
        .filter(|hint| {
            hint.path.first().is_some_and(|name| {
                fields
                    .iter()
                    .any(|field| field.name.eq_ignore_ascii_case(name))
            })
        })
        .cloned()
        .collect();
    apply_hints(fields, &known);
}

impl Inner {
    /// Infers columns from a sample of files, in their order.
    pub(super) async fn infer(
        &self,
        files: &[FileEntry],
        format: FileFormat,
    ) -> Result<Vec<SparkField>, SourceError> {
        let sample = &files[..files.len().min(INFERENCE_FILES_MAX)];
        let mut fields = match format {
            FileFormat::Parquet | FileFormat::Avro => {
                self.infer_from_footers(sample, format).await?
            }
            _ => self.infer_from_text(sample, format).await?,
        };
        // Tables do not tell names apart by case: the first stands, values of the others are rescued.
        let mut distinct = vec![];
        merge_fields(&mut distinct, &fields, false, false);
        distinct.retain(|field| !is_taken(&field.name, &self.options));
        fields = distinct;
        apply_hints(&mut fields, &self.options.schema_hints);
        if fields.is_empty() {
            let reason = "the sampled files hold no record".to_string();
            return Err(SourceError::NoSchema {
                path: self.path.written.clone(),
                reason,
            });
        }
        Ok(fields)
    }

    /// Formats that tell their columns: all of the sample are asked, and their columns merged.
    async fn infer_from_footers(
        &self,
        sample: &[FileEntry],
        format: FileFormat,
    ) -> Result<Vec<SparkField>, SourceError> {
        let mut fields: Vec<SparkField> = vec![];
        for file in sample {
            let Some(payload) = self.payload(file).await? else {
                continue;
            };
            let shown = self.path.shown(&file.path);
            let found =
                tokio::task::spawn_blocking(move || format::columns(format, payload, &shown)).await;
            match found.map_err(|error| SourceError::Internal(error.to_string()))? {
                Ok(found) => {
                    merge_fields(&mut fields, &found, false, true);
                }
                Err(error) if error.is_corrupt_file() && self.options.ignore_corrupt_files => {}
                Err(error) => return Err(error),
            }
        }
        Ok(fields)
    }

    /// Formats whose columns must be read off their records, within a budget of bytes.
    async fn infer_from_text(
        &self,
        sample: &[FileEntry],
        format: FileFormat,
    ) -> Result<Vec<SparkField>, SourceError> {
        let mut sample_types = Learner::new(
            format,
            &self.options,
            &self.session.time_zone,
            &self.path.written,
        )?;
        let mut budget = INFERENCE_BYTES_MAX;
        for file in sample {
            if budget == 0 {
                break;
            }
            let Some(payload) = self.payload(file).await? else {
                continue;
            };
            let (options, shown, name) = (
                self.options.clone(),
                self.path.shown(&file.path),
                file.name().to_string(),
            );
            let task = tokio::task::spawn_blocking(move || {
                let outcome = sample_types.learn(&options, payload, &name, &shown, budget);
                (sample_types, outcome)
            });
            let (back, outcome) = task
                .await
                .map_err(|error| SourceError::Internal(error.to_string()))?;
            sample_types = back;
            match outcome {
                Ok(left) => budget = left,
                Err(error) if error.is_corrupt_file() && self.options.ignore_corrupt_files => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sample_types.finish())
    }

    /// The bytes of a planned file; `None` where it is gone and may be.
    pub(super) async fn payload(&self, file: &FileEntry) -> Result<Option<Payload>, SourceError> {
        let Some(opened) = self.open(file).await? else {
            return Ok(None);
        };
        Ok(Some(match opened.payload {
            GetResultPayload::File(disk, _) => Payload::Disk(disk),
            GetResultPayload::Stream(mut chunks) => {
                let (sender, receiver) = tokio::sync::mpsc::channel(4);
                tokio::spawn(async move {
                    while let Some(chunk) = chunks.next().await {
                        if sender.send(chunk).await.is_err() {
                            break;
                        }
                    }
                });
                Payload::Arriving(receiver, opened.meta.size)
            }
        }))
    }

    /// Makes the most of a stop for new columns: looks at all files of the read, so that one retry is enough.
    pub(super) async fn widen(
        &self,
        schema: &SourceSchema,
        files: &[FileEntry],
        new: NewColumns,
    ) -> SourceError {
        if self.options.evolution == EvolutionMode::FailOnNewColumns {
            return SourceError::NewColumns(Box::new(NewColumns { wider: None, ..new }));
        }
        let Some(first) = new
            .wider
            .as_ref()
            .map(|stored| SourceSchema::from_stored(stored, &self.options))
        else {
            return SourceError::NewColumns(Box::new(new));
        };
        let first = files.iter().fold(first, |known, file| {
            known
                .new_partitions(self.path.folders_of(&file.path), &self.options)
                .unwrap_or(known)
        });
        // What inference cannot tell, a later stop will: the columns found so far are enough to go on.
        let wider = match self.infer(files, schema.format).await {
            Ok(found) => first.new_columns(&found, &self.options).unwrap_or(first),
            Err(_) => first,
        };
        SourceError::NewColumns(Box::new(NewColumns {
            path: new.path,
            columns: schema.added_in(&wider),
            wider: Some(wider.to_stored()),
        }))
    }
}
