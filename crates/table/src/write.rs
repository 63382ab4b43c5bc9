//! Rows to Parquet files: split by partition, bounded in size and memory, durable when finished. Must not commit.
//!
//! Each open file encodes in its own task, so that encoding runs beside the query that makes the rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use deltalake::kernel::Add;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::TableError;
use crate::codec::Codec;
use crate::data_file::{Buffers, FileTask};
use crate::location::Location;
use crate::store::Store;
use crate::table::DeltaTable;
use crate::text_bounds::TextBounds;

/// How rows become files.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Eight characters that stand for the flow in file names, see `FlowId::short`.
    pub flow: String,
    /// Batch in file names.
    pub batch: i64,
    /// Size at which a file is closed and the next begun, in bytes; a file may exceed it by one row group's worth.
    pub file_bytes: u64,
    /// Files open at a time: beyond it the one with most rows is closed, so that partitions cannot fill memory.
    pub open_files: usize,
    /// How data pages are compressed where the table does not say it (`delta.parquet.compression.codec`).
    pub codec: Codec,
    /// What the footers of the files say of texts in no order.
    pub text_bounds: TextBounds,
}

impl WriteOptions {
    /// For a batch of a flow: files of 128 MiB, 32 open at a time, Snappy.
    #[must_use]
    pub fn new(flow: impl Into<String>, batch: i64) -> Self {
        Self {
            flow: flow.into(),
            batch,
            file_bytes: 128 * 1024 * 1024,
            open_files: 32,
            codec: Codec::Snappy,
            text_bounds: TextBounds::OfFiles,
        }
    }
}

/// Values of the partition columns in Delta's text form, in their order.
type PartitionKey = Vec<Option<String>>;

/// Writes rows of one table, which its caller has checked against [`DeltaTable::constraints`]. Dropped unfinished, it leaves at most files that no commit names.
#[derive(Debug)]
pub struct DataWriter {
    store: Store,
    location: Location,
    schema: SchemaRef,
    file_schema: SchemaRef,
    partition_by: Vec<String>,
    partition_columns: Vec<usize>,
    file_columns: Vec<usize>,
    options: WriteOptions,
    open: HashMap<PartitionKey, OpenFile>,
    closing: Vec<JoinHandle<Result<Vec<Add>, TableError>>>,
    rows: u64,
    buffers: Arc<Buffers>,
}

#[derive(Debug)]
struct OpenFile {
    batches: mpsc::Sender<RecordBatch>,
    done: JoinHandle<Result<Vec<Add>, TableError>>,
    rows: usize,
}

impl DeltaTable {
    /// A writer of rows with the table's columns and partitions.
    #[must_use]
    pub fn writer(&self, options: WriteOptions) -> DataWriter {
        self.writer_for(self.schema(), self.partition_by(), options)
    }

    /// A writer of rows with columns and partitions that the table will have once the commit has changed its metadata.
    #[must_use]
    pub fn writer_for(
        &self,
        schema: SchemaRef,
        partition_by: Vec<String>,
        mut options: WriteOptions,
    ) -> DataWriter {
        options.codec = Codec::of_table(&self.properties()).unwrap_or(options.codec);
        let is_partition = |name: &String| partition_by.contains(name);
        let partition_columns = partition_by
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .collect();
        let file_columns: Vec<usize> = (0..schema.fields().len())
            .filter(|index| !is_partition(schema.field(*index).name()))
            .collect();
        let file_fields: Vec<_> = file_columns
            .iter()
            .map(|index| plain(schema.field(*index)))
            .collect();
        DataWriter {
            store: self.store.clone(),
            location: self.location.clone(),
            file_schema: Arc::new(Schema::new(file_fields)),
            schema,
            partition_by,
            partition_columns,
            file_columns,
            options,
            open: HashMap::new(),
            closing: vec![],
            rows: 0,
            buffers: Arc::default(),
        }
    }
}

/// A field without metadata: what a comment says has no place in a data file.
fn plain(field: &arrow::datatypes::Field) -> arrow::datatypes::Field {
    field.clone().with_metadata(HashMap::new())
}

impl DataWriter {
    /// Rows taken so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows. Their columns must be the table's, in its order and with its types.
    ///
    /// # Errors
    /// The columns differ, NULL stands in a NOT NULL column, or the store fails.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.check(batch)?;
        self.rows += batch.num_rows() as u64;
        if self.partition_columns.is_empty() {
            let rows = self.file_rows(batch)?;
            return self.send(vec![], rows).await;
        }
        for (key, rows) in self.split(batch)? {
            let part = take_record_batch(batch, &rows)?;
            let part = self.file_rows(&part)?;
            self.send(key, part).await?;
        }
        Ok(())
    }

    /// Ends all files and gives them, durable, in the order of their partitions and paths.
    ///
    /// # Errors
    /// The store fails.
    pub async fn finish(mut self) -> Result<Vec<Add>, TableError> {
        for (_, file) in self.open.drain() {
            drop(file.batches);
            self.closing.push(file.done);
        }
        let mut adds = vec![];
        for file in self.closing {
            adds.extend(joined(file).await?);
        }
        adds.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(adds)
    }

    fn check(&self, batch: &RecordBatch) -> Result<(), TableError> {
        let given = batch.schema();
        let fits = given.fields().len() == self.schema.fields().len()
            && given
                .fields()
                .iter()
                .zip(self.schema.fields())
                .all(|(given, wanted)| {
                    given.name() == wanted.name()
                        && given.data_type().equals_datatype(wanted.data_type())
                });
        if !fits {
            return Err(TableError::Schema {
                message: format!(
                    "rows have the columns {}, the table has {}",
                    listed(&given),
                    listed(&self.schema)
                ),
            });
        }
        for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
            check_not_null(field, column, field.name(), batch)?;
        }
        Ok(())
    }

    /// The columns that go into files, under the file's schema.
    fn file_rows(&self, batch: &RecordBatch) -> Result<RecordBatch, TableError> {
        let columns = self.file_columns.iter().map(|index| {
            let wanted = self.schema.field(*index).data_type();
            let column = batch.column(*index);
            if column.data_type() == wanted {
                Ok(Arc::clone(column))
            } else {
                arrow::compute::cast(column, wanted)
            }
        });
        Ok(RecordBatch::try_new(
            Arc::clone(&self.file_schema),
            columns.collect::<Result<_, _>>()?,
        )?)
    }

    fn split(&self, batch: &RecordBatch) -> Result<Vec<(PartitionKey, UInt32Array)>, TableError> {
        let values: Vec<Vec<Option<String>>> = self
            .partition_columns
            .iter()
            .map(|index| partition_values(batch.column(*index)))
            .collect::<Result<_, _>>()?;
        let mut order: Vec<PartitionKey> = vec![];
        let mut rows: HashMap<PartitionKey, Vec<u32>> = HashMap::new();
        for row in 0..batch.num_rows() {
            let key: PartitionKey = values
                .iter()
                .map(|column| column.get(row).cloned().flatten())
                .collect();
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            match rows.get_mut(&key) {
                Some(rows) => rows.push(row),
                None => {
                    order.push(key.clone());
                    rows.insert(key, vec![row]);
                }
            }
        }
        Ok(order
            .into_iter()
            .filter_map(|key| rows.remove(&key).map(|rows| (key, rows.into())))
            .collect())
    }

    async fn send(&mut self, key: PartitionKey, rows: RecordBatch) -> Result<(), TableError> {
        if !self.open.contains_key(&key) {
            self.make_room();
            let file = self.begin(&key);
            self.open.insert(key.clone(), file);
        }
        let Some(file) = self.open.get_mut(&key) else {
            return Ok(());
        };
        file.rows += rows.num_rows();
        if file.batches.send(rows).await.is_ok() {
            return Ok(());
        }
        // The task has ended: its result tells why.
        match self.open.remove(&key) {
            Some(file) => joined(file.done).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Closes the fullest file when as many as may be are open.
    fn make_room(&mut self) {
        if self.open.len() < self.options.open_files.max(1) {
            return;
        }
        let fullest = self
            .open
            .iter()
            .max_by_key(|(_, file)| file.rows)
            .map(|(key, _)| key.clone());
        if let Some(file) = fullest.and_then(|key| self.open.remove(&key)) {
            drop(file.batches);
            self.closing.push(file.done);
        }
    }

    fn begin(&self, key: &PartitionKey) -> OpenFile {
        let (batches, received) = mpsc::channel(2);
        let partition_values = self
            .partition_by
            .iter()
            .cloned()
            .zip(key.iter().cloned())
            .collect();
        let task = FileTask {
            store: self.store.clone(),
            location: self.location.clone(),
            schema: Arc::clone(&self.file_schema),
            folder: self.folder(key),
            partition_values,
            options: self.options.clone(),
            buffers: Arc::clone(&self.buffers),
        };
        OpenFile {
            batches,
            done: tokio::spawn(task.run(received)),
            rows: 0,
        }
    }

    /// `column=value` folders where all values are plain, for people who look; else none: the log tells the values.
    fn folder(&self, key: &PartitionKey) -> Vec<String> {
        let plain = |text: &str| {
            (1..=64).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let parts = self
            .partition_by
            .iter()
            .zip(key)
            .map(|(name, value)| match value {
                Some(value) if plain(name) && plain(value) => Some(format!("{name}={value}")),
                None if plain(name) => Some(format!("{name}=__HIVE_DEFAULT_PARTITION__")),
                _ => None,
            });
        parts.collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

fn listed(schema: &Schema) -> String {
    let fields = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()));
    fields.collect::<Vec<_>>().join(", ")
}

async fn joined(file: JoinHandle<Result<Vec<Add>, TableError>>) -> Result<Vec<Add>, TableError> {
    file.await.unwrap_or_else(|error| {
        Err(TableError::Invalid(format!(
            "a file could not be written: {error}"
        )))
    })
}

fn check_not_null(
    field: &arrow::datatypes::Field,
    column: &ArrayRef,
    path: &str,
    batch: &RecordBatch,
) -> Result<(), TableError> {
    if !field.is_nullable() && column.null_count() > 0 {
        let row = (0..column.len())
            .find(|row| column.is_null(*row))
            .unwrap_or(0);
        return Err(TableError::NotNull {
            column: path.to_owned(),
            row: row_text(batch, row),
        });
    }
    if let (DataType::Struct(fields), true) = (field.data_type(), column.null_count() == 0) {
        for (child, values) in fields.iter().zip(column.as_struct().columns()) {
            check_not_null(child, values, &format!("{path}.{}", child.name()), batch)?;
        }
    }
    Ok(())
}

/// One row as text for people, at most a few hundred characters.
pub(crate) fn row_text(batch: &RecordBatch, row: usize) -> String {
    let options = arrow::util::display::FormatOptions::default().with_null("NULL");
    let schema = batch.schema();
    let cells = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let value = arrow::util::display::ArrayFormatter::try_new(column, &options)
                .map_or_else(
                    |error| error.to_string(),
                    |formatter| formatter.value(row).to_string(),
                );
            format!("{}: {value}", field.name())
        });
    let text = format!("{{{}}}", cells.collect::<Vec<_>>().join(", "));
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The values of a partition column in the text form of the Delta protocol.
fn partition_values(column: &ArrayRef) -> Result<Vec<Option<String>>, TableError> {
    if let DataType::Timestamp(TimeUnit::Microsecond, _) = column.data_type() {
        let values = column.as_primitive::<TimestampMicrosecondType>();
        return Ok(values
            .iter()
            .map(|value| chrono::DateTime::from_timestamp_micros(value?))
            .map(|time| time.map(|time| time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()))
            .collect());
    }
    let text = arrow::compute::cast(column, &DataType::Utf8)?;
    // The protocol has no empty string in partitions: it reads as NULL.
    Ok(text
        .as_string::<i32>()
        .iter()
        .map(|value| value.filter(|text| !text.is_empty()).map(str::to_owned))
        .collect())
}
