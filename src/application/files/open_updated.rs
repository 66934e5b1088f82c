//! Reads back a file whose change a connection has not been sent yet.

use crate::application::ports::{OpenFile, StoreError};
use crate::application::service::Application;
use crate::domain::{FilePath, ProjectId};

/// Opens the newest version of a file whose change a connection has not been sent yet; `None` if
/// the file is gone by now, which the connection will be told as well.
///
/// # Errors
/// The errors of the store.
pub async fn open_updated(
    app: &Application,
    project: &ProjectId,
    path: &FilePath,
) -> Result<Option<OpenFile>, StoreError> {
    match app.ports.projects.open_file(project, path).await {
        Ok(file) => Ok(Some(file)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
