//! What moderators decide at other servers takes effect here, too.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;

use crate::application::moderation::effect::catch_up;
use crate::application::service::Application;
use crate::domain::ProjectId;

/// How long to wait before trying again to read what could not be read.
const AGAIN: Duration = Duration::from_secs(3);

/// Makes decisions at other servers take effect here, too, from now on. Needs a tokio runtime.
pub fn follow_decisions(app: &Arc<Application>) {
    let own = Arc::downgrade(app);
    app.ports.moderation.follow(Box::new(move |project| {
        tokio::spawn(keep_up(Weak::clone(&own), project.clone()));
    }));
}

async fn keep_up(app: Weak<Application>, project: ProjectId) {
    while let Some(app) = app.upgrade() {
        let is_known = is_known(&app, &project).await;
        drop(app);
        if is_known {
            return;
        }
        sleep(AGAIN).await;
    }
}

/// Whether what has been decided there is in force here, or will be read when somebody asks for it.
async fn is_known(app: &Application, project: &ProjectId) -> bool {
    let Some(moderated) = app.moderations.in_memory(project) else {
        return true;
    };
    let _turn = moderated.turn.lock().await;
    let is_loaded = moderated.state().loaded.is_some();
    !is_loaded || catch_up(app, &moderated).await.is_ok()
}
