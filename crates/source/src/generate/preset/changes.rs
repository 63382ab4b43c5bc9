//! Change events of seven tables as Debezium writes them, flattened (`__op`, `__ts_ms`, `__deleted`): first a snapshot
//! (`r`), then rows created, updated and deleted. A deleted row is created again before it changes again. Must not
//! know when a change is due.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::generate::device::Reading;
use crate::generate::random::{Random, hash};
use crate::generate::row::Row;

/// Tables in the order of their snapshots: what others refer to comes first.
pub(super) const KINDS: [Kind; 7] = [
    Kind::Location,
    Kind::Customer,
    Kind::Product,
    Kind::Device,
    Kind::Threshold,
    Kind::Order,
    Kind::Alert,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Location,
    Customer,
    Product,
    Device,
    Threshold,
    Order,
    Alert,
}

const LOCATIONS: u64 = 12;
const CUSTOMERS: u64 = 40;
const PRODUCTS: u64 = 15;
/// Sensor type, lower and upper bound, severity.
const THRESHOLDS: [(&str, &str, &str, &str); 4] = [
    ("temperature", "12.00", "30.00", "medium"),
    ("humidity", "25.00", "75.00", "medium"),
    ("pressure", "980.50", "1040.50", "high"),
    ("motion", "0", "8", "low"),
];
/// Orders and alerts change for a while; older ones are left alone.
const RECENT_MAX: u64 = 500;
const DAY_MS: u64 = 86_400_000;

/// One change, chosen and not yet written.
#[derive(Debug, Clone, Copy)]
struct Change {
    kind: Kind,
    /// Which row of the table, from 1.
    key: u64,
    operation: &'static str,
}

/// The tables, as far as their changes depend on what went before.
#[derive(Debug)]
pub(super) struct Changes {
    devices: u64,
    kinds: Vec<Kind>,
    /// What of the snapshot is left: kind by index, and its next key.
    snapshot: Option<(usize, u64)>,
    orders: u64,
    alerts: u64,
    deleted: BTreeSet<(Kind, u64)>,
    /// When recent orders and alerts were created, in milliseconds.
    created: BTreeMap<(Kind, u64), i64>,
    /// When the first change was made: what the snapshot holds is older.
    began_ms: Option<i64>,
    next: Change,
}

impl Changes {
    pub(super) fn new(devices: u64, kinds: &[Kind]) -> Self {
        Self {
            devices,
            kinds: kinds.to_vec(),
            snapshot: (!kinds.is_empty()).then_some((0, 1)),
            orders: 20,
            alerts: 10,
            deleted: BTreeSet::new(),
            created: BTreeMap::new(),
            began_ms: None,
            next: Change {
                kind: Kind::Location,
                key: 1,
                operation: "r",
            },
        }
    }

    pub(super) fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Decides the next change and tells its kind, as an index of [`KINDS`].
    pub(super) fn choose(&mut self, at_ms: i64, random: &mut Random) -> usize {
        self.began_ms.get_or_insert(at_ms);
        self.next = match self.snapshot {
            Some((kind, key)) => self.snapshot_of(kind, key),
            None => self.change(at_ms, random),
        };
        KINDS
            .iter()
            .position(|kind| *kind == self.next.kind)
            .unwrap_or(0)
    }

    fn snapshot_of(&mut self, index: usize, key: u64) -> Change {
        let kind = self.kinds[index];
        self.snapshot = if key < self.rows(kind) {
            Some((index, key + 1))
        } else {
            (index + 1 < self.kinds.len()).then_some((index + 1, 1))
        };
        Change {
            kind,
            key,
            operation: "r",
        }
    }

    fn rows(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Location => LOCATIONS,
            Kind::Customer => CUSTOMERS,
            Kind::Product => PRODUCTS,
            Kind::Device => self.devices,
            Kind::Threshold => THRESHOLDS.len() as u64,
            Kind::Order => self.orders,
            Kind::Alert => self.alerts,
        }
    }

    fn change(&mut self, at_ms: i64, random: &mut Random) -> Change {
        let kind = match self.kinds[..] {
            [only] => only,
            _ => match random.below(100) {
                0..=44 => Kind::Order,
                45..=79 => Kind::Alert,
                80..=89 => Kind::Device,
                90..=95 => Kind::Customer,
                96..=97 => Kind::Product,
                98 => Kind::Location,
                _ => Kind::Threshold,
            },
        };
        let is_new = matches!(kind, Kind::Order | Kind::Alert) && random.chance(0.4);
        if is_new {
            match kind {
                Kind::Order => self.orders += 1,
                _ => self.alerts += 1,
            }
            let key = self.rows(kind);
            self.created.insert((kind, key), at_ms);
            self.created.remove(&(kind, key.saturating_sub(RECENT_MAX)));
            return Change {
                kind,
                key,
                operation: "c",
            };
        }
        let rows = self.rows(kind);
        let key = rows - random.below(rows.clamp(1, RECENT_MAX));
        let operation = if self.deleted.remove(&(kind, key)) {
            "c"
        } else if random.chance(0.02) && self.deleted.len() < 10_000 {
            self.deleted.insert((kind, key));
            "d"
        } else {
            "u"
        };
        Change {
            kind,
            key,
            operation,
        }
    }

    /// When the row was created: always the same answer.
    fn created_ms(&self, own: u64, days: u64) -> i64 {
        let Change { kind, key, .. } = self.next;
        self.created.get(&(kind, key)).copied().unwrap_or_else(|| {
            let back = i64::try_from((own >> 2) % (days * DAY_MS)).unwrap_or(0);
            self.began_ms.unwrap_or_default() - back
        })
    }

    pub(super) fn write(&self, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
        let Change {
            kind,
            key,
            operation,
        } = self.next;
        let own = hash(reading.seed, kind as u64, key);
        match kind {
            Kind::Location => location(key, row),
            Kind::Customer => {
                customer(key, own, random, row);
                row.whole("created_at", self.created_ms(own, 900));
                row.whole("updated_at", reading.at_ms());
            }
            Kind::Product => product(key, own, reading, random, row),
            Kind::Device => device(key, own, operation, random, row),
            Kind::Threshold => threshold(key, row),
            Kind::Order => {
                order(key, own, self.devices, reading.is_anomaly, row);
                row.text("order_status", order_status(operation, random));
                row.whole("order_date", self.created_ms(own, 280));
            }
            Kind::Alert => {
                alert(key, own, self.devices, (operation, random), row);
                if reading.is_anomaly {
                    row.null("triggered_value");
                } else {
                    row.text("triggered_value", Tenths(own % 1_000));
                }
                row.whole("created_at", self.created_ms(own, 40));
            }
        }
        row.text("__op", operation);
        row.whole("__ts_ms", reading.at_ms());
        row.text("__deleted", operation == "d");
    }
}

fn location(key: u64, row: &mut Row<'_>) {
    let quarter = usize::try_from(key % 4).unwrap_or(0);
    row.text("location_id", format_args!("LOC-{key:02}"));
    row.text("location_name", format_args!("Hall {key}"));
    row.text("building", ["Harbour", "Mill", "Foundry", "Depot"][quarter]);
    row.text("floor", quarter);
    if key.is_multiple_of(5) {
        row.null("zone");
    } else {
        row.text("zone", ["North", "East", "South", "West"][quarter]);
    }
    row.text("latitude", format_args!("53.{:06}", 500_000 + key * 5_780));
    row.text("longitude", format_args!("9.{:06}", 900_000 + key * 4_566));
}

fn customer(key: u64, own: u64, random: &mut Random, row: &mut Row<'_>) {
    let contacts = ["A. Keeper", "B. Porter", "C. Smith", "D. Weaver"];
    row.text("customer_id", format_args!("CUST-{key:03}"));
    row.text("company_name", format_args!("Company {key}"));
    row.text("contact_name", random.pick(&contacts));
    row.text("email", format_args!("desk@company{key}.example"));
    row.text("phone", format_args!("+49 40 555{key:04}"));
    let industries = ["food", "logistics", "energy", "housing"];
    row.text(
        "industry",
        industries[usize::try_from(own % 4).unwrap_or(0)],
    );
    row.text(
        "subscription_tier",
        random.pick(&["basic", "standard", "premium"]),
    );
}

fn product(key: u64, own: u64, reading: &Reading, random: &mut Random, row: &mut Row<'_>) {
    row.text("product_id", format_args!("PROD-{key:02}"));
    row.text("product_name", format_args!("Product {key}"));
    let categories = ["sensor", "gateway", "service"];
    row.text(
        "category",
        categories[usize::try_from(own % 3).unwrap_or(0)],
    );
    if reading.is_anomaly {
        row.text("unit_price", "on request");
    } else {
        row.text(
            "unit_price",
            format_args!("{}.{:02}", 40 + key * 13, random.below(100)),
        );
    }
    row.text("description", format_args!("The {key}. of its kind"));
}

fn device(key: u64, own: u64, operation: &str, random: &mut Random, row: &mut Row<'_>) {
    let kind = match (key - 1) % 10 {
        0..=3 => "climate",
        4..=6 => "barometer",
        _ => "motion",
    };
    row.text("device_id", format_args!("DEV-{key:03}"));
    row.text("device_name", format_args!("{kind} {key}"));
    row.text("device_type", kind);
    let makers = ["Nordlicht", "Elbwerk", "Tidal"];
    row.text(
        "manufacturer",
        makers[usize::try_from(own % 3).unwrap_or(0)],
    );
    row.text("model", format_args!("M{}", 100 + own % 5));
    row.text(
        "location_id",
        format_args!("LOC-{:02}", 1 + (key - 1) % LOCATIONS),
    );
    row.text(
        "customer_id",
        format_args!("CUST-{:03}", 1 + own % CUSTOMERS),
    );
    let status = match (operation, random.below(10)) {
        ("d", _) | (_, 0) => "inactive",
        (_, 1) => "maintenance",
        _ => "active",
    };
    row.text("status", status);
}

fn threshold(key: u64, row: &mut Row<'_>) {
    let index = usize::try_from(key - 1).unwrap_or(0);
    let (sensor, low, high, severity) = THRESHOLDS[index % THRESHOLDS.len()];
    row.text("threshold_id", format_args!("THR-{key:02}"));
    row.text("sensor_type", sensor);
    row.text("min_value", low);
    row.text("max_value", high);
    row.text("severity", severity);
    row.text("alert_message", format_args!("{sensor} out of bounds"));
}

fn order(key: u64, own: u64, devices: u64, is_anomaly: bool, row: &mut Row<'_>) {
    let quantity = 1 + own % 40;
    let cents = quantity * (4_500 + own / 64 % 30_000);
    row.text("order_id", format_args!("ORD-{key:04}"));
    row.text(
        "customer_id",
        format_args!("CUST-{:03}", 1 + own / 7 % CUSTOMERS),
    );
    row.text(
        "product_id",
        format_args!("PROD-{:02}", 1 + own / 11 % PRODUCTS),
    );
    row.text(
        "device_id",
        format_args!("DEV-{:03}", 1 + own / 13 % devices),
    );
    if is_anomaly {
        row.text("quantity", "many");
    } else {
        row.text("quantity", quantity);
    }
    row.text(
        "total_amount",
        format_args!("{}.{:02}", cents / 100, cents % 100),
    );
}

fn order_status(operation: &str, random: &mut Random) -> &'static str {
    match operation {
        "r" | "c" => "pending",
        "d" => "cancelled",
        _ => random.pick::<&str>(&["shipped", "completed", "completed", "cancelled"]),
    }
}

fn alert(
    key: u64,
    own: u64,
    devices: u64,
    (operation, random): (&str, &mut Random),
    row: &mut Row<'_>,
) {
    let device = own / 5 % devices;
    // The threshold of what the device measures.
    let threshold = match device % 10 {
        0..=3 => own % 2,
        4..=6 => 2,
        _ => 3,
    };
    let severities = ["critical", "high", "high", "medium", "medium", "low"];
    row.text("alert_id", format_args!("ALT-{key:04}"));
    row.text("device_id", format_args!("DEV-{:03}", device + 1));
    row.text("threshold_id", format_args!("THR-{:02}", threshold + 1));
    row.text("alert_type", "threshold");
    row.text(
        "severity",
        severities[usize::try_from(own % 6).unwrap_or(0)],
    );
    row.text(
        "message",
        format_args!("value {} out of bounds", Tenths(own % 1_000)),
    );
    let status = match operation {
        "r" | "c" => "open",
        _ => *random.pick(&["acknowledged", "resolved"]),
    };
    row.text("status", status);
}

/// `71.4`.
struct Tenths(u64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}
