//! One commit: check, put, and find out what happened. Must not decide why it is made.
//!
//! The library offers one attempt at exactly the next version; which attempts are made, and what an error means, is
//! decided here and by [`sluice_checkpoint::decide_after_commit_error`]. Every commit carries a transaction, which is
//! read before each attempt, because the library does not refuse to commit the same one twice.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, PROTOCOL, TransactionError};
use deltalake::kernel::{Action, Add, CommitInfo, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use serde_json::{Map, Value};
use sluice_checkpoint::{AfterError, CommitSeen, Effect, decide_after_commit_error};

use crate::TableError;
use crate::error::unsupported;
use crate::log;
use crate::request::{CommitOutcome, CommitRequest, Conflict, Removes};
use crate::schema;
use crate::store::{PutOutcome, Store};
use crate::table::{DeltaTable, Loaded};

/// Attempts and looks before an unknown outcome is given back. Losing a race to another writer costs one each.
const TRIES_MAX: u32 = 20;
/// Key in `commitInfo` under which our commits carry their own id, to know them again after a lost answer.
pub(crate) const COMMIT_ID: &str = "sluiceCommitId";

/// The text of a commit.
pub(crate) fn text(actions: &[Action]) -> Result<Bytes, TableError> {
    let lines: Result<Vec<String>, _> = actions.iter().map(serde_json::to_string).collect();
    let lines =
        lines.map_err(|error| TableError::Invalid(format!("a Delta action of ours: {error}")))?;
    Ok(Bytes::from(lines.join("\n")))
}

/// The `commitInfo` of a commit of ours.
pub(crate) fn commit_info(
    store: &Store,
    operation: &str,
    parameters: Value,
    read_version: Option<u64>,
    info: BTreeMap<String, Value>,
) -> Action {
    let parameters: Map<String, Value> = match parameters {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    };
    Action::CommitInfo(CommitInfo {
        timestamp: Some(store.now_ms()),
        operation: Some(operation.to_owned()),
        operation_parameters: Some(parameters.into_iter().collect()),
        read_version,
        engine_info: Some(concat!("Sluice/", env!("CARGO_PKG_VERSION")).to_owned()),
        info: info.into_iter().collect(),
        ..CommitInfo::default()
    })
}

/// What one look at the table says before an attempt.
enum Ready {
    Go(Vec<Action>),
    Done(CommitOutcome),
}

impl DeltaTable {
    /// Commits, and finds out what happened if the store does not say. Waits for other commits of this process on the table.
    ///
    /// # Errors
    /// The request is invalid, cannot be written to this table, or the table does not read: nothing was committed. What
    /// goes wrong with an attempt is no error but an outcome: see [`CommitOutcome`].
    pub async fn commit(&self, request: &CommitRequest) -> Result<CommitOutcome, TableError> {
        check_request(request)?;
        let base = match request.base_version {
            Some(version) => version,
            None => self.version(),
        };
        let base = self.at(Some(base)).await?;
        self.check_files(&request.adds).await?;
        let lock = self.store.lock_of(&self.location);
        let _guard = lock.lock().await;
        self.refresh().await?;
        let id = self.store.ids().uuid();
        let mut loaded = self.loaded();
        for tries in 0.. {
            let actions = match self.ready(request, &base, &loaded, &id).await? {
                Ready::Go(actions) => actions,
                Ready::Done(outcome) => return Ok(outcome),
            };
            let error = match self.attempt(request, &loaded, actions).await {
                Ok(version) => return Ok(CommitOutcome::Committed { version }),
                Err(error) => error,
            };
            match self.reconcile(request, &loaded, &id, tries, error).await {
                Err(outcome) => return Ok(outcome),
                Ok(seen) => loaded = seen,
            }
        }
        Err(TableError::Invalid(
            "a commit ended without an outcome".into(),
        ))
    }

    /// Checks that every file is there with its size: a commit must not name what is not durable.
    async fn check_files(&self, adds: &[Add]) -> Result<(), TableError> {
        for add in adds {
            let place = self.location.file(&add.path)?;
            let reason = match self.store.head(&place).await? {
                None => "it is gone".to_owned(),
                Some(meta) if i64::try_from(meta.size).ok() != Some(add.size) => {
                    format!("its size is {}, {} was written", meta.size, add.size)
                }
                Some(_) => continue,
            };
            return Err(TableError::DataFile {
                path: place.to_string(),
                reason,
            });
        }
        Ok(())
    }

    /// Looks whether the commit may be made on top of a version, and makes its actions.
    async fn ready(
        &self,
        request: &CommitRequest,
        base: &Loaded,
        loaded: &Loaded,
        id: &str,
    ) -> Result<Ready, TableError> {
        let version = loaded.version();
        let txns = self.txns_of(loaded).await?;
        let done = request
            .txns
            .iter()
            .filter(|(app, txn)| txns.get(app).is_some_and(|found| found >= txn))
            .count();
        if done == request.txns.len() {
            return Ok(Ready::Done(CommitOutcome::AlreadyCommitted { version }));
        }
        if done > 0 {
            return Ok(Ready::Done(CommitOutcome::Conflict(
                Conflict::PartlyCommitted { version },
            )));
        }
        if base.state.metadata() != loaded.state.metadata()
            || base.state.protocol() != loaded.state.protocol()
        {
            return Ok(Ready::Done(CommitOutcome::Conflict(
                Conflict::MetadataChanged { version },
            )));
        }
        self.check_writable(loaded)?;
        let exchange = match self.exchange(request, loaded).await? {
            Ok(exchange) => exchange,
            Err(path) => {
                return Ok(Ready::Done(CommitOutcome::Conflict(
                    Conflict::FilesChanged { version, path },
                )));
            }
        };
        let mut info = request.info.clone();
        info.insert(COMMIT_ID.to_owned(), Value::String(id.to_owned()));
        if let Some(metrics) = &request.metrics {
            info.insert("operationMetrics".to_owned(), metrics.clone());
        }
        let mut actions = vec![commit_info(
            &self.store,
            &request.operation,
            request.parameters.clone(),
            Some(version),
            info,
        )];
        if let Some(change) = &request.metadata {
            let (metadata, protocol) = (loaded.state.metadata(), loaded.state.protocol());
            let replaces = request.removes == Removes::All;
            actions.extend(schema::change_actions(
                metadata,
                protocol,
                &loaded.schema,
                change,
                replaces,
            )?);
        }
        actions.extend(exchange.metadata.map(Action::Metadata));
        actions.extend(exchange.removes.into_iter().map(Action::Remove));
        actions.extend(exchange.adds.into_iter().map(Action::Add));
        actions.extend(request.adds.iter().cloned().map(Action::Add));
        let allowed = PROTOCOL.can_commit(&loaded.state, &actions, &library_operation(request));
        allowed.map_err(|error| match error {
            TransactionError::DeltaTableAppendOnly => TableError::AppendOnly {
                path: self.location.to_string(),
            },
            other => DeltaTableError::from(other).into(),
        })?;
        Ok(Ready::Go(actions))
    }

    pub(crate) fn check_writable(&self, loaded: &Loaded) -> Result<(), TableError> {
        match PROTOCOL.can_write_to(&loaded.state) {
            Ok(()) => {}
            Err(TransactionError::UnsupportedTableFeatures(features)) => {
                return Err(unsupported(&self.location, "write", &features));
            }
            Err(error) => return Err(DeltaTableError::from(error).into()),
        }
        let properties = loaded.state.metadata().configuration();
        let mapped = properties
            .get("delta.columnMapping.mode")
            .is_some_and(|mode| mode != "none");
        if mapped {
            return Err(unsupported(&self.location, "write", &["columnMapping"]));
        }
        let expires = properties
            .keys()
            .any(|key| key.eq_ignore_ascii_case("delta.setTransactionRetentionDuration"));
        if expires {
            return Err(unsupported(
                &self.location,
                "write",
                &["delta.setTransactionRetentionDuration"],
            ));
        }
        Ok(())
    }

    /// One attempt at the version after `loaded`. Gives the version made.
    async fn attempt(
        &self,
        request: &CommitRequest,
        loaded: &Loaded,
        actions: Vec<Action>,
    ) -> Result<u64, TableError> {
        let txns = request
            .txns
            .iter()
            .map(|(app, version)| Transaction::new(app, *version));
        if request.removes == Removes::None && request.metadata.is_none() {
            let all: Vec<Action> = actions.into_iter().chain(txns.map(Action::Txn)).collect();
            return self.attempt_append(request, loaded, &all).await;
        }
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transactions(txns.collect());
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(self.files_of(loaded).await?),
            self.log_store.clone(),
            library_operation(request),
        );
        let finalized = commit.await?;
        let made = Loaded::new(&self.location, finalized.snapshot())?;
        if let Some(txns) = loaded.txns.get() {
            let mut txns = txns.clone();
            txns.extend(request.txns.iter().cloned());
            let _ = made.txns.set(txns);
        }
        let version = finalized.version();
        self.install(made);
        Ok(version)
    }

    /// An append needs no state of the library: one look that the log still ends where we think, and one put. So its
    /// cost does not grow with the table.
    async fn attempt_append(
        &self,
        request: &CommitRequest,
        loaded: &Loaded,
        actions: &[Action],
    ) -> Result<u64, TableError> {
        let (version, path) = (loaded.version(), self.location.to_string());
        if self
            .store
            .head(&log::commit_file(&self.location, version))
            .await?
            .is_none()
        {
            return Err(TableError::VersionNotFound { path, version });
        }
        let place = log::commit_file(&self.location, version + 1);
        match self.store.put_if_absent(&place, text(actions)?).await? {
            PutOutcome::Created => {
                self.install(loaded.appended(&request.adds, &request.txns));
                Ok(version + 1)
            }
            PutOutcome::AlreadyExists => {
                Err(DeltaTableError::VersionAlreadyExists(version + 1).into())
            }
        }
    }

    /// After an error of an attempt: reads the table until it tells. Gives the state for the next attempt, or the outcome.
    async fn reconcile(
        &self,
        request: &CommitRequest,
        before: &Loaded,
        id: &str,
        tries: u32,
        error: TableError,
    ) -> Result<std::sync::Arc<Loaded>, CommitOutcome> {
        let effect = if request.removes == Removes::None {
            Effect::Append
        } else {
            Effect::Rewrite
        };
        for looks in tries.. {
            if looks > 0 {
                let first = self.store.commit_wait();
                tokio::time::sleep(first * (1 << looks.min(8))).await;
            }
            let Ok(seen) = self.seen(request, before, &error).await else {
                let decision =
                    decide_after_commit_error(0, effect, CommitSeen::Unreadable, looks, TRIES_MAX);
                match decision {
                    AfterError::LookAgain => continue,
                    _ => return Err(CommitOutcome::Unknown(error)),
                }
            };
            let (loaded, found, batch) = seen;
            return match decide_after_commit_error(batch, effect, found, looks, TRIES_MAX) {
                AfterError::Committed => {
                    Err(self.whose(before.version(), loaded.version(), id).await)
                }
                // A rewrite is made again as well: `ready` refuses it if a file it takes out has changed.
                AfterError::CommitAgain | AfterError::Recompute => Ok(loaded),
                AfterError::RolledBack => Err(CommitOutcome::Conflict(Conflict::RolledBack {
                    version: loaded.version(),
                })),
                AfterError::LookAgain | AfterError::GiveUp => Err(CommitOutcome::Unknown(error)),
            };
        }
        Err(CommitOutcome::Unknown(error))
    }

    /// The table as it is now, and the txn of the request's first application as a batch-by-batch count would have it:
    /// unchanged since the attempt means that the batch before is the last.
    async fn seen(
        &self,
        request: &CommitRequest,
        before: &Loaded,
        error: &TableError,
    ) -> Result<(std::sync::Arc<Loaded>, CommitSeen, i64), TableError> {
        let loaded = if lost_a_race(error) {
            self.refresh().await?;
            self.loaded()
        } else {
            self.reload().await?
        };
        let (app, batch) = request.txns.first().cloned().unwrap_or_default();
        let found = self.txns_of(&loaded).await?.get(&app).copied();
        let unchanged = found == self.txns_of(before).await?.get(&app).copied();
        let count = if unchanged { Some(batch - 1) } else { found };
        Ok((loaded, CommitSeen::Txn(count), batch))
    }

    /// The batch is in the table: was it this commit that brought it?
    async fn whose(&self, before: u64, now: u64, id: &str) -> CommitOutcome {
        for version in before + 1..=now {
            let Ok(Some(actions)) = log::read_commit(&self.store, &self.location, version).await
            else {
                continue;
            };
            let ours = actions.iter().any(|action| match action {
                Action::CommitInfo(info) => {
                    info.info.get(COMMIT_ID).and_then(Value::as_str) == Some(id)
                }
                _ => false,
            });
            if ours {
                return CommitOutcome::Committed { version };
            }
        }
        CommitOutcome::AlreadyCommitted { version: now }
    }
}

/// What the library is told: it looks only whether rows may go.
fn library_operation(request: &CommitRequest) -> DeltaOperation {
    if let Removes::Since(version) = request.removes {
        return DeltaOperation::Restore {
            version: Some(version),
            datetime: None,
        };
    }
    let mode = if request.removes == Removes::None {
        SaveMode::Append
    } else {
        SaveMode::Overwrite
    };
    DeltaOperation::Write {
        mode,
        partition_by: None,
        predicate: None,
    }
}

/// Whether an attempt failed because another writer made the version first: then what was read before still holds.
fn lost_a_race(error: &TableError) -> bool {
    let TableError::Delta(error) = error else {
        return false;
    };
    match error.as_ref() {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => matches!(
            source,
            TransactionError::MaxCommitAttempts(_) | TransactionError::VersionAlreadyExists(_)
        ),
        _ => false,
    }
}

fn check_request(request: &CommitRequest) -> Result<(), TableError> {
    if request.txns.is_empty() {
        return Err(TableError::Invalid(
            "a commit without a transaction cannot be told from its repetition".into(),
        ));
    }
    let ids: HashSet<&str> = request.txns.iter().map(|(app, _)| app.as_str()).collect();
    if ids.len() != request.txns.len() {
        return Err(TableError::Invalid(
            "a commit has two transactions of one application".into(),
        ));
    }
    Ok(())
}
