//! Who hears of the runs of jobs, while `sluice serve` runs. Must not know how a message looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sluice_model::Clock as _;
use sluice_model::job::{Job, Occasion};
use sluice_serve::Happening;
use sluice_serve::delivery::{Address, JobNotice, Patience, tell};
use tokio::task::JoinSet;

use crate::delivering::address;
use crate::edge::SystemClock;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Workplace;

/// How long the end of serving waits for notices that are on their way.
const DRAIN: Duration = Duration::from_secs(10);

/// The destinations that jobs name, and what is on its way to them.
#[derive(Debug)]
pub(super) struct Notices {
    screen: Screen,
    addresses: BTreeMap<String, Arc<Address>>,
    under_way: Mutex<JoinSet<()>>,
}

impl Notices {
    /// Looks up the secrets of the destinations that these jobs name. One that cannot be reached is told and hinders nothing.
    pub(super) fn of<'a>(
        screen: &Screen,
        jobs: impl Iterator<Item = &'a Job>,
        places: &BTreeMap<String, Workplace>,
    ) -> Self {
        let mut addresses = BTreeMap::new();
        let named = jobs.flat_map(|job| &job.notices.recipients);
        for (_, recipient) in named {
            let name = recipient.value.to_lowercase();
            let found = places.values().find_map(|place| {
                let settings = &place.project.as_ref()?.settings;
                let mut all = settings.destinations.iter();
                let destination = all.find(|known| known.name.to_lowercase() == name)?;
                Some((destination, place))
            });
            let Some((destination, place)) = found.filter(|_| !addresses.contains_key(&name))
            else {
                continue;
            };
            match address(destination, &place.folder) {
                Ok(address) => {
                    addresses.insert(name, Arc::new(address));
                }
                Err(diagnostic) => screen.diagnostics(&[*diagnostic], &place.texts),
            }
        }
        Self {
            screen: screen.clone(),
            addresses,
            under_way: Mutex::default(),
        }
    }

    /// Sends what a job wants to be told of this. Nothing waits for it.
    pub(super) fn tell(&self, job: &Job, happening: &Happening<'_>) {
        let wanted = &job.notices;
        let occasion = match happening {
            Happening::Started { .. } => Occasion::Start,
            Happening::TakesLong => Occasion::Late,
            Happening::Ended { well: true, .. } => Occasion::Success,
            Happening::Ended { stopped: true, .. } if wanted.quiet_when_stopped => return,
            Happening::LeftOut if wanted.quiet_when_left_out => return,
            Happening::Ended { .. } | Happening::LeftOut => Occasion::Failure,
            _ => return,
        };
        let notice = JobNotice {
            occasion,
            job: job.key.clone(),
            name: job.name.clone(),
            at_us: SystemClock.now_us(),
        };
        let recipients = wanted.recipients.iter();
        for (_, recipient) in recipients.filter(|(asked, _)| *asked == occasion) {
            let Some(address) = self.addresses.get(&recipient.value.to_lowercase()) else {
                continue;
            };
            let (address, notice, screen) =
                (Arc::clone(address), notice.clone(), self.screen.clone());
            let mut under_way = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            under_way.spawn(async move {
                if let Err(found) = tell(&address, &notice, Patience::default()).await {
                    screen.diagnostics(&[found], &SourceTexts::default());
                }
            });
            // Those that have arrived are forgotten.
            while under_way.try_join_next().is_some() {}
        }
    }

    /// Waits a while for what is on its way.
    pub(super) async fn end(&self) {
        let mut under_way = std::mem::take(
            &mut *self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let all = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            self.screen.say("some notices of jobs did not arrive");
        }
    }
}
