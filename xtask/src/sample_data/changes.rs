//! Change events of seven tables as Debezium writes them, flattened: a snapshot, then two days of changes.

use super::{DAY_MS, FIRST_DAY_MS, HOUR_MS, LandingFile, Random, SECOND_MS, text};

/// A change event: its time and its line.
type Change = (i64, String);

/// The snapshot was taken an hour before the first reading.
const SNAPSHOT_MS: i64 = FIRST_DAY_MS - HOUR_MS;

pub(super) fn files(random: &mut Random) -> Vec<LandingFile> {
    let tables = [
        ("cdc_dim_location", locations()),
        ("cdc_customers", customers(random)),
        ("cdc_products", products(random)),
        ("cdc_dim_device", devices(random)),
        ("cdc_dim_alert_threshold", thresholds()),
        ("cdc_orders", orders(random)),
        ("cdc_alerts", alerts(random)),
    ];
    tables
        .into_iter()
        .flat_map(|(folder, changes)| split(folder, changes))
        .collect()
}

/// Three files per table: the snapshot, the first three days, the rest. Within a file in order of arrival.
fn split(folder: &str, mut changes: Vec<Change>) -> Vec<LandingFile> {
    changes.sort_by_key(|(at_ms, _)| *at_ms);
    let mut files: Vec<Vec<String>> = vec![vec![], vec![], vec![]];
    for (at_ms, line) in changes {
        let part = if at_ms < FIRST_DAY_MS {
            0
        } else {
            usize::from(at_ms >= FIRST_DAY_MS + 3 * DAY_MS) + 1
        };
        files[part].push(line);
    }
    // The last line of a file is sent again at the head of the next: delivery is at least once.
    for part in 1..files.len() {
        if let (Some(last), false) = (files[part - 1].last().cloned(), files[part].is_empty()) {
            files[part].insert(0, last);
        }
    }
    let named = files
        .into_iter()
        .enumerate()
        .filter(|(_, lines)| !lines.is_empty());
    named
        .map(|(part, lines)| LandingFile {
            path: format!("cdc/{folder}/part-{part:02}.json"),
            lines,
        })
        .collect()
}

/// The tail of a change event.
fn tail(operation: &str, at_ms: i64) -> String {
    let deleted = if operation == "d" { "true" } else { "false" };
    format!("\"__op\":\"{operation}\",\"__ts_ms\":{at_ms},\"__deleted\":\"{deleted}\"}}")
}

fn locations() -> Vec<Change> {
    let buildings = ["Harbour", "Mill", "Foundry", "Depot"];
    let line = |number: i64, name: &str, operation: &str, at_ms: i64| {
        let zone = if number % 5 == 0 {
            None
        } else {
            Some(["North", "East", "South", "West"][(number % 4) as usize])
        };
        let floor = if number == 7 {
            "ground".to_owned()
        } else {
            (number % 4).to_string()
        };
        format!(
            "{{\"location_id\":\"LOC-{number:02}\",\"location_name\":\"{name}\",\"building\":\"{}\",\"floor\":\"{floor}\",\
             \"zone\":{},\"latitude\":\"{:.6}\",\"longitude\":\"{:.6}\",{}",
            buildings[(number % 4) as usize],
            text(zone),
            53.5 + number as f64 / 173.0,
            9.9 + number as f64 / 219.0,
            tail(operation, at_ms)
        )
    };
    let mut changes: Vec<Change> = (1..=12)
        .map(|number| {
            (
                SNAPSHOT_MS,
                line(number, &format!("Hall {number}"), "r", SNAPSHOT_MS),
            )
        })
        .collect();
    for (number, name, operation, hours) in [
        (3, "Hall 3 (rebuilt)", "u", 30),
        (3, "Hall 3", "u", 51),
        (12, "Hall 12", "d", 90),
        (13, "Hall 13", "c", 100),
    ] {
        let at_ms = FIRST_DAY_MS + hours * HOUR_MS;
        changes.push((at_ms, line(number, name, operation, at_ms)));
    }
    changes
}

fn customers(random: &mut Random) -> Vec<Change> {
    let industries = ["food", "logistics", "energy", "housing"];
    let tiers = ["basic", "standard", "premium"];
    let mut changes = vec![];
    for number in 1..=40_i64 {
        let since = FIRST_DAY_MS - (900 - number * 17) * DAY_MS + 421;
        let mut emit = |at_ms: i64, operation: &str, tier: &str, contact: &str| {
            let created = if number % 13 == 0 {
                "null".to_owned()
            } else {
                since.to_string()
            };
            changes.push((
                at_ms,
                format!(
                    "{{\"customer_id\":\"CUST-{number:03}\",\"company_name\":\"Company {number}\",\"contact_name\":\"{contact}\",\
                     \"email\":\"Desk{number}@Company{number}.example\",\"phone\":\"+49 40 55500{number:02}\",\"industry\":\"{}\",\
                     \"subscription_tier\":\"{tier}\",\"created_at\":{created},\"updated_at\":{at_ms},{}",
                    industries[(number % 4) as usize],
                    tail(operation, at_ms)
                ),
            ));
        };
        let tier = tiers[(number % 3) as usize];
        emit(SNAPSHOT_MS, "r", tier, "A. Keeper");
        for change in 0..random.below(4) {
            let at_ms = FIRST_DAY_MS + random.below(150) * HOUR_MS + 250 * change;
            emit(
                at_ms,
                "u",
                random.pick(&tiers),
                random.pick(&["B. Porter", "C. Smith", "D. Weaver"]),
            );
        }
        match number {
            // Two changes within one second: only milliseconds tell them apart.
            5 => {
                emit(FIRST_DAY_MS + 140 * HOUR_MS + 100, "u", "basic", "First");
                emit(FIRST_DAY_MS + 140 * HOUR_MS + 900, "u", "premium", "Second");
            }
            17 | 31 => emit(FIRST_DAY_MS + 151 * HOUR_MS, "d", tier, "A. Keeper"),
            22 => emit(FIRST_DAY_MS + 152 * HOUR_MS, "x", tier, "Nobody"),
            _ => {}
        }
    }
    let at_ms = FIRST_DAY_MS + 10 * HOUR_MS;
    changes.push((
        at_ms,
        format!(
            "{{\"customer_id\":null,\"company_name\":\"No key\",{}",
            tail("c", at_ms)
        ),
    ));
    changes
}

fn products(random: &mut Random) -> Vec<Change> {
    let categories = ["sensor", "gateway", "service"];
    let mut changes = vec![];
    for number in 1..=15_i64 {
        let mut emit = |at_ms: i64, operation: &str, price: &str| {
            changes.push((
                at_ms,
                format!(
                    "{{\"product_id\":\"PROD-{number:02}\",\"product_name\":\"Product {number}\",\"category\":\"{}\",\
                     \"unit_price\":\"{price}\",\"description\":{},{}",
                    categories[(number % 3) as usize],
                    if number % 6 == 0 { "null".to_owned() } else { format!("\"The {number}. of its kind\"") },
                    tail(operation, at_ms)
                ),
            ));
        };
        emit(
            SNAPSHOT_MS,
            "r",
            &format!("{}.{:02}", 40 + number * 13, number * 6 % 100),
        );
        for change in 0..random.below(3) {
            let price = format!("{}.{:02}", 42 + number * 13 + change * 5, random.below(100));
            emit(FIRST_DAY_MS + random.below(140) * HOUR_MS, "u", &price);
        }
        if number == 9 {
            emit(FIRST_DAY_MS + 141 * HOUR_MS, "u", "on request");
        }
    }
    changes
}

fn devices(random: &mut Random) -> Vec<Change> {
    let mut changes = vec![];
    for number in 1..=60_i64 {
        if number == 58 || number == 59 {
            continue;
        }
        let kind = match number {
            1..=24 | 55..=57 => "climate",
            25..=42 => "barometer",
            _ => "motion",
        };
        let mut emit = |at_ms: i64, operation: &str, status: &str| {
            changes.push((
                at_ms,
                format!(
                    "{{\"device_id\":\"DEV-{number:03}\",\"device_name\":\"{kind} {number}\",\"device_type\":\"{kind}\",\
                     \"manufacturer\":\"{}\",\"model\":\"M{}\",\"location_id\":\"LOC-{:02}\",\"customer_id\":\"CUST-{:03}\",\
                     \"status\":\"{status}\",{}",
                    ["Nordlicht", "Elbwerk", "Tidal"][(number % 3) as usize],
                    100 + number % 5,
                    1 + number % 12,
                    1 + number * 7 % 40,
                    tail(operation, at_ms)
                ),
            ));
        };
        emit(
            SNAPSHOT_MS,
            "r",
            if number % 11 == 0 {
                "maintenance"
            } else {
                "active"
            },
        );
        for _ in 0..random.below(3) {
            emit(
                FIRST_DAY_MS + random.below(120) * HOUR_MS,
                "u",
                random.pick(&["active", "active", "inactive", "maintenance"]),
            );
        }
        match number {
            54 => emit(FIRST_DAY_MS + 130 * HOUR_MS, "d", "inactive"),
            53 => {
                let at_ms = FIRST_DAY_MS + 131 * HOUR_MS;
                emit(at_ms, "u", "inactive");
                emit(at_ms + 700, "u", "active");
            }
            _ => {}
        }
    }
    changes
}

fn thresholds() -> Vec<Change> {
    let line = |id: &str,
                sensor: &str,
                bounds: (&str, &str),
                severity: &str,
                operation: &str,
                at_ms: i64| {
        format!(
            "{{\"threshold_id\":\"{id}\",\"sensor_type\":\"{sensor}\",\"min_value\":\"{}\",\"max_value\":\"{}\",\
             \"severity\":\"{severity}\",\"alert_message\":\"{sensor} out of bounds\",{}",
            bounds.0,
            bounds.1,
            tail(operation, at_ms)
        )
    };
    let rows = [
        (
            "THR-01",
            "temperature",
            ("12.00", "30.00"),
            "medium",
            "r",
            -1,
        ),
        (
            "THR-02",
            "temperature",
            ("0.00", "60.00"),
            "critical",
            "r",
            -1,
        ),
        ("THR-03", "humidity", ("25", "75"), "medium", "r", -1),
        ("THR-04", "pressure", ("980.5", "1040.5"), "high", "r", -1),
        ("THR-05", "humidity", ("40", "60"), "low", "r", -1),
        (
            "THR-01",
            "temperature",
            ("12.00", "28.50"),
            "medium",
            "u",
            50,
        ),
        ("THR-05", "humidity", ("40", "60"), "low", "d", 70),
    ];
    let change = |(id, sensor, bounds, severity, operation, hours): (_, _, _, _, _, i64)| {
        let at_ms = FIRST_DAY_MS + hours * HOUR_MS;
        (at_ms, line(id, sensor, bounds, severity, operation, at_ms))
    };
    rows.into_iter().map(change).collect()
}

fn orders(random: &mut Random) -> Vec<Change> {
    let mut changes = vec![];
    for number in 1..=240_i64 {
        let customer = 1 + (random.below(36) * random.below(4) + number) % 36;
        // Customers differ: some order now, some last summer, some last winter.
        let age_days = match customer % 4 {
            0 => 200 + random.below(90),
            1 => 95 + random.below(80),
            _ => random.below(85),
        };
        let ordered_ms = FIRST_DAY_MS - age_days * DAY_MS - random.below(86_400) * SECOND_MS;
        let quantity = 1 + random.below(40);
        let cents = quantity * (4_500 + random.below(30_000));
        let product = 1 + random.below(15);
        let device = if random.chance(10) {
            "null".to_owned()
        } else {
            format!("\"DEV-{:03}\"", 1 + random.below(60))
        };
        let mut emit = |at_ms: i64, operation: &str, status: &str| {
            let date = if number % 29 == 0 {
                "null".to_owned()
            } else {
                ordered_ms.to_string()
            };
            let quantity = if number == 77 {
                "many".to_owned()
            } else {
                quantity.to_string()
            };
            changes.push((
                at_ms,
                format!(
                    "{{\"order_id\":\"ORD-{number:04}\",\"customer_id\":\"CUST-{customer:03}\",\"product_id\":\"PROD-{product:02}\",\
                     \"device_id\":{device},\"quantity\":\"{quantity}\",\"total_amount\":\"{}.{:02}\",\"order_status\":\"{status}\",\
                     \"order_date\":{date},{}",
                    cents / 100,
                    cents % 100,
                    tail(operation, at_ms)
                ),
            ));
        };
        emit(SNAPSHOT_MS, "r", "pending");
        if random.chance(80) {
            let at_ms = FIRST_DAY_MS + random.below(100) * HOUR_MS + random.below(999);
            emit(at_ms, "u", "shipped");
            let last = random.pick(&["completed", "completed", "completed", "cancelled"]);
            emit(at_ms + 600 + random.below(40) * HOUR_MS, "u", last);
        }
        if number % 60 == 0 {
            emit(FIRST_DAY_MS + 150 * HOUR_MS, "d", "cancelled");
        }
    }
    changes
}

fn alerts(random: &mut Random) -> Vec<Change> {
    let mut changes = vec![];
    for number in 1..=150_i64 {
        let device = 1 + random.below(59);
        let created_ms = FIRST_DAY_MS - 40 * DAY_MS
            + random.below(46 * 24) * HOUR_MS
            + random.below(3_600) * SECOND_MS;
        let severity = random.pick(&["critical", "high", "high", "medium", "medium", "low"]);
        let threshold = 1 + random.below(5);
        let value = format!("{:.1}", random.tenths(-5.0, 95.0));
        let mut emit = |at_ms: i64, operation: &str, status: &str| {
            changes.push((
                at_ms,
                format!(
                    "{{\"alert_id\":\"ALT-{number:04}\",\"device_id\":\"DEV-{device:03}\",\"threshold_id\":\"THR-{threshold:02}\",\
                     \"alert_type\":\"threshold\",\"severity\":\"{severity}\",\"message\":\"value {value} out of bounds\",\
                     \"status\":\"{status}\",\"triggered_value\":\"{value}\",\"created_at\":{created_ms},{}",
                    tail(operation, at_ms)
                ),
            ));
        };
        let first_ms = created_ms.max(SNAPSHOT_MS);
        emit(
            first_ms,
            if created_ms < SNAPSHOT_MS { "r" } else { "c" },
            "open",
        );
        if random.chance(60) {
            emit(first_ms + 20 * SECOND_MS, "u", "acknowledged");
            if random.chance(70) {
                emit(first_ms + 2 * HOUR_MS, "u", "resolved");
            }
        }
        if number % 50 == 0 {
            emit(first_ms + 3 * HOUR_MS, "d", "open");
        }
    }
    changes
}
