//! The text of all figures, made when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text};
use prometheus_client::registry::Registry;
use tokio::sync::{Mutex, oneshot};
use tokio::time::Instant;

use super::families;
use super::sheet::Sheet;
use super::sources::{Figures, Sources};

/// How long a text counts as new: those who ask more often get the same text again.
const FRESH: Duration = Duration::from_secs(1);

/// Makes the text with the figures of one server.
pub(super) struct Exporter {
    figures: Arc<Figures>,
    /// The latest text. Locked while one is made, so only one is made at a time.
    latest: Mutex<Option<(Instant, Bytes)>>,
}

impl Exporter {
    pub(super) fn new(sources: Sources) -> Arc<Self> {
        Arc::new(Self {
            figures: Arc::new(Figures::new(sources)),
            latest: Mutex::default(),
        })
    }

    /// Counts the projects. This takes long on a disk.
    pub(super) async fn count_projects(&self) {
        let Figures {
            sources, projects, ..
        } = &*self.figures;
        match sources.application.ports.projects.projects().await {
            Ok(found) => projects.set(found.len()),
            Err(error) => tracing::debug!(%error, "cannot count the projects"),
        }
    }

    /// The text; `None` if the system gives no thread to make it.
    pub(super) async fn text(&self) -> Option<Bytes> {
        let mut latest = self.latest.lock().await;
        if let Some((made, text)) = &*latest
            && made.elapsed() < FRESH
        {
            return Some(text.clone());
        }
        let (figures, (done, made)) = (Arc::clone(&self.figures), oneshot::channel());
        // A thread of its own, because this may take milliseconds. When the disk hangs, so may all
        // threads for blocking work, and then the figures are wanted most.
        let thread = std::thread::Builder::new().name("metrics".to_owned());
        let making = thread.spawn(move || done.send(make(figures)));
        making.ok()?;
        let text = Bytes::from(made.await.ok()?.ok()?);
        *latest = Some((Instant::now(), text.clone()));
        Some(text)
    }
}

fn make(figures: Arc<Figures>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(figures)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

/// All families, in the form in which the library asks for them.
struct Families(Arc<Figures>);

impl fmt::Debug for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Families").finish_non_exhaustive()
    }
}

impl Collector for Families {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        families::write(&self.0, &mut Sheet(encoder))
    }
}
