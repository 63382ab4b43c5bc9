//! Marks on rows that lie in files of state: what a batch learns of such a row (it has met another, its session is over)
//! is written beside its file, as the number of the row, and the file stays as it is. Marks lie in files of state
//! themselves, of an operator of their own. Must not know what a mark means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use futures::StreamExt;
use sluice_model::{OperatorState, StateFile};

use super::StreamContext;
use super::files::{Division, divide};

/// What the state of marks belongs to, in words.
const SHAPE: &str = "numbers of rows by file";

/// The marks of the rows of one operator.
pub(super) struct Marks {
    operator: String,
    /// Files of marks that stay as they are, each with the files whose rows it marks.
    kept: Vec<(StateFile, BTreeSet<String>)>,
    /// Marks that are to be written: new ones, and those of merged files.
    to_write: BTreeMap<String, BTreeSet<u32>>,
    of_files: HashMap<String, Marked>,
}

/// Which rows of a file are marked: a bit for each.
#[derive(Debug, Clone, Default)]
pub(super) struct Marked {
    words: Vec<u64>,
    count: u64,
}

impl Marked {
    /// Whether a row is marked.
    pub(super) fn has(&self, row: usize) -> bool {
        let word = self.words.get(row / 64);
        word.is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// Marks a row; whether it was not marked before.
    fn mark(&mut self, row: usize) -> bool {
        if self.has(row) {
            return false;
        }
        if row / 64 >= self.words.len() {
            self.words.resize(row / 64 + 1, 0);
        }
        self.words[row / 64] |= 1 << (row % 64);
        self.count += 1;
        true
    }
}

impl Marks {
    /// The marks with which a batch begins, of one `kind`, on the rows of an operator.
    pub(super) async fn read(context: &StreamContext, operator: &str, kind: &str) -> Result<Self> {
        let operator = format!("{operator}-{kind}");
        let files = context.begin(&operator, &[SHAPE.to_string()])?;
        let Division { merged, kept } = divide(files, |_| 0);
        let mut marks = Self {
            operator,
            kept: vec![],
            to_write: BTreeMap::new(),
            of_files: HashMap::new(),
        };
        for file in kept {
            let marked = marks.take(context, &file).await?;
            marks.kept.push((file, marked.into_keys().collect()));
        }
        for file in merged {
            for (name, rows) in marks.take(context, &file).await? {
                marks.to_write.entry(name).or_default().extend(rows);
            }
        }
        Ok(marks)
    }

    /// Takes the marks of a file; gives them.
    async fn take(
        &mut self,
        context: &StreamContext,
        file: &StateFile,
    ) -> Result<BTreeMap<String, Vec<u32>>> {
        let backend = context.backend();
        let mut stored = backend.read(&self.operator, vec![file.clone()], schema());
        let mut taken: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        while let Some(marks) = stored.next().await {
            let marks = marks?;
            let names = marks.column(0).as_string::<i32>();
            let rows = marks.column(1).as_primitive::<UInt32Type>();
            for (name, row) in names.iter().flatten().zip(rows.values()) {
                match taken.get_mut(name) {
                    Some(rows) => rows.push(*row),
                    None => drop(taken.insert(name.to_string(), vec![*row])),
                }
            }
        }
        for (name, rows) in &taken {
            let marked = self.of_files.entry(name.clone()).or_default();
            for row in rows {
                marked.mark(*row as usize);
            }
        }
        Ok(taken)
    }

    /// Which rows of a file are marked.
    pub(super) fn of(&self, file: &StateFile) -> Marked {
        self.of_files.get(&file.name).cloned().unwrap_or_default()
    }

    /// How many rows of a file are marked.
    pub(super) fn count(&self, file: &StateFile) -> u64 {
        self.of_files
            .get(&file.name)
            .map_or(0, |marked| marked.count)
    }

    /// Marks a row of a file.
    pub(super) fn mark(&mut self, file: &StateFile, row: usize) -> Result<()> {
        let number = u32::try_from(row)
            .map_err(|_| internal_datafusion_err!("a file of state has too many rows"))?;
        if self
            .of_files
            .entry(file.name.clone())
            .or_default()
            .mark(row)
        {
            let rows = self.to_write.entry(file.name.clone()).or_default();
            rows.insert(number);
        }
        Ok(())
    }

    /// Makes the marks durable, as far as the rows that they mark lie in files that stay.
    pub(super) async fn finish(self, context: &StreamContext, stay: &[StateFile]) -> Result<()> {
        let stay: BTreeSet<&str> = stay.iter().map(|file| file.name.as_str()).collect();
        let has_some = |names: &BTreeSet<String>| names.iter().any(|n| stay.contains(n.as_str()));
        let kept = self.kept.into_iter().filter(|(_, names)| has_some(names));
        let mut files: Vec<StateFile> = kept.map(|(file, _)| file).collect();
        let (mut names, mut numbers): (Vec<&str>, Vec<u32>) = (vec![], vec![]);
        for (name, rows) in &self.to_write {
            if stay.contains(name.as_str()) {
                names.extend(std::iter::repeat_n(name.as_str(), rows.len()));
                numbers.extend(rows);
            }
        }
        if !names.is_empty() {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(StringArray::from(names)),
                Arc::new(UInt32Array::from(numbers)),
            ];
            let rows = RecordBatch::try_new(schema(), columns)?;
            let mut writer = context.backend().writer(&self.operator, schema())?;
            writer.write(&rows, (None, None)).await?;
            files.extend(writer.finish().await?);
        }
        if files.is_empty() {
            return Ok(());
        }
        let state = OperatorState {
            shape: vec![SHAPE.to_string()],
            closes: false,
            files,
        };
        context.finish(&self.operator, state);
        Ok(())
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("file", DataType::Utf8, false),
        Field::new("row", DataType::UInt32, false),
    ]))
}
