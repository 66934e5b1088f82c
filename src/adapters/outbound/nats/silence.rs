//! Watches whether the engine answers, and waits until it does.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::adapters::outbound::nats::engine::{AGAIN, Engine};
use crate::application::ports::{EngineState, StoreError};

/// How often to look.
const LOOK: Duration = Duration::from_millis(500);

/// How long a silence must last to count as one; the engine is asked each second.
pub(crate) const SILENT: Duration = Duration::from_secs(3);

/// How long a silence must last before the server that this node is connected to may itself be cut
/// off.
const CUT_OFF: Duration = ELECTION;

/// An election takes at most 9 seconds.
pub(crate) const ELECTION: Duration = Duration::from_secs(10);

impl Engine {
    /// What `ask` gives once a leader answers; until then, asks again, but not for longer than
    /// `patience`.
    ///
    /// # Errors
    /// Those of `ask`: `Failed` only after that time, or if it fails while a leader answers.
    pub async fn once_answered<T, F>(
        &self,
        patience: Duration,
        ask: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let began = Instant::now();
        // That it answered before this began says nothing: its leader may just have died.
        let is_answering = || self.silence() < began.elapsed().min(SILENT);
        loop {
            let was_answering = is_answering();
            let given = ask().await;
            let is_final = was_answering && is_answering() || began.elapsed() >= patience;
            match given {
                Err(StoreError::Failed(error)) if !is_final => {
                    tracing::debug!(%error, "the engine does not answer; asking again");
                }
                given => return given,
            }
            sleep(AGAIN).await;
        }
    }
}

/// What a silence of that length means; `patience` is `clusterTimeoutSeconds`.
fn state_of(silence: Duration, patience: Duration) -> EngineState {
    if silence < SILENT {
        EngineState::Ready
    } else if silence < patience.max(SILENT) {
        EngineState::Silent
    } else {
        EngineState::Lost
    }
}

/// Reports the state of the engine until the engine is no longer needed. While it is silent, tries
/// another of its servers from time to time.
pub(crate) async fn watch_over(
    engine: Weak<Engine>,
    patience: Duration,
    state: watch::Sender<EngineState>,
) {
    let mut look = interval(LOOK);
    let mut tried = Instant::now();
    loop {
        look.tick().await;
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let silence = engine.silence();
        let now = state_of(silence, patience);
        let has_changed = state.send_if_modified(|state| std::mem::replace(state, now) != now);
        match now {
            _ if !has_changed => {}
            EngineState::Ready => tracing::info!("the NATS server answers again"),
            EngineState::Silent => tracing::warn!("the NATS server does not answer; changes wait"),
            EngineState::Lost => tracing::error!(
                "the NATS server has not answered for clusterTimeoutSeconds; clients are sent away"
            ),
        }
        if silence >= CUT_OFF && tried.elapsed() >= CUT_OFF {
            tried = Instant::now();
            // A client that is already reconnecting would not accept this for a while.
            let trying = timeout(LOOK, engine.client.force_reconnect()).await;
            if let Ok(Err(error)) = trying {
                tracing::warn!(%error, "cannot try another NATS server");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::adapters::outbound::contract_tests::nats_server::settings;
    use crate::adapters::outbound::nats::tests::node;

    #[tokio::test]
    async fn what_fails_while_the_engine_answers_is_not_asked_for_ever() {
        let (node, _world) = node(&settings()).await;
        for takes in [Duration::ZERO, SILENT / 2] {
            let asked = node.engine.once_answered(Duration::MAX, || async move {
                sleep(takes).await;
                Err::<(), _>(StoreError::failed("it is damaged"))
            });
            let asked = timeout(SILENT * 4, asked).await.expect("it ends");
            assert!(matches!(asked, Err(StoreError::Failed(_))));
        }
    }

    #[test]
    fn silence_is_first_waited_out_and_then_lost() {
        let patience = Duration::from_secs(30);
        for (millis, expected) in [
            (0, EngineState::Ready),
            (2_999, EngineState::Ready),
            (3_000, EngineState::Silent),
            (29_999, EngineState::Silent),
            (30_000, EngineState::Lost),
        ] {
            let silence = Duration::from_millis(millis);
            assert_eq!(state_of(silence, patience), expected, "{millis}");
        }
        let short = Duration::from_secs(1);
        assert_eq!(state_of(SILENT, short), EngineState::Lost);
    }
}
