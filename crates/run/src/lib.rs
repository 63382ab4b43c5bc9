//! Placeholder while the dependency tree is built for the first time.
