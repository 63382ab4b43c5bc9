//! Aggregates over frames whose begin moves. DataFusion takes the rows that leave a frame out of what it has added up:
//! that loses digits of floating-point numbers, keeps a NaN for ever, and most aggregates cannot do it. Spark computes
//! each frame anew (`SlidingWindowFunctionFrame`), and so do these. Must not know what an aggregate computes.

mod numbers;

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{WindowFunctionDefinition, WindowFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, WindowFrame,
};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

use crate::bind::Typed;
use crate::rewrite::unify::is_integral;
use numbers::Numbers;

/// The function as it is computed over a frame.
pub(crate) fn over(
    frame: &WindowFrame,
    function: Arc<AggregateUDF>,
    args: &[Typed],
) -> WindowFunctionDefinition {
    // What leaves these frames can be taken out again: a count, or the greatest of those that are left.
    let exact = matches!(function.name(), "count" | "min" | "max");
    if exact || frame.start_bound.is_unbounded() {
        return WindowFunctionDefinition::AggregateUDF(function);
    }
    let of_floats = args.iter().any(|arg| arg.data_type.is_floating());
    let of_whole = matches!(args, [arg] if is_integral(&arg.data_type));
    let numbers = match function.name() {
        "sum" if of_floats => Some(Numbers::Sum),
        "avg" if of_floats => Some(Numbers::Mean),
        "sum" if of_whole => Some(Numbers::WholeSum),
        _ => None,
    };
    let moving = Moving { function, numbers };
    WindowFunctionDefinition::AggregateUDF(Arc::new(AggregateUDF::new_from_impl(moving)))
}

/// An aggregate that computes a moving frame anew.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Moving {
    function: Arc<AggregateUDF>,
    numbers: Option<Numbers>,
}

impl AggregateUDFImpl for Moving {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.function.window_function_schema_name(params)
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.function.return_type(arguments)
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        self.function.return_field(arguments)
    }

    fn is_nullable(&self) -> bool {
        self.function.is_nullable()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.function.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.function.supports_null_handling_clause()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.function.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.function.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let call = Call::of(&self.function, &args);
        if let Some(numbers) = self.numbers {
            return Ok(numbers.frame(call));
        }
        Ok(Box::new(Frame {
            call,
            rows: vec![],
            arrived: vec![],
        }))
    }
}

/// What makes an accumulator, again and again.
struct Call {
    function: Arc<AggregateUDF>,
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Call {
    fn of(function: &Arc<AggregateUDF>, args: &AccumulatorArgs) -> Self {
        Self {
            function: Arc::clone(function),
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            is_distinct: args.is_distinct,
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }

    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.function.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        })
    }
}

/// The rows of a frame: the oldest leave first.
struct Frame {
    call: Call,
    /// The arguments of the rows, as far as they are put together.
    rows: Vec<ArrayRef>,
    /// Those that came since.
    arrived: Vec<Vec<ArrayRef>>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("function", &self.call.name)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// Puts all rows together.
    fn settle(&mut self) -> Result<()> {
        let arrived = std::mem::take(&mut self.arrived);
        if arrived.is_empty() {
            return Ok(());
        }
        let columns = arrived[0].len();
        let mut settled = Vec::with_capacity(columns);
        for column in 0..columns {
            let held = self.rows.get(column).into_iter();
            let parts = held.chain(arrived.iter().map(|rows| &rows[column]));
            let parts: Vec<&dyn Array> = parts.map(AsRef::as_ref).collect();
            settled.push(concat(&parts)?);
        }
        self.rows = settled;
        Ok(())
    }
}

impl Accumulator for Frame {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if values.first().is_some_and(|column| !column.is_empty()) {
            self.arrived.push(values.to_vec());
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.settle()?;
        let left = values.first().map_or(0, Array::len);
        for column in &mut self.rows {
            let left = left.min(column.len());
            *column = column.slice(left, column.len() - left);
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle()?;
        let mut accumulator = self.call.accumulator()?;
        if self.rows.first().is_some_and(|column| !column.is_empty()) {
            accumulator.update_batch(&self.rows)?;
        }
        accumulator.evaluate()
    }

    fn size(&self) -> usize {
        let parts = self.rows.iter().chain(self.arrived.iter().flatten());
        let held: usize = parts.map(Array::get_array_memory_size).sum();
        size_of_val(self) + held
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        in_parts()
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        in_parts()
    }
}

fn in_parts<T>() -> Result<T> {
    datafusion::common::internal_err!("a moving frame is not put together from parts")
}
