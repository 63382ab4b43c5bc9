//! The rules of a graph, one per file. Each takes facts and returns what is wrong; none changes anything.

pub(crate) mod alias;
pub(crate) mod cycle;
pub(crate) mod operator;
pub(crate) mod reset;
pub(crate) mod streamingness;
pub(crate) mod temporary;
