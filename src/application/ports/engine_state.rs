use tokio::sync::watch;

/// Whether the engine that keeps the data answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineState {
    /// It answers, or need not be asked.
    Ready,
    /// It has not answered for some seconds; changes wait.
    Silent,
    /// It has been silent for so long that clients should look for another server.
    Lost,
}

impl EngineState {
    /// The state of an engine within this process, which cannot be cut off.
    pub fn always_ready() -> watch::Receiver<Self> {
        watch::channel(Self::Ready).1
    }
}
