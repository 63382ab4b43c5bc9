//! One simulation: asks a model or a template for records, numbers them, and lets some of them come late, twice or
//! broken. Must not decide when a record is made: its caller says so.

use super::device::Reading;
use super::fault::{Delays, Faults, break_record};
use super::preset::{Model, Preset};
use super::random::Random;
use super::row::{RecordForm, Row};
use super::template::Template;

/// How far behind its first arrival a record arrives again at most, in microseconds.
const AGAIN_WITHIN_US: u64 = 5_000_000;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// What all numbers come from.
    pub seed: u64,
    /// Devices that take turns; 0 is taken for 1.
    pub devices: u64,
    /// What goes wrong, how often.
    pub faults: Faults,
    /// A field to add that numbers the records from 1; a record that arrives again has its number again.
    pub number_field: Option<String>,
    /// How the records of a preset are written.
    pub form: RecordForm,
    /// The only table to make records of, as an index into the preset's tables.
    pub only_table: Option<usize>,
}

/// A record that has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Which table it is of, as an index into the preset's tables; 0 for a template.
    pub table: usize,
    /// Which device sent it, from 0.
    pub device: u64,
    /// The names of its fields, for CSV of a preset.
    pub header: Option<&'a [u8]>,
    /// The record, without a line break at its end.
    pub bytes: &'a [u8],
}

/// Where records go.
pub trait Outlet {
    /// Why it takes no more.
    type Error;
    /// Takes one record.
    fn put(&mut self, record: Record<'_>) -> Result<(), Self::Error>;
}

/// What was made so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records made, each counted once.
    pub records: u64,
    /// Of these, with values that stand out.
    pub anomalies: u64,
    /// Of these, held back.
    pub late: u64,
    /// Of these, to arrive a second time.
    pub duplicates: u64,
    /// Of these, unreadable.
    pub broken: u64,
    /// Records handed out.
    pub arrived: u64,
}

#[derive(Debug)]
enum Maker {
    Model(Box<dyn Model>),
    Template(Template),
}

/// Makes records, one after the other.
#[derive(Debug)]
pub struct Simulator {
    simulation: Simulation,
    maker: Maker,
    random: Random,
    /// Faults have their own numbers, so that a record is the same with and without them.
    fate: Random,
    delays: Delays,
    headers: Vec<Option<Vec<u8>>>,
    counts: Counts,
    record: Vec<u8>,
}

impl Simulator {
    /// Simulates a preset fleet.
    #[must_use]
    pub fn of_preset(preset: Preset, simulation: Simulation) -> Self {
        let devices = simulation.devices.max(1);
        let model = preset.model(devices, simulation.only_table);
        Self::new(Maker::Model(model), preset.tables().len(), simulation)
    }

    /// Simulates by a template. Its own text decides how records are written.
    #[must_use]
    pub fn of_template(template: Template, simulation: Simulation) -> Self {
        Self::new(Maker::Template(template), 1, simulation)
    }

    fn new(maker: Maker, tables: usize, simulation: Simulation) -> Self {
        Self {
            random: Random::new(simulation.seed),
            fate: Random::new(simulation.seed ^ 0x00fa_017e_d0fa_7e00),
            simulation,
            maker,
            delays: Delays::default(),
            headers: vec![None; tables],
            counts: Counts::default(),
            record: vec![],
        }
    }

    /// What was made so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Makes the next record, measured at this time (in microseconds since 1970), and hands out what has arrived by
    /// then. Times must not go backwards.
    pub fn next<O: Outlet>(&mut self, at_us: i64, outlet: &mut O) -> Result<(), O::Error> {
        self.arrive(at_us, outlet)?;
        let faults = self.simulation.faults;
        let is_anomaly = self.fate.chance(faults.anomalies);
        let (is_late, is_twice) = (
            self.fate.chance(faults.late),
            self.fate.chance(faults.duplicates),
        );
        let is_broken = self.fate.chance(faults.broken);
        let device = self.counts.records % self.simulation.devices.max(1);
        self.counts.records += 1;
        let reading = Reading {
            at_us,
            number: self.counts.records,
            device,
            is_anomaly,
            seed: self.simulation.seed,
        };
        let table = self.make(&reading);
        if is_broken {
            let form = self.broken_form();
            break_record(&mut self.record, form, &mut self.fate);
        }
        self.counts.anomalies += u64::from(is_anomaly);
        self.counts.late += u64::from(is_late);
        self.counts.duplicates += u64::from(is_twice);
        self.counts.broken += u64::from(is_broken);
        let mut arrives_us = at_us;
        if is_late {
            arrives_us = after(at_us, faults.late_by_us, &mut self.fate);
            self.delays.hold(arrives_us, table, device, &self.record);
        } else {
            self.counts.arrived += 1;
            outlet.put(Record {
                table,
                device,
                header: self.headers[table].as_deref(),
                bytes: &self.record,
            })?;
        }
        if is_twice {
            let again_us = after(arrives_us, AGAIN_WITHIN_US, &mut self.fate);
            self.delays.hold(again_us, table, device, &self.record);
        }
        Ok(())
    }

    /// Hands out what has arrived by now.
    pub fn arrive<O: Outlet>(&mut self, now_us: i64, outlet: &mut O) -> Result<(), O::Error> {
        while let Some(delayed) = self.delays.release(now_us) {
            self.counts.arrived += 1;
            outlet.put(Record {
                table: delayed.table,
                device: delayed.device,
                header: self.headers[delayed.table].as_deref(),
                bytes: &delayed.bytes,
            })?;
        }
        Ok(())
    }

    /// Hands out all that is still on its way: a simulation that ends loses nothing.
    pub fn finish<O: Outlet>(&mut self, outlet: &mut O) -> Result<(), O::Error> {
        self.arrive(i64::MAX, outlet)
    }

    /// Writes the record into `self.record` and tells its table.
    fn make(&mut self, reading: &Reading) -> usize {
        self.record.clear();
        let number_field = self.simulation.number_field.as_deref();
        match &mut self.maker {
            Maker::Model(model) => {
                let table = model.table(reading, &mut self.random);
                let is_headless =
                    self.simulation.form == RecordForm::Csv && self.headers[table].is_none();
                let mut header = is_headless.then(Vec::new);
                let mut row = Row::begin(self.simulation.form, &mut self.record, header.as_mut());
                model.write(reading, &mut self.random, &mut row);
                if let Some(name) = number_field {
                    row.whole(name, reading.number);
                }
                row.end();
                if is_headless {
                    self.headers[table] = header;
                }
                table
            }
            Maker::Template(template) => {
                template.write(reading, &mut self.random, &mut self.record);
                if let Some(name) = number_field {
                    add_number(&mut self.record, name, reading.number);
                }
                0
            }
        }
    }

    fn broken_form(&self) -> RecordForm {
        match &self.maker {
            Maker::Model(_) => self.simulation.form,
            Maker::Template(template) => template.form(),
        }
    }
}

/// Puts a number in front of the fields of a JSON object that somebody else wrote.
fn add_number(record: &mut Vec<u8>, name: &str, number: u64) {
    let Some(start) = record.iter().position(|byte| *byte == b'{') else {
        return;
    };
    let is_empty = record[start + 1..]
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        == Some(&b'}');
    let comma = if is_empty { "" } else { "," };
    let field = format!("\"{name}\":{number}{comma}");
    record.splice(start + 1..=start, field.into_bytes());
}

/// Some time later: within so many microseconds, at least one.
fn after(at_us: i64, within_us: u64, random: &mut Random) -> i64 {
    let later = 1 + random.below(within_us.max(1));
    at_us.saturating_add(i64::try_from(later).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
