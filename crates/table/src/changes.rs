//! What commits changed.
#[derive(Debug)]
pub struct CommitChanges;
#[derive(Debug)]
pub struct DataFile;
#[derive(Debug)]
pub struct ForeignCommit;
#[derive(Debug)]
pub enum ChangeKind {}
