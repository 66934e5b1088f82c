//! The first look at a folder and at the project on the server, before anything is sent or deleted.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;

use crate::commands::share::args::ShareArgs;
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::FileName;
use crate::publish::foreign::Approved;
use crate::publish::output::{Event, ShareOutput};
use crate::publish::precheck::{self, Intent, There};
use crate::publish::{folder, look};
use crate::rules::Verdict;
use crate::ui::keyboard::Keys;
use crate::ui::question::{self, Preset};

/// The steps before anything is sent or deleted.
#[derive(Clone, Copy)]
pub struct FirstLook<'a> {
    pub args: &'a ShareArgs,
    pub credentials: &'a Credentials,
    pub dir: &'a Path,
    pub root: &'a OwnedFd,
    pub stop: &'a CancellationToken,
}

impl FirstLook<'_> {
    /// Returns what may be deleted without another question, or `None` if nothing is to be done:
    /// after a dry run, or because the person says no.
    pub async fn look(
        self,
        output: &mut ShareOutput,
        keys: &mut Keys,
    ) -> Result<Option<Approved>, Failure> {
        if self.args.dry_run {
            self.tell(output).await?;
            Ok(None)
        } else if self.args.yes {
            Ok(Some(Approved::All))
        } else {
            self.approve(keys).await
        }
    }

    async fn there(self) -> Result<There, Failure> {
        if self.args.local {
            Ok(There::default())
        } else {
            precheck::ask(self.credentials).await
        }
    }

    /// Prints what would be done.
    async fn tell(self, output: &mut ShareOutput) -> Result<(), Failure> {
        let (root, stop) = (self.root, self.stop);
        let there = self.there().await?;
        let (mut found, rules) = look::look_at(self.dir, root, &self.args.allow, stop).await?;
        let intent = block_in_place(|| {
            found.files.retain(|name, _| {
                stop.is_cancelled()
                    || !matches!(
                        rules.judge_all_contents(root, name, stop),
                        Ok(Verdict::Holds(_))
                    )
            });
            Intent::of(there, &found, |name| {
                folder::fingerprint(root, &rules, name, stop)
            })
        });
        if stop.is_cancelled() {
            return Ok(());
        }
        let names = |name: &FileName| name.as_str().to_owned();
        output.tell(&Event::WouldDo {
            bytes: intent.plan.post.iter().map(|(_, bytes)| bytes).sum(),
            send: (intent.plan.post.iter())
                .map(|(name, _)| names(name))
                .collect(),
            delete: intent.plan.delete.iter().map(names).collect(),
        });
        Ok(())
    }

    /// Asks the person where that is worth a question. Returns what may be deleted, or `None` if
    /// they say no.
    async fn approve(self, keys: &mut Keys) -> Result<Option<Approved>, Failure> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        if let Some(question) = precheck::question_of_home(self.dir, home.as_deref())
            && !self.ask(&question, keys).await?
        {
            return Ok(None);
        }
        let there = self.there().await?;
        let looked = look::look_at(self.dir, self.root, &self.args.allow, self.stop).await;
        if self.stop.is_cancelled() {
            return Ok(None);
        }
        let (found, _) = looked?;
        let intent = block_in_place(|| Intent::of(there, &found, |_| None));
        let project = self.credentials.full_project();
        let question = intent.question(&self.dir.to_string_lossy(), &project);
        if let Some(question) = question
            && !self.ask(&question, keys).await?
        {
            return Ok(None);
        }
        Ok(Some(intent.approved()))
    }

    /// Asks the person at the keyboard; fails if there is none.
    async fn ask(self, question: &str, keys: &mut Keys) -> Result<bool, Failure> {
        if self.args.json || !question::can_be_asked() {
            return Err(Failure::usage(format!(
                "{question} Nothing was sent or deleted. Give --yes if that is what you want; \
                 --dry-run shows what would be done."
            )));
        }
        let _lent = keys.lend();
        let question = format!("{question} Go on?");
        Ok(question::is_confirmed_until(self.stop, question, Preset::No).await)
    }
}
