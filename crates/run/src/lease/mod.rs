//! One engine per pipeline and target.
//!
//! Liveness only. Safety never depends on it: where two engines run all the same, the Delta `txn` of each flow
//! decides (recovery.md, K10 and K11).

mod disk;
mod objects;

use std::fs::File;

use sluice_model::Diagnostic;
use sluice_model::condition::run::PIPELINE_ALREADY_RUNNING;

use crate::engine::Engine;
use crate::error::Result;
use objects::ObjectLease;

/// A held lease. It ends with [`Lease::release`]; on disk also with its process, among objects a while after it.
#[derive(Debug)]
pub(crate) enum Lease {
    /// Nobody else can reach what it would protect.
    NotNeeded,
    /// The lock of a file.
    Disk { _file: File },
    /// An object that says who holds it, and until when.
    Objects(ObjectLease),
}

impl Lease {
    /// Gives the lease back.
    pub(crate) async fn release(self) {
        if let Self::Objects(lease) = self {
            lease.release().await;
        }
    }
}

impl Engine {
    /// Takes the lease of this pipeline and target.
    pub(crate) async fn take_lease(&self) -> Result<Lease> {
        self.take_lease_of(&self.pipeline_id()).await
    }

    /// Takes the lease of a pipeline, named as [`Engine::pipeline_id`] does.
    pub(crate) async fn take_lease_of(&self, pipeline_id: &str) -> Result<Lease> {
        let name = if pipeline_id == self.pipeline_id() {
            &self.options.pipeline
        } else {
            pipeline_id
        };
        if let Some(folder) = self.lease_folder_of(pipeline_id) {
            let file = disk::take(&folder, name)?;
            return Ok(Lease::Disk { _file: file });
        }
        let Some(owner) = &self.options.lease_owner else {
            return Ok(Lease::NotNeeded);
        };
        // Where the store overwrites what exists, neither lease nor commit protects anything.
        self.store().probe().await?;
        let place = self.pipeline_folder_of(pipeline_id).child(["lease.json"]);
        let lease = ObjectLease::take(self.store(), place, owner, name).await?;
        Ok(Lease::Objects(lease))
    }
}

/// The refusal to run beside another engine.
fn already_running(pipeline: &str) -> Diagnostic {
    Diagnostic::error(
        &PIPELINE_ALREADY_RUNNING,
        format!("another engine runs pipeline `{pipeline}` on this target"),
    )
}
