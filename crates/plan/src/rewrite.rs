//! Where Spark and DataFusion differ: one difference, one file. Each file holds the rule (types in, types out) and, if
//! DataFusion has no operator that computes it, the function that does. Must not know syntax: `bind` calls these.

pub(crate) mod access;
pub(crate) mod arithmetic;
pub(crate) mod cast;
pub(crate) mod compare;
pub(crate) mod concat;
pub(crate) mod count;
pub(crate) mod decimal;
pub(crate) mod dependent;
pub(crate) mod float;
pub(crate) mod fold;
pub(crate) mod generator;
pub(crate) mod grouping;
pub(crate) mod guard;
pub(crate) mod interval;
pub(crate) mod length;
pub(crate) mod moving;
pub(crate) mod order;
pub(crate) mod path;
pub(crate) mod pushdown;
pub(crate) mod session_gap;
pub(crate) mod shift;
pub(crate) mod sides;
pub(crate) mod single;
pub(crate) mod stack;
pub(crate) mod structure;
pub(crate) mod sum;
pub(crate) mod time;
pub(crate) mod unify;
pub(crate) mod whole;
pub(crate) mod window;
