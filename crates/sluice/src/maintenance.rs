//! `OPTIMIZE`, `VACUUM` and `RESTORE`: from the statement to the engine, and what it did as Delta's rows. Must not print.

use serde_json::{Value, json};
use sluice_model::Diagnostic;
use sluice_run::{OptimizeStatement, VacuumStatement};
use sluice_sql::{Optimize, Restore, Vacuum};
use sluice_table::{FileSizes, Vacuumed};

use crate::rows::Rows;
use crate::statement::{Shell, full_name, open};

/// The key of `configuration` that lets VACUUM keep less than the table asks for.
const RETENTION_CHECK: &str = "spark.databricks.delta.retentionDurationCheck.enabled";

/// Runs `OPTIMIZE`.
pub(crate) async fn optimize(
    shell: &Shell<'_>,
    statement: Optimize,
) -> Result<Rows, Vec<Diagnostic>> {
    let table = open(shell, &statement.table).await?;
    let asked = OptimizeStatement {
        origin: statement.table.origin,
        full: statement.full,
        predicate: statement.predicate,
        z_order_by: statement.z_order_by,
    };
    let done = shell.engine.optimize(&table, &asked).await?;
    let metrics = json!({
        "numFilesAdded": done.added.bytes.len(),
        "numFilesRemoved": done.removed.bytes.len(),
        "filesAdded": sizes(&done.added),
        "filesRemoved": sizes(&done.removed),
        "partitionsOptimized": done.partitions,
        "numBins": done.bins,
        "totalConsideredFiles": done.considered,
        "totalFilesSkipped": done.considered - done.removed.bytes.len() as u64,
    });
    let location = table.store().url_of(table.location()).to_string();
    let path = location.trim_end_matches('/').to_owned();
    let rows = Rows::of_texts(
        &["path", "metrics"],
        vec![vec![Some(path), Some(metrics.to_string())]],
    );
    Ok(rows.with_json(&["metrics"]))
}

fn sizes(files: &FileSizes) -> Value {
    let count = files.bytes.len();
    #[expect(clippy::cast_precision_loss, reason = "an average for people")]
    let average = if count == 0 {
        0.0
    } else {
        files.total() as f64 / count as f64
    };
    json!({
        "min": files.bytes.iter().min(),
        "max": files.bytes.iter().max(),
        "avg": average,
        "totalFiles": count,
        "totalSize": files.total(),
    })
}

/// Runs `VACUUM`: with `DRY RUN` a row per file, else the path of the table.
pub(crate) async fn vacuum(shell: &Shell<'_>, statement: Vacuum) -> Result<Rows, Vec<Diagnostic>> {
    let dry_run = statement.dry_run;
    let (location, done) = vacuumed(shell, statement).await?;
    let paths: Vec<String> = if dry_run {
        let whole = |path: &String| format!("{location}/{path}");
        done.paths.iter().map(whole).collect()
    } else {
        vec![location]
    };
    Ok(Rows::of_texts(
        &["path"],
        paths.into_iter().map(|path| vec![Some(path)]).collect(),
    ))
}

/// Deletes the files, and gives the place of the table and what was deleted.
pub(crate) async fn vacuumed(
    shell: &Shell<'_>,
    statement: Vacuum,
) -> Result<(String, Vacuumed), Vec<Diagnostic>> {
    let table = open(shell, &statement.table).await?;
    let check = shell
        .configuration
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(RETENTION_CHECK));
    let asked = VacuumStatement {
        origin: statement.table.origin,
        retain_ms: statement.retain_ms,
        dry_run: statement.dry_run,
        force: shell.force || check.is_some_and(|(_, value)| value.eq_ignore_ascii_case("false")),
    };
    let done = shell.engine.vacuum(&table, &asked).await?;
    let location = table.store().url_of(table.location()).to_string();
    Ok((location.trim_end_matches('/').to_owned(), done))
}

/// Runs `RESTORE`.
pub(crate) async fn restore(
    shell: &Shell<'_>,
    statement: &Restore,
) -> Result<Rows, Vec<Diagnostic>> {
    let table = open(shell, &statement.table).await?;
    let name = full_name(shell, &statement.table);
    let done = shell
        .engine
        .restore(shell.declared, &name, &table, &statement.to, shell.force)
        .await?;
    let names = [
        "table_size_after_restore",
        "num_of_files_after_restore",
        "num_removed_files",
        "num_restored_files",
        "removed_files_size",
        "restored_files_size",
    ];
    let numbers = [
        done.bytes,
        done.files,
        done.removed_files,
        done.restored_files,
        done.removed_bytes,
        done.restored_bytes,
    ];
    let cells = numbers
        .iter()
        .map(|number| Some(number.to_string()))
        .collect();
    Ok(Rows::of_texts(&names, vec![cells]).with_json(&names))
}
