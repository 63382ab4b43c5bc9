//! The rows of a join of streams: those of a batch by their keys, and those that wait, file by file. A file is written
//! anew only when many lie side by side, or when most of its rows wait no more: that a row in it has met another is
//! marked beside it. Rows that the watermark has passed fall out when they are read, and files of nothing else go
//! unread. Must not pair rows: `join_exec` does.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch, not};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use futures::channel::mpsc::Sender;
use futures::{SinkExt, StreamExt};
use sluice_model::{OperatorState, StateFile};

use super::StreamContext;
use super::files::{Division, divide};
use super::join_exec::{Joined, PAIRS, Side};
use super::marks::Marks;
use super::state::StateWriter;
use super::times::{passed, span};

/// Where the result goes.
pub(super) type Out = Sender<RecordBatch>;

/// Gives rows of the result out.
pub(super) async fn give(out: &mut Out, rows: RecordBatch) -> Result<()> {
    if rows.num_rows() == 0 || out.send(rows).await.is_ok() {
        return Ok(());
    }
    exec_err!("nobody reads the result of a join of streams")
}

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
}

/// Rows, each with whether it has met another.
pub(super) struct Part {
    pub(super) rows: RecordBatch,
    pub(super) met: Vec<bool>,
}

impl Part {
    /// Rows that have met nothing yet.
    pub(super) fn new(rows: RecordBatch) -> Self {
        Self {
            met: vec![false; rows.num_rows()],
            rows,
        }
    }
}

/// Which rows have a key.
pub(super) struct Index(HashMap<Box<[u8]>, Vec<usize>>);

/// Keys of both sides as bytes that are equal when they are.
pub(super) struct Keyed(RowConverter);

impl Keyed {
    /// Keys of the types that these have.
    pub(super) fn over(keys: &[Arc<dyn PhysicalExpr>], rows: &RecordBatch) -> Result<Self> {
        let columns = columns(keys, rows)?;
        let fields = columns
            .iter()
            .map(|key| SortField::new(key.data_type().clone()));
        Ok(Self(RowConverter::new(fields.collect())?))
    }

    /// The rows by their keys. NULL is no key: it meets nothing.
    pub(super) fn index(
        &self,
        keys: &[Arc<dyn PhysicalExpr>],
        rows: &RecordBatch,
    ) -> Result<Index> {
        let keys = columns(keys, rows)?;
        let bytes = self.0.convert_columns(&keys)?;
        let mut index: HashMap<Box<[u8]>, Vec<usize>> = HashMap::new();
        for row in (0..rows.num_rows()).filter(|row| is_whole(&keys, *row)) {
            let key = bytes.row(row);
            match index.get_mut(key.as_ref()) {
                Some(found) => found.push(row),
                None => drop(index.insert(key.as_ref().into(), vec![row])),
            }
        }
        Ok(Index(index))
    }

    /// The pairs of these rows with those of an index that have the same key.
    pub(super) fn lookup<'a>(
        &self,
        keys: &[Arc<dyn PhysicalExpr>],
        rows: &RecordBatch,
        index: &'a Index,
    ) -> Result<impl Iterator<Item = (usize, usize)> + Send + use<'a>> {
        let keys = columns(keys, rows)?;
        let bytes: Rows = self.0.convert_columns(&keys)?;
        let found = move |row: usize| {
            let others = is_whole(&keys, row)
                .then(|| index.0.get(bytes.row(row).as_ref()))
                .flatten();
            let others = others.map_or(&[][..], Vec::as_slice);
            others.iter().map(move |other| (row, *other))
        };
        Ok((0..rows.num_rows()).flat_map(found))
    }
}

fn columns(keys: &[Arc<dyn PhysicalExpr>], rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let column = |key: &Arc<dyn PhysicalExpr>| key.evaluate(rows)?.into_array(rows.num_rows());
    keys.iter().map(column).collect()
}

/// Whether no key of a row is NULL: NULL meets nothing.
fn is_whole(keys: &[ArrayRef], row: usize) -> bool {
    keys.iter().all(|key| key.is_valid(row))
}

/// The rows of one side that wait.
pub(super) struct Waiting<'a> {
    joined: &'a Joined,
    which: Which,
    side: &'a Side,
    context: &'a StreamContext,
    files: Division,
    kept: Vec<StateFile>,
    /// Which rows in files have met another since they were written.
    met: Marks,
    writer: Option<Box<dyn StateWriter>>,
}

impl<'a> Waiting<'a> {
    /// Those that waited before the batch.
    pub(super) async fn of(joined: &'a Joined, which: Which) -> Result<Self> {
        let side = joined.side(which);
        let context = joined.context.as_ref();
        let files = context.begin(&side.operator, &side.shape)?;
        let met = Marks::read(context, &side.operator, "met").await?;
        let mut waiting = Self {
            joined,
            which,
            side,
            context,
            files: Division::default(),
            kept: vec![],
            met,
            writer: None,
        };
        waiting.files = divide(files, |file| waiting.gone(file));
        Ok(waiting)
    }

    /// Whether a row that has met another waits no more.
    fn is_done_when_met(&self) -> bool {
        self.joined.is_semi && self.which == Which::Left
    }

    /// How many rows of a file wait no more, because they have met another.
    fn gone(&self, file: &StateFile) -> u64 {
        if self.is_done_when_met() {
            self.met.count(file)
        } else {
            0
        }
    }

    /// Meets everything that waits with the new rows of the other side, and lets go of what is over.
    pub(super) async fn pass(
        &mut self,
        others: &mut Part,
        keyed: &Keyed,
        index: &Index,
        out: &mut Out,
    ) -> Result<()> {
        let Division { merged, kept } = std::mem::take(&mut self.files);
        for (file, is_merged) in kept
            .into_iter()
            .map(|file| (file, false))
            .chain(merged.into_iter().map(|file| (file, true)))
        {
            self.pass_file((file, is_merged), others, keyed, index, out)
                .await?;
        }
        Ok(())
    }

    async fn pass_file(
        &mut self,
        (file, is_merged): (StateFile, bool),
        others: &mut Part,
        keyed: &Keyed,
        index: &Index,
        out: &mut Out,
    ) -> Result<()> {
        let watermark_us = self.context.watermark_us();
        // A file of an older engine does not say when its rows are over.
        let may_end =
            self.side.until.is_some() && file.first_us.is_none_or(|first| first <= watermark_us);
        let is_over = file.last_us.is_some_and(|last| last <= watermark_us);
        let gives_out = self.side.keeps && may_end;
        if others.rows.num_rows() == 0 && !gives_out && (!is_merged || is_over) {
            if !is_over {
                self.kept.push(file);
            }
            return Ok(());
        }
        let counts = self.side.keeps || self.is_done_when_met();
        for (mut part, numbers) in self.read(&file).await? {
            let before = part.met.clone();
            self.meet(&mut part, others, keyed, index, out).await?;
            if counts && !is_merged {
                for (row, number) in numbers.into_iter().enumerate() {
                    if part.met[row] && !before[row] {
                        self.met.mark(&file, number)?;
                    }
                }
            }
            self.settle(part, is_merged, out).await?;
        }
        if !is_merged && !is_over && self.gone(&file) < file.rows {
            self.kept.push(file);
        }
        Ok(())
    }

    /// Gives out the pairs of rows that waited with the new ones of the other side.
    async fn meet(
        &mut self,
        part: &mut Part,
        others: &mut Part,
        keyed: &Keyed,
        index: &Index,
        out: &mut Out,
    ) -> Result<()> {
        let joined = self.joined;
        match self.which {
            Which::Left => joined.meet_right(part, others, keyed, index, out).await,
            Which::Right => joined.meet_left(others, part, keyed, index, out).await,
        }
    }

    /// The rows of a file that still waited when the batch began, with their numbers in it.
    async fn read(&mut self, file: &StateFile) -> Result<Vec<(Part, Vec<usize>)>> {
        let (schema, stored) = (self.side.input.schema(), self.side.stored_schema());
        let files = vec![file.clone()];
        let backend = self.context.backend();
        let mut rows = backend.read(&self.side.operator, files, stored);
        let width = schema.fields().len();
        let mut parts = vec![];
        let marked = self.met.of(file);
        let mut begin = 0;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            let met = batch.column(width).as_boolean().values().iter();
            let is_met = |(row, met): (usize, bool)| met || marked.has(begin + row);
            let met: Vec<bool> = met.enumerate().map(is_met).collect();
            let columns = batch.columns()[..width].to_vec();
            let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
            let waits = match self.side.ends(&rows)? {
                None => BooleanArray::from(vec![true; rows.num_rows()]),
                Some(ends) => not(&passed(&ends, self.context.late_us()))?,
            };
            let is_done = |row: &usize| self.is_done_when_met() && met[*row];
            let waits: BooleanArray = (0..rows.num_rows())
                .map(|row| Some(waits.value(row) && !is_done(&row)))
                .collect();
            let numbers: Vec<usize> = waits.values().set_indices().collect();
            let part = Part {
                rows: filter_record_batch(&rows, &waits)?,
                met: numbers.iter().map(|row| met[*row]).collect(),
            };
            parts.push((part, numbers.iter().map(|row| begin + row).collect()));
            begin += batch.num_rows();
        }
        Ok(parts)
    }

    /// Gives out what is over and met nothing; what goes on waiting is written if `is_written`.
    async fn settle(&mut self, part: Part, is_written: bool, out: &mut Out) -> Result<()> {
        let met = BooleanArray::from(part.met);
        let ends = self.side.ends(&part.rows)?;
        let over = match &ends {
            Some(ends) => passed(ends, self.context.watermark_us()),
            None => BooleanArray::from(vec![false; part.rows.num_rows()]),
        };
        if self.side.keeps {
            let alone = filter_record_batch(&part.rows, &and(&over, &not(&met)?)?)?;
            give(out, self.joined.extended(&alone, self.which)?).await?;
        }
        if !is_written {
            return Ok(());
        }
        let mut stays = not(&over)?;
        if self.is_done_when_met() {
            stays = and(&stays, &not(&met)?)?;
        }
        let mut columns = part.rows.columns().to_vec();
        columns.push(Arc::new(met));
        let whole = RecordBatch::try_new(self.side.stored_schema(), columns)?;
        self.write(&filter_record_batch(&whole, &stays)?).await
    }

    async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for begin in (0..rows.num_rows()).step_by(PAIRS) {
            let rows = rows.slice(begin, PAIRS.min(rows.num_rows() - begin));
            let width = self.side.input.schema().fields().len();
            let columns = rows.columns()[..width].to_vec();
            let waiting = RecordBatch::try_new(self.side.input.schema(), columns)?;
            let times = match self.side.ends(&waiting)? {
                Some(ends) => span(&ends),
                None => (None, None),
            };
            let writer = match &mut self.writer {
                Some(writer) => writer,
                None => {
                    let backend = self.context.backend();
                    let schema = self.side.stored_schema();
                    let made = backend.writer(&self.side.operator, schema)?;
                    self.writer.insert(made)
                }
            };
            writer.write(&rows, times).await?;
        }
        Ok(())
    }

    /// Lets the new rows wait, and makes the state durable.
    pub(super) async fn end(
        mut self,
        new: Part,
        turned_away: RecordBatch,
        out: &mut Out,
    ) -> Result<()> {
        if self.side.keeps {
            give(out, self.joined.extended(&turned_away, self.which)?).await?;
        }
        self.settle(new, true, out).await?;
        let mut files = self.kept;
        if let Some(writer) = self.writer {
            files.extend(writer.finish().await?);
        }
        self.met.finish(self.context, &files).await?;
        let state = OperatorState {
            shape: self.side.shape.clone(),
            closes: self.side.until.is_some(),
            files,
        };
        self.context.finish(&self.side.operator, state);
        Ok(())
    }
}
