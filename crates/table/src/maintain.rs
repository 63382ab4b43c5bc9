//! Maintenance.
#[derive(Debug)]
pub struct Repair;
#[derive(Debug)]
pub struct RepairPolicy;
#[derive(Debug)]
pub struct Repaired;
