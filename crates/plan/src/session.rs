//! The one place that makes a DataFusion context: settings, memory, functions. Must not read data by itself.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::context::SessionContext;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use sluice_model::Diagnostic;
use sluice_sql::query::Query;

use crate::bind::BoundQuery;
use crate::error;
use crate::memory::QueryMemory;
use crate::stream::{StreamContext, StreamQueryPlanner};

/// What a session fixes for all its queries.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    /// Session time zone, an IANA name or an offset such as `+02:00`.
    pub time_zone: String,
    /// What `current_timestamp()` is, microseconds since 1970 UTC: constant in a query.
    pub now_us: i64,
    /// What `current_user()` is.
    pub current_user: String,
    /// What `current_catalog()` is.
    pub catalog: String,
    /// What `current_schema()` is.
    pub schema: String,
    /// Partitions of a plan: how many threads one query can use.
    pub partitions: usize,
    /// What its queries may hold in memory, together with those of all sessions that share it.
    pub memory: QueryMemory,
    /// Rows of one batch.
    pub batch_rows: usize,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".into(),
            now_us: 0,
            current_user: "unknown".into(),
            catalog: "main".into(),
            schema: "default".into(),
            partitions: 2,
            memory: QueryMemory::default(),
            batch_rows: 8192,
        }
    }
}

/// A place to bind and run queries. Cheap to clone; clones share functions, memory limit and spill files.
#[derive(Clone)]
pub struct Session {
    settings: Arc<SessionSettings>,
    context: SessionContext,
    stream: Option<Arc<StreamContext>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Makes a session.
    ///
    /// # Errors
    /// The spill folder cannot be made, or a function is registered twice in a way that the registry refuses.
    pub fn new(settings: &SessionSettings) -> error::Result<Self> {
        let runtime = settings.memory.runtime().build_arc();
        let runtime = runtime.map_err(|e| error::diagnose(&e, None))?;
        let mut state = SessionStateBuilder::new()
            .with_config(config(settings))
            .with_runtime_env(runtime)
            .with_query_planner(Arc::new(StreamQueryPlanner))
            .with_physical_optimizer_rules(crate::rewrite::pushdown::rules())
            .with_physical_optimizer_rule(Arc::new(crate::join::JoinBeyondMemory))
            .with_physical_optimizer_rule(Arc::new(crate::rewrite::stack::StackFilters))
            .with_physical_optimizer_rule(Arc::new(crate::recursion::BoundRecursions))
            .build();
        crate::function::register(&mut state).map_err(|e| error::diagnose(&e, None))?;
        let context = SessionContext::new_with_state(state);
        Ok(Self {
            settings: Arc::new(settings.clone()),
            context,
            stream: None,
        })
    }

    /// The same session at another query time: for each micro-batch of a stream.
    #[must_use]
    pub fn at(&self, now_us: i64) -> Self {
        let settings = SessionSettings {
            now_us,
            ..self.settings.as_ref().clone()
        };
        Self {
            settings: Arc::new(settings),
            context: self.context.clone(),
            stream: self.stream.clone(),
        }
    }

    /// The same session in another time zone: a `SET spark.sql.session.timeZone` holds for the flows of its file.
    #[must_use]
    pub fn in_zone(&self, time_zone: &str) -> Self {
        if self.settings.time_zone == time_zone {
            return self.clone();
        }
        let settings = SessionSettings {
            time_zone: time_zone.into(),
            ..self.settings.as_ref().clone()
        };
        let mut state = self.context.state();
        state.config_mut().options_mut().execution.time_zone = Some(time_zone.into());
        Self {
            settings: Arc::new(settings),
            context: SessionContext::new_with_state(state),
            stream: self.stream.clone(),
        }
    }

    /// The same session inside another catalog and schema.
    #[must_use]
    pub fn within(&self, catalog: &str, schema: &str) -> Self {
        let settings = SessionSettings {
            catalog: catalog.into(),
            schema: schema.into(),
            ..self.settings.as_ref().clone()
        };
        Self {
            settings: Arc::new(settings),
            context: self.context.clone(),
            stream: self.stream.clone(),
        }
    }

    /// The same session for the queries of one micro-batch of a stream: they may remember rows of earlier ones.
    #[must_use]
    pub fn for_batch(&self, stream: Arc<StreamContext>) -> Self {
        Self {
            stream: Some(stream),
            ..self.clone()
        }
    }

    /// The micro-batch that its queries run in, if it is one of a stream.
    #[must_use]
    pub fn stream(&self) -> Option<&Arc<StreamContext>> {
        self.stream.as_ref()
    }

    /// What the session fixes.
    #[must_use]
    pub fn settings(&self) -> &SessionSettings {
        &self.settings
    }

    /// DataFusion's state: for planning and execution, never for SQL text.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.context.state()
    }

    /// DataFusion's context, for providers that scan within the same memory limit.
    #[must_use]
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Gives meaning to a query: `inputs` are the tables behind its relations, in their order.
    ///
    /// # Errors
    /// Everything wrong with the query that was found, with places: unknown columns and functions, types that do
    /// not fit, SQL that is not supported.
    pub fn bind(
        &self,
        query: &Query,
        inputs: &[Arc<dyn TableProvider>],
    ) -> Result<BoundQuery, Vec<Diagnostic>> {
        crate::bind::bind(self, query, inputs)
    }
}

/// DataFusion's settings for Spark's semantics and a quick start.
fn config(settings: &SessionSettings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_target_partitions(settings.partitions.max(1))
        .with_batch_size(settings.batch_rows.max(1));
    let options = config.options_mut();
    options.execution.time_zone = Some(settings.time_zone.clone());
    options.execution.enable_ansi_mode = true;
    options.execution.parquet.pushdown_filters = false;
    // The rule loses track of which relation a column is of when a field of an exploded struct stands over a subquery.
    options.optimizer.enable_leaf_expression_pushdown = false;
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.default_null_ordering = "nulls_min".into();
    options.sql_parser.parse_float_as_decimal = true;
    config
}
