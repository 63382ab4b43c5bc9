//! Rule: datasets do not read each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetName, Diagnostic, Origin};

/// Who reads whom, with the place of the (first) relation.
pub(crate) type Reads = BTreeMap<DatasetName, BTreeMap<DatasetName, Origin>>;

/// The datasets in an order in which each comes after all it reads; those that cannot be ordered are missing.
pub(crate) fn order(reads: &Reads) -> Vec<DatasetName> {
    let mut waiting: BTreeMap<&DatasetName, usize> = reads
        .iter()
        .map(|(dataset, inputs)| (dataset, inputs.len()))
        .collect();
    let mut readers: BTreeMap<&DatasetName, Vec<&DatasetName>> = BTreeMap::new();
    for (dataset, inputs) in reads {
        for input in inputs.keys() {
            readers.entry(input).or_default().push(dataset);
        }
    }
    let mut free: BTreeSet<&DatasetName> = waiting
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(dataset, _)| *dataset)
        .collect();
    let mut ordered = Vec::with_capacity(reads.len());
    while let Some(dataset) = free.pop_first() {
        ordered.push(dataset.clone());
        for reader in readers.get(dataset).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(reader) {
                *count -= 1;
                if *count == 0 {
                    free.insert(reader);
                }
            }
        }
    }
    ordered
}

/// One error per circle among the datasets that could not be ordered, and the members of the circles.
pub(crate) fn check(
    reads: &Reads,
    ordered: &[DatasetName],
) -> (Vec<Diagnostic>, BTreeSet<DatasetName>) {
    let ordered: BTreeSet<&DatasetName> = ordered.iter().collect();
    let mut covered: BTreeSet<&DatasetName> = BTreeSet::new();
    let mut found = vec![];
    for start in reads.keys().filter(|dataset| !ordered.contains(dataset)) {
        if covered.contains(start) {
            continue;
        }
        if let Some(circle) = shortest_circle(reads, start) {
            found.push(describe(reads, &circle));
            covered.extend(circle);
        }
    }
    (found, covered.into_iter().cloned().collect())
}

/// The shortest way from a dataset along its inputs back to itself, the start once at the front.
fn shortest_circle<'a>(reads: &'a Reads, start: &'a DatasetName) -> Option<Vec<&'a DatasetName>> {
    let mut came_from: BTreeMap<&DatasetName, &DatasetName> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for input in reads.get(at).into_iter().flat_map(BTreeMap::keys) {
            if input == start {
                let mut circle = vec![at];
                let mut step = at;
                while step != start {
                    step = came_from.get(step)?;
                    circle.push(step);
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(input) {
                came_from.insert(input, at);
                queue.push_back(input);
            }
        }
    }
    None
}

fn describe(reads: &Reads, circle: &[&DatasetName]) -> Diagnostic {
    let mut names: Vec<String> = circle
        .iter()
        .map(|name| format!("`{}`", name.name))
        .collect();
    if let Some(first) = names.first().cloned() {
        names.push(first);
    }
    let message = if circle.len() == 1 {
        format!("{} reads itself", names.first().map_or("", String::as_str))
    } else {
        format!(
            "datasets read each other in a circle: {}",
            names.join(" reads ")
        )
    };
    let mut error = Diagnostic::error(&condition::GRAPH_CYCLE, message);
    for (index, dataset) in circle.iter().enumerate() {
        let input = circle[(index + 1) % circle.len()];
        if let Some(origin) = reads.get(*dataset).and_then(|inputs| inputs.get(input)) {
            error = error.at(origin, format!("`{}` reads `{}`", dataset.name, input.name));
        }
    }
    error.help(
        "take one of these reads out, or read the table from outside: a table of another pipeline",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(edges: &[(&str, &str)]) -> Reads {
        let mut reads = Reads::new();
        for (line, (from, to)) in (1..).zip(edges) {
            reads.entry(DatasetName::temporary(to)).or_default();
            reads
                .entry(DatasetName::temporary(from))
                .or_default()
                .insert(DatasetName::temporary(to), Origin::new("p.sql", line, 1, 1));
        }
        reads
    }

    #[test]
    fn orders_inputs_first_and_alphabetically_else() {
        let reads = reads(&[
            ("gold", "silver"),
            ("silver", "bronze"),
            ("b2", "bronze"),
            ("gold", "b2"),
        ]);
        let ordered: Vec<String> = order(&reads).iter().map(ToString::to_string).collect();
        assert_eq!(ordered, ["bronze", "b2", "silver", "gold"]);
        assert!(check(&reads, &order(&reads)).0.is_empty());
    }

    #[test]
    fn names_each_circle_once_with_all_its_places() {
        let reads = reads(&[
            ("a", "b"),
            ("b", "c"),
            ("c", "a"),
            ("x", "x"),
            ("down", "a"),
        ]);
        let (found, members) = check(&reads, &order(&reads));
        assert_eq!(members.len(), 4);
        let messages: Vec<&str> = found.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "datasets read each other in a circle: `a` reads `b` reads `c` reads `a`",
                "`x` reads itself"
            ]
        );
        let lines: Vec<u32> = found[0]
            .labels
            .iter()
            .map(|label| label.origin.line)
            .collect();
        assert_eq!(lines, [1, 2, 3]);
    }
}
