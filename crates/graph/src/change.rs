//! What changed since the last update: a pure comparison of fingerprints. Must not know where they are kept.

/// What a change of a flow is judged by: the resolved syntax tree after interpolation, never an engine's plan.
/// White space, comments and letter case of keywords do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowFingerprint {
    /// What is read as a stream, views followed to their sources, in order: a change means that a streaming
    /// flow's checkpoint no longer fits.
    pub sources: Vec<String>,
    /// The query with the views it reads, and the session settings that can change its result.
    pub query: String,
    /// Expectations and output columns.
    pub output: String,
}
