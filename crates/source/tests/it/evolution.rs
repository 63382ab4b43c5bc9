//! Schemas that grow while a source is read.
