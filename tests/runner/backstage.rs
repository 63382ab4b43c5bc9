//! Stations of our own cases only: they go behind the engine's back.
//!
//! | station | does |
//! |---|---|
//! | `drop TABLE`, `lose-checkpoint TABLE` | deletes a table, or its progress |
//! | `lose TABLE PART`, `tear TABLE PART` | deletes what lies below PART in a table's folder, or cuts its newest file in half |
//! | `bucket NAME` | makes a bucket of S3; files are put into it by its URL, as `put s3://NAME/key` |
//! | `warehouse URL` | has the tables from now on in a bucket |
//! | `foreign append TABLE`, `foreign overwrite TABLE` | another program writes the rows of a query |
//! | `foreign delete TABLE PREDICATE`, `foreign optimize TABLE`, `foreign restore TABLE VERSION`, `foreign set TABLE KEY=VALUE` | another program changes a table |

use std::sync::Arc;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sluice::testing::{Backstage, Station, Trouble, Walk};

use crate::foreign::{self, Act};
use crate::s3::world as s3;

/// The stations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BehindTheBack;

impl Backstage for BehindTheBack {
    fn station<'a>(
        &'a self,
        walk: &'a mut Walk,
        station: &'a Station,
    ) -> Option<BoxFuture<'a, Result<(), Trouble>>> {
        let done: BoxFuture<'a, Result<(), Trouble>> = match station.verb.as_str() {
            "bucket" => Box::pin(async move { s3::make_bucket(walk, &station.argument) }),
            "warehouse" => Box::pin(async move { s3::keep_tables(walk, &station.argument) }),
            "foreign" => Box::pin(write_foreign(walk, station)),
            "drop" => Box::pin(delete_below(walk, &station.argument, "")),
            "lose-checkpoint" => Box::pin(delete_below(walk, &station.argument, "_sluice")),
            "lose" | "tear" => Box::pin(damage(walk, station)),
            _ => return None,
        };
        Some(done)
    }
}

async fn write_foreign(walk: &mut Walk, station: &Station) -> Result<(), Trouble> {
    let words: Vec<&str> = station.argument.splitn(3, ' ').collect();
    let (verb, table, rest) = (
        words[0],
        words.get(1).ok_or("which table?")?,
        words.get(2).copied().unwrap_or_default(),
    );
    let (engine, loaded, name) = walk.table_of(table)?;
    let act = match verb {
        "append" | "overwrite" => {
            let namespace = &loaded
                .project
                .as_ref()
                .ok_or("the project cannot be read")?
                .namespace;
            let query = sluice_sql::parse_query(
                &Arc::from("query"),
                station.answer_text(),
                vec![],
                namespace,
            );
            let query = query.map_err(|found| format!("{found:?}"))?;
            let rows = engine
                .query(&loaded.declared, &query)
                .await
                .map_err(|found| format!("{found:?}"))?
                .batches;
            if verb == "append" {
                Act::Append(rows)
            } else {
                Act::Overwrite(rows)
            }
        }
        "delete" => Act::Delete(rest.to_owned()),
        "optimize" => Act::Optimize,
        "set" => {
            let (key, value) = rest.split_once('=').ok_or("which property?")?;
            Act::Set(key.to_owned(), value.to_owned())
        }
        "restore" => Act::Restore(rest.parse().map_err(|_| "which version?")?),
        other => return Err(format!("nobody knows how to `{other}`").into()),
    };
    let store = walk.world.store()?;
    let place = store.table_location(&name);
    Ok(foreign::act(walk.world.objects(), &store, &place, act).await?)
}

/// Deletes files of a table, or cuts the newest of them in half.
async fn damage(walk: &mut Walk, station: &Station) -> Result<(), Trouble> {
    let (table, part) = station
        .argument
        .split_once(' ')
        .ok_or("a table, and what of it")?;
    let mut places = below(walk, table, "").await?;
    places.retain(|place| place.as_ref().contains(&format!("/{part}/")));
    places.sort();
    let last = places
        .last()
        .cloned()
        .ok_or("there is nothing of that name")?;
    if station.verb == "lose" {
        return delete(walk, places).await;
    }
    let objects = walk.world.objects();
    let torn = async {
        let bytes = objects.get(&last).await?.bytes().await?;
        let half = bytes.slice(..bytes.len() / 2);
        objects.put(&last, half.into()).await
    };
    torn.await
        .map(drop)
        .map_err(|error| error.to_string().into())
}

async fn delete_below(walk: &mut Walk, table: &str, sub_folder: &str) -> Result<(), Trouble> {
    let places = below(walk, table, sub_folder).await?;
    delete(walk, places).await
}

async fn below(walk: &mut Walk, table: &str, sub_folder: &str) -> Result<Vec<Path>, Trouble> {
    let (_, _, name) = walk.table_of(table)?;
    let location = walk.world.store()?.table_location(&name);
    let place = if sub_folder.is_empty() {
        location
    } else {
        location.child([sub_folder])
    };
    let listed: Result<Vec<_>, _> = walk
        .world
        .objects()
        .list(Some(place.path()))
        .try_collect()
        .await;
    let listed = listed.map_err(|error| error.to_string())?;
    Ok(listed.into_iter().map(|object| object.location).collect())
}

async fn delete(walk: &Walk, places: Vec<Path>) -> Result<(), Trouble> {
    for place in places {
        let gone = walk.world.objects().delete(&place).await;
        gone.map_err(|error| error.to_string())?;
    }
    Ok(())
}
